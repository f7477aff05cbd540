"""fuzz.c, with the sanitizers for memory and for arithmetic."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.c_board import compile_reference, compiler

CHUNKS = 20_000_000 if os.environ.get("LUNA_SOAK") else 200_000
SANITIZERS = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


def has_sanitizers(folder: Path) -> bool:
    source = folder / "empty.c"
    source.write_text("int main(void) { return 0; }\n")
    cc = compiler()
    return (
        cc is not None
        and not subprocess.run(
            [cc, *SANITIZERS, str(source), "-o", str(folder / "empty")],
            capture_output=True,
            check=False,
        ).returncode
    )


@pytest.mark.timeout(1200)
def test_no_bytes_break_a_rule_of_the_board_or_of_the_language(tmp_path: Path) -> None:
    if not has_sanitizers(tmp_path):
        pytest.skip("no C compiler with sanitizers")
    program = compile_reference(
        tmp_path / "fuzz", *SANITIZERS, extra=[Path(__file__).with_name("fuzz.c")]
    )
    done = subprocess.run(
        [str(program), "1", str(CHUNKS)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    _, messages, moving, *_ = (int(word) for word in done.stdout.split() if word.isdigit())
    # A fuzz that is all refused, or never moves, would say nothing.
    assert messages > CHUNKS / 4 and moving > CHUNKS / 50
