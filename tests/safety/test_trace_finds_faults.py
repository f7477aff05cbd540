"""The judge is judged: with each protection of the product taken out in turn, the trace must find what it let through.

Without these, a suite in which nothing is ever found would prove nothing.
"""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from firmware_bridge import authority, holds, limiter
from firmware_bridge import link as link_module
from firmware_bridge.authority import Authority
from firmware_bridge.frames import Frame
from firmware_bridge.link import BoardLink
from firmware_bridge.messages import Stop, ToBoard
from tests.support.closed_loop import ClosedLoop

Patch = pytest.MonkeyPatch


@pytest.fixture
def loop(tmp_path: Path, monkeypatch: Patch) -> Iterator[ClosedLoop]:
    made = ClosedLoop(tmp_path / "port", monkeypatch)
    made.forward(1.0)
    assert made.moves() and not made.trace.breaches
    yield made
    made.close()


def commands_never_grow_old(patch: Patch) -> None:
    patch.setattr(authority, "COMMAND_S", math.inf)


def heartbeats_last_for_ever(patch: Patch) -> None:
    patch.setattr(holds, "HEARTBEAT_S", math.inf)


def speed_is_not_cut(patch: Patch) -> None:
    patch.setattr(limiter, "_clamp", lambda value, _: value)


def there_is_no_ramp(patch: Patch) -> None:
    patch.setattr(limiter, "ramp", lambda _, target, *__: target)


def the_latch_lets_commands_through(patch: Patch) -> None:
    def allowed(gate: Any, dt_s: float, _: object) -> tuple[float, float]:
        command = gate._command
        return (command[0], command[1]) if command else (0.0, 0.0)

    patch.setattr(Authority, "_allowed", allowed)


def any_id_resets(patch: Patch) -> None:
    patch.setattr(Authority, "plan_reset", lambda gate, *_: gate.latch.after_reset())


def stops_are_not_written(patch: Patch) -> None:
    send = BoardLink.send

    def without_stop(link: BoardLink, message: ToBoard, now: float) -> bool:
        return isinstance(message, Stop) or send(link, message, now)

    patch.setattr(BoardLink, "send", without_stop)


def frames(**fixed: Any) -> Callable[[Patch], None]:
    def fix(patch: Patch) -> None:
        def make(*fields: Any) -> Frame:
            return Frame(*fields)._replace(**fixed)

        patch.setattr(link_module, "Frame", make)

    return fix


def commands_outlive_a_stop(patch: Patch) -> None:
    patch.setattr(Authority, "_stand", lambda gate, at: gate._limiter.stop())
    patch.setattr(authority, "COMMAND_S", math.inf)


def silence(loop: ClosedLoop) -> None:
    loop.command = None
    loop.forward(0.5)


def no_heartbeat(loop: ClosedLoop) -> None:
    loop.beating = {"ros"}
    loop.forward(0.5)


def speeding(loop: ClosedLoop) -> None:
    loop.command = (-5.0, 9.0)
    loop.forward(1.0)


def a_stop(loop: ClosedLoop) -> None:
    loop.stop()
    loop.forward(0.5)


def a_forged_reset(loop: ClosedLoop) -> None:
    a_stop(loop)
    loop.reset("forged")


def a_stop_and_its_end(loop: ClosedLoop) -> None:
    loop.command = None
    loop.step()
    event_id = loop.stop()
    loop.forward(1.0)
    assert loop.reset(event_id) and loop.resume()
    loop.forward(0.2)


@pytest.mark.parametrize(
    ("invariant", "fault", "story"),
    [
        ("I1", the_latch_lets_commands_through, a_stop),
        ("I2", commands_never_grow_old, silence),
        ("I3", heartbeats_last_for_ever, no_heartbeat),
        ("I4", speed_is_not_cut, speeding),
        ("I4", there_is_no_ramp, speeding),
        ("I5", any_id_resets, a_forged_reset),
        ("I5", stops_are_not_written, a_stop),
        ("I6", commands_outlive_a_stop, a_stop_and_its_end),
        ("I7", frames(sequence=5), speeding),
        ("I8", stops_are_not_written, a_stop),
        ("I9", frames(session=99), speeding),
    ],
)
def test_a_protection_that_is_off_is_noticed(
    loop: ClosedLoop,
    monkeypatch: Patch,
    invariant: str,
    fault: Callable[[Patch], None],
    story: Callable[[ClosedLoop], None],
) -> None:
    fault(monkeypatch)
    story(loop)
    assert loop.trace.counts[invariant] > 0, loop.trace.counts


@pytest.mark.parametrize(
    "story", [silence, no_heartbeat, speeding, a_stop, a_forged_reset, a_stop_and_its_end]
)
def test_the_same_stories_with_all_protections_on_are_clean(
    loop: ClosedLoop, story: Callable[[ClosedLoop], None]
) -> None:
    story(loop)
    assert not loop.trace.counts and not loop.breaches


def test_a_command_from_before_the_stop_is_no_go(loop: ClosedLoop) -> None:
    """Stop, reset and resume within the 100 ms for which a command is good, and one that was on its way."""
    loop.command = None
    loop.forward(1.0)
    before = loop.now
    loop.step()
    event_id = loop.stop()
    while not loop.reset(event_id):
        loop.step(0.005)
    assert loop.resume()
    assert loop.now - before < 0.1
    loop.offer(0.3, 0.0, before + 0.001)
    loop.forward(0.1)
    assert not loop.trace.breaches and not loop.moves()
