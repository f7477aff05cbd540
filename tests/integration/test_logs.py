"""Logs of a real process: where they go, in what form, and that they stay bounded."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

PROGRAM = """
    import logging, pathlib, sys
    from edge import logs
    log = logs.get("room")
    logs.configure("talker", pathlib.Path(sys.argv[1]))
    log.info("began", port=1)
    logging.getLogger("library").warning("said %s", "so")
    try:
        1 / 0
    except ZeroDivisionError:
        log.exception("went wrong")
    print("from C, as it were", file=sys.stderr, flush=True)
"""


def _run(source: str, data_dir: Path, how: str) -> str:
    """What the process wrote to stderr."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source), str(data_dir)],
        env={**os.environ, "LUNA_LOG": how},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stderr


def test_on_a_terminal_it_is_readable(tmp_path: Path) -> None:
    said = _run(PROGRAM, tmp_path, "text")
    assert "began" in said and "port=1" in said
    assert "said so" in said
    assert "ZeroDivisionError" in said
    assert not (tmp_path / "logs").exists()


def test_for_a_journal_each_event_is_a_line_of_json(tmp_path: Path) -> None:
    *lines, _ = _run(PROGRAM, tmp_path, "json").splitlines()
    began, library, wrong = (json.loads(line) for line in lines)
    assert began["event"] == "began" and began["port"] == 1
    assert began["process"] == "talker" and began["logger"] == "room"
    assert began["time"].endswith("Z")
    assert library == {**library, "event": "said so", "level": "warning", "logger": "library"}
    assert "ZeroDivisionError" in wrong["exception"]


def test_under_the_supervisor_all_of_it_is_in_the_processes_file(tmp_path: Path) -> None:
    assert _run(PROGRAM, tmp_path, "file") == ""
    *lines, raw = (tmp_path / "logs" / "talker.log").read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["began", "said so", "went wrong"]
    assert raw == "from C, as it were"


def test_the_files_are_bounded_and_raw_output_follows_to_the_newest(tmp_path: Path) -> None:
    source = """
        import pathlib, sys
        from edge import logs
        logs.FILE_BYTES = 10_000
        logs.configure("talker", pathlib.Path(sys.argv[1]))
        for number in range(500):
            logs.get("room").info("began", number=number)
        print("raw", file=sys.stderr, flush=True)
    """
    _run(source, tmp_path, "file")
    files = sorted((tmp_path / "logs").iterdir())
    assert [file.name for file in files] == ["talker.log", "talker.log.1", "talker.log.2"]
    assert all(file.stat().st_size <= 10_100 for file in files)
    assert files[0].read_text().endswith("raw\n")
