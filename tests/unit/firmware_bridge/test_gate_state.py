"""What the gate tells of itself: to whoever watches, and in its journal."""

from dataclasses import replace

import pytest

from edge.domain.stops import StopSource
from firmware_bridge.gate_state import GateState
from firmware_bridge.latch import Latch
from firmware_bridge.messages import Battery, Inputs, InputsNow, Odometry, Tray
from tests.support.story import Story


def told(story: Story) -> GateState:
    return story.authority.state(story.at)


def test_without_a_stop_nobody_and_nothing_is_named(story: Story) -> None:
    state = told(story)
    named = (state.event_id, state.source, state.reason, state.who, state.since)
    assert state.state == "RUNNING" and named == (None,) * 5 and state.causes == ()


def test_a_stop_says_who_why_and_since_when(story: Story) -> None:
    began = story.at.wall
    event_id = story.stop()
    story.forward(1.0)
    state = told(story)
    assert (state.event_id, state.source, state.who) == (event_id, "API", "anna")
    assert (state.reason, state.since) == ("a child", began)
    assert [(one.name, one.since) for one in state.causes] == [("STOP_REQUESTED", began)]


def test_after_a_reset_it_awaits_the_resume_since_the_stop(story: Story) -> None:
    began = story.at.wall
    story.reset(story.stop())
    story.now += 1.0
    assert ("AWAITING_RESUME", began) in [(one.name, one.since) for one in told(story).causes]


@pytest.mark.parametrize("reset", [False, True])
def test_a_stop_of_an_unknown_time_is_as_old_as_now(reset: bool) -> None:
    latch = replace(Latch().stopped("one", StopSource.API, "anna", "", 1.0), since=None)
    story = Story(latch.after_reset() if reset else latch)
    assert story.at.wall in [one.since for one in told(story).causes]


def test_a_button_is_shown_beside_the_stop_that_came_first(story: Story) -> None:
    story.stop()
    pressed = story.at.wall
    story.authority.board_said(InputsNow(Inputs.BUTTON), story.at)
    story.forward(0.5)
    story.authority.board_said(InputsNow(Inputs.BUTTON), story.at)
    assert ("BUTTON", pressed) in [(one.name, one.since) for one in told(story).causes]


@pytest.mark.parametrize(
    ("active", "button", "bumper"),
    [
        (Inputs.NONE, False, False),
        (Inputs.BUTTON, True, False),
        (Inputs.BUMPER, False, True),
        (Inputs.TILT, False, False),
    ],
)
def test_button_and_bumper_are_shown_while_they_are_pressed(
    story: Story, active: Inputs, button: bool, bumper: bool
) -> None:
    story.authority.board_said(InputsNow(active), story.at)
    assert (told(story).button, told(story).bumper) == (button, bumper)


def test_what_the_board_measured_is_shown(story: Story) -> None:
    state = told(story)
    assert (state.odometry, state.battery, state.tray_grams) == (None, None, None)
    for message in (Odometry(1, 2, 3, 0.1, 0.2), Battery(0.5, 24, 1, True, False), Tray(80, True)):
        story.authority.board_said(message, story.at)
    shown = told(story).to_json()
    assert shown["odometry"] == {"x": 1, "y": 2, "theta": 3, "v": 0.1, "w": 0.2}
    assert shown["battery"] == {"fraction": 0.5, "charging": True, "voltage": 24}
    assert shown["tray_grams"] == 80


def test_the_link_is_ok_or_lost(story: Story) -> None:
    assert told(story).link == "ok"
    story.authority.link(False)
    assert told(story).link == "lost"


def test_counters_of_others_are_told_too(story: Story) -> None:
    story.authority.counters["stalls"] = 2
    counters = story.authority.state(story.at, {"frames_broken": 3}).counters
    assert counters["stalls"] == 2 and counters["frames_broken"] == 3


def test_what_is_told_can_be_read_back(story: Story) -> None:
    story.authority.board_said(Odometry(1, 2, 3, 0.1, 0.2), story.at)
    story.stop()
    assert GateState.from_json(told(story).to_json()) == told(story)


def test_a_hold_is_written_down_with_its_time(story: Story) -> None:
    story.authority.records.clear()
    story.authority.link(False)
    story.forward(0.02)
    began = story.at.wall
    story.now += 1.2345678
    story.authority.link(True)
    story.board_says(story.board)
    story.forward(0.02)
    hold, release = (one for one in story.authority.records if one["cause"] == "LINK_LOST")
    assert (hold["kind"], hold["at"], hold["event_id"]) == ("HOLD", began, None)
    assert (release["kind"], release["at"]) == ("RELEASE", story.at.wall)
    assert release["duration_s"] == 1.255


def test_a_reset_is_written_down_with_how_long_the_stop_took(story: Story) -> None:
    event_id = story.stop()
    story.now += 1.2345678
    story.reset(event_id)
    record = story.authority.records[-1]
    assert (record["kind"], record["who"], record["duration_s"]) == ("RESET", "bob", 1.235)


def test_a_stop_whose_record_was_lost_is_written_down_as_it_was(story: Story) -> None:
    began = story.at.wall
    event_id = story.stop()
    first = story.authority.records[-1]
    story.now += 60.0
    story.authority.record_again(story.at)
    again = story.authority.records[-1]
    assert {**again, "id": first["id"]} == first
    assert (again["kind"], again["event_id"], again["at"]) == ("STOP", event_id, began)


def test_a_lost_record_of_an_unknown_time_gets_the_time_of_finding_it(story: Story) -> None:
    story.authority.latch = replace(
        story.authority.latch.stopped("one", StopSource.API, "", "", 1.0), since=None
    )
    story.authority.record_again(story.at)
    assert story.authority.records[-1]["at"] == story.at.wall
