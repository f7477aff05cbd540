"""What the gate is told on its command line, and how it starts."""

import os
from pathlib import Path

import pytest

from firmware_bridge import command_line, gate
from tests.support.board import LIMITS

GIVEN = ("--data-dir", "data", "--port", "port", *LIMITS)


def test_what_is_given_is_what_it_does() -> None:
    arguments = command_line.parse(GIVEN)
    assert arguments.watch == ("ros", "supervisor")
    assert (arguments.holds_to_latch, arguments.announce) == (3, 2.0)
    assert command_line.limits(arguments).values() == (0.31, 1.5, 0.5, 2.0, 1.5, 6.0)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--watch", "supervisor"), "--watch takes ros"),
        (("--watch", "ros,api"), "--watch takes ros"),
        (("--announce", "-1"), "--announce is from 0 to 60 s"),
        (("--announce", "61"), "--announce is from 0 to 60 s"),
        (("--announce", "nan"), "--announce is from 0 to 60 s"),
        (("--max-speed", "0"), "--max-speed is above 0 and below 1000"),
        (("--max-turn", "1000"), "--max-turn is above 0 and below 1000"),
        (("--max-acceleration", "nan"), "--max-acceleration is above 0 and below 1000"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_said(
    more: tuple[str, str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        command_line.parse((*GIVEN, *more))
    assert says in capsys.readouterr().err


def test_a_data_directory_that_cannot_be_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gate, "_go_first", lambda: None)
    (tmp_path / "file").touch()
    assert gate.main([*GIVEN, "--data-dir", str(tmp_path / "file" / "data")]) == 1
    assert capsys.readouterr().err.startswith("the gate cannot start: ")


@pytest.mark.parametrize("before", [os.SCHED_RR, os.SCHED_FIFO])
def test_a_priority_that_was_given_is_kept(before: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getscheduler", lambda _: before)
    monkeypatch.setattr(os, "sched_setscheduler", lambda *_: pytest.fail("it is changed"))
    gate._go_first()


def test_no_leave_to_go_first_is_no_fault(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_getscheduler", lambda _: os.SCHED_OTHER)
    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    with caplog.at_level("INFO", "gate"):
        gate._go_first()
    assert "real-time" in caplog.text
