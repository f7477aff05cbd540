"""The wrong changes that `make mutation` tries: each is one, and none is missing."""

from tools.mutation import c_mutants, python_mutants

PYTHON = '''"""Text."""
LIMIT_S: float = 0.2
NAMES = {"one": 1}

def held(self, now: float) -> bool:
    """More text."""
    if self.up and now - self.heard < LIMIT_S:
        return True
    self.count += 1
    self.tell("a sentence for people")
    raise ValueError(f"{now} is wrong")
'''
C = """enum { STEP_MS = 10 }; /* 3 < 4 */
static bool due(const struct board *board, uint32_t now_ms)
{
    board->count++;
    if (now_ms - board->sent_ms < STEP_MS && !board->off)
        return false;
    return true;
}
"""


def changes(mutants: list[python_mutants.Mutant]) -> set[tuple[int, str]]:
    return {(mutant.line, mutant.after) for mutant in mutants}


def test_constants_operators_conditions_and_statements_of_python_are_changed() -> None:
    found = python_mutants.mutants("some.py", PYTHON)
    assert {
        (2, "LIMIT_S: float = 0.30000000000000004"),
        (3, "NAMES = {'onex': 1}"),
        (3, 'NAMES = {"one": 2}'),
        (3, 'NAMES = {"one": (0)}'),
        (7, "if self.up or now - self.heard < LIMIT_S:"),
        (7, "if (not (self.up)) and now - self.heard < LIMIT_S:"),
        (7, "if self.up and now + self.heard < LIMIT_S:"),
        (7, "if self.up and now - self.heard <= LIMIT_S:"),
        (8, "pass"),
        (8, "return False"),
        (9, "pass"),
        (9, "self.count += 2"),
        (10, "pass"),
        (11, "pass"),
    } <= changes(found)
    assert {mutant.function for mutant in found} == {None, 5}


def test_texts_for_people_types_and_docstrings_are_left_alone() -> None:
    lines = {mutant.line for mutant in python_mutants.mutants("some.py", PYTHON)}
    assert lines == {2, 3, 7, 8, 9, 10, 11}
    assert not any("sentence" in after for _, after in changes(python_mutants.mutants("x", PYTHON)))


def test_each_is_the_file_with_one_change() -> None:
    for path, text, make in (("x.py", PYTHON, python_mutants), ("x.c", C, c_mutants)):
        for mutant in make.mutants(path, text):
            was, then = text.splitlines(), mutant.text.splitlines()
            assert len(was) == len(then)
            assert [a == b for a, b in zip(was, then, strict=True)].count(False) == 1


def test_numbers_operators_and_statements_of_c_are_changed_but_no_comment() -> None:
    assert changes(c_mutants.mutants("some.c", C)) == {
        (1, "enum { STEP_MS = 11 }; /* 3 < 4 */"),
        (1, "enum { STEP_MS = 9 }; /* 3 < 4 */"),
        (4, "board->count--;"),
        (4, ";"),
        (5, "if (now_ms + board->sent_ms < STEP_MS && !board->off)"),
        (5, "if (now_ms - board->sent_ms <= STEP_MS && !board->off)"),
        (5, "if (now_ms - board->sent_ms != STEP_MS && !board->off)"),
        (5, "if (now_ms - board->sent_ms < STEP_MS || !board->off)"),
        (5, "if (now_ms - board->sent_ms < STEP_MS && board->off)"),
        (6, "return true;"),
        (7, "return false;"),
    }
