"""The catalogue of sentences: whole, in both languages, and nothing beside it."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest
from pydantic_core.core_schema import ErrorType

from api.errors import SENTENCES
from edge import words
from edge.domain import errors
from edge.domain.failures import Failure
from edge.domain.line_faults import LineFault
from edge.domain.messages import Message, in_words
from edge.domain.power import Alarm
from edge.domain.robots import RobotStatus
from edge.domain.stops import Refusal, StopCause
from edge.domain.tasks import Phase
from ros_nodes.navigation.errors import Reason
from ros_nodes.navigation.progress import DriveState
from ros_nodes.navigation.sensor_faults import SensorFault

ROOT = Path(words.__file__).parents[1]
SOURCES = [
    path
    for folder in ("edge", "api", "sync", "firmware_bridge")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
ENTRIES = [
    pytest.param(section, key, id=f"{section}.{key}")
    for section, keys in words.catalogue().items()
    for key in keys
]
OF_A_SHELL = {"SetupError", "CallError", "StoryError"}
"""What these say is for whoever has a shell: English, beside its cause."""
NAME_IT_THEMSELVES = {
    "ClockNotSetError",
    "SignInRefusedError",
    "StorageFailedError",
    "UnknownWaypointError",
}
PAIRS = ("error", "failure", "cause", "fault", "line", "sensor")


def placeholders(said: words.Texts) -> list[set[str]]:
    return [{name for _, name, _, _ in Formatter().parse(one) if name} for one in said]


@pytest.mark.parametrize(("section", "key"), ENTRIES)
def test_both_languages_say_the_same_with_the_same_facts(section: str, key: str) -> None:
    english, *others = (words.catalogue()[section][key][one] for one in words.LANGUAGES)
    assert all(said and said == said.strip() for said in (*english, *sum(others, ())))
    for other in others:
        assert len(other) == len(english)
        assert set().union(*placeholders(other)) == set().union(*placeholders(english))


@pytest.mark.parametrize("section", PAIRS)
@pytest.mark.parametrize("language", words.LANGUAGES)
def test_every_failure_says_what_is_so_and_what_to_do(section: str, language: str) -> None:
    for key, said in words.section(section, language).items():
        assert len(said) == 2, key
        assert all(one.endswith((".", "}", "….")) for one in said), key


@pytest.mark.parametrize(
    ("section", "codes"),
    [
        ("failure", Failure),
        ("cause", StopCause),
        ("line", LineFault),
        ("sensor", SensorFault),
        ("alarm", Alarm),
        ("message", Message),
        ("status", RobotStatus),
        ("step", Phase),
        ("outcome", Reason),
    ],
)
def test_every_code_of_the_domain_has_its_words_and_no_words_are_of_no_code(
    section: str, codes: type[Enum]
) -> None:
    assert set(words.catalogue()[section]) == {one.name for one in codes}


def test_a_drive_that_is_held_up_has_its_words() -> None:
    assert set(words.catalogue()["drive"]) <= {one.name for one in DriveState}


def test_every_refusal_of_the_gate_has_its_words() -> None:
    assert {one.name for one in Refusal} <= set(words.catalogue()["error"])


def kinds(kind: type[errors.LunaError] = errors.LunaError) -> Iterator[str]:
    yield kind.__name__
    for child in kind.__subclasses__():
        yield from kinds(child)


def raised() -> Iterator[tuple[str, str, set[str]]]:
    """Where, which sentence, and the names of the facts that it is given."""
    ours = set(kinds()) - OF_A_SHELL - NAME_IT_THEMSELVES
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                is_http = node.func.id == "HTTPException" and len(node.args) > 1
                first = node.args[is_http]
                if (is_http or node.func.id in ours) and isinstance(first, ast.Constant):
                    given = {one.arg or "**" for one in node.keywords}
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", str(first.value), given


def test_every_error_names_a_sentence_and_gives_it_its_facts() -> None:
    catalogue = words.catalogue()["error"]
    found = list(raised())
    assert len(found) > 90
    for where, sentence, given in found:
        assert sentence in catalogue, f"{where}: {sentence!r} is not in words.toml"
        wanted = set().union(*placeholders(catalogue[sentence][words.ENGLISH]))
        assert wanted <= given or "**" in given, f"{where}: {sentence} wants {wanted}"


def test_no_sentence_of_an_error_is_unused() -> None:
    literals = {
        node.value
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    used = literals | set(SENTENCES.values())
    assert set(words.catalogue()["error"]) - used == set()


def test_words_about_fields_are_about_what_can_be_wrong_with_one() -> None:
    assert set(words.catalogue()["field"]) - {"EMPTY"} <= set(get_args(ErrorType))


def test_no_words_of_the_page_are_unused() -> None:
    page = " ".join(path.read_text() for path in sorted((ROOT / "api" / "ui").glob("*.*")))
    named = set(re.findall(r"\b[a-z_]+\b|\bby_[A-Z]+\b", page))
    unused = {key for key in words.catalogue()["page"] if key not in named}
    assert {key for key in unused if not key.startswith("by_")} == set()


def test_an_unknown_key_is_its_own_sentence() -> None:
    assert words.texts("error", "Not so.", "de") == ("Not so.",)


def test_a_fact_that_is_missing_does_not_hide_the_sentence() -> None:
    assert "“–”" in words.text("error", "NOT_A_TIME")


def test_lists_are_said_with_commas_and_an_empty_one_with_a_dash() -> None:
    both = errors.InvalidTransitionError("PENDING", "COMPLETED", ["QUEUED", "CANCELLED"])
    assert both.said("de")[1] == "Möglich: QUEUED, CANCELLED."
    assert errors.InvalidTransitionError("A", "B", []).said()[1] == "Possible: –."


@pytest.mark.parametrize("language", words.LANGUAGES)
@pytest.mark.parametrize("code", [*Message, *Alarm])
def test_every_notice_is_filled_and_begins_with_a_capital(code: str, language: str) -> None:
    facts = {"source": "Desk", "destination": "Room", "home": "Desk", "failure": "BLOCKED"}
    facts["provider"] = "https://sso.example"
    title, said = in_words(code, facts, language)
    assert said.endswith(".") and not re.search("[{}–]|  ", title + said)
    assert said[0].isupper() and title and not title.endswith(".")


def test_a_notice_names_the_book_and_the_reason_in_its_language() -> None:
    facts = {"book": "Emma", "home": "Theke", "failure": "HANDOVER_TIMEOUT"}
    title, said = in_words(Message.TURNING_BACK, facts, "de")
    assert title == "Der Roboter kehrt um"
    assert said.startswith("Der Roboter bringt „Emma“ zurück. Ziel: Theke. Niemand hat das Buch")


def test_the_gate_has_codes_and_no_words() -> None:
    program = "import sys, firmware_bridge.gate as _; print('edge.words' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout == "False\n"
