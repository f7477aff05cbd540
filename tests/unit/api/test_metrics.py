"""What an operator can watch is written down."""

from pathlib import Path

from api.metrics import Metrics

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "http.md"


def test_every_number_is_in_the_document() -> None:
    said = DOCUMENT.read_text(encoding="utf-8")
    for metric in Metrics().registry.collect():
        if metric.name.startswith("process_"):  # the library's own
            continue
        suffix = "_total" if metric.type == "counter" else ""
        assert f"| `{metric.name}{suffix}` |" in said
