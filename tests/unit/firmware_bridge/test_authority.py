"""The decisions, one story a test, time moved by hand."""

import math

import pytest

from edge.domain.stops import LatchState, StopCause, StopSource
from firmware_bridge.authority import Authority, Decision, Moment, RefusedError
from firmware_bridge.latch import Latch
from firmware_bridge.messages import Inputs, InputsNow, Odometry, Status
from tests.support.story import LIMITS, TICK_S, Story


def test_a_command_is_good_for_100_ms(story: Story) -> None:
    story.command = None
    story.forward(0.10)
    assert story.moves()
    story.forward(0.02)
    assert not story.moves() and story.state == "RUNNING"


@pytest.mark.parametrize("age_s", [0.101, 5.0, -0.051, -5.0, math.nan, math.inf])
def test_a_command_of_another_time_is_refused(story: Story, age_s: float) -> None:
    story.command = None
    story.forward(0.2)
    assert not story.authority.command(0.3, 0.0, story.now - age_s, story.at)
    assert story.authority.counters["commands_untimely"] == 1


def test_a_command_that_was_overtaken_is_refused(story: Story) -> None:
    assert not story.authority.command(0.3, 0.0, story.now, story.at)
    assert not story.authority.command(0.3, 0.0, story.now - 0.01, story.at)
    assert story.authority.counters["commands_out_of_order"] == 2


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_command_that_is_no_number_is_refused(story: Story, bad: float) -> None:
    assert not story.authority.command(bad, 0.0, story.now + 0.01, story.at)
    assert not story.authority.command(0.0, bad, story.now + 0.01, story.at)
    assert story.authority.counters["commands_not_finite"] == 2


def test_a_closed_connection_ends_its_command(story: Story) -> None:
    story.authority.source_gone()
    story.command = None
    story.forward(0.02)
    assert not story.moves()


def test_after_a_pause_of_its_own_it_starts_at_zero(story: Story) -> None:
    story.now += 0.2
    story.forward(0.02)
    assert not story.moves() and story.authority.counters["stalls"] == 1


def test_what_came_during_its_own_pause_counts_no_more(story: Story) -> None:
    story.command = None
    story.now += 0.2
    assert story.authority.command(0.3, 0.0, story.now, story.at)
    assert story.authority.tick(story.at) == Decision(0.0, 0.0, False, None)
    story.forward(0.02)
    assert not story.moves()


def test_to_the_dot_100_ms_are_no_pause_and_a_command_still_drives() -> None:
    authority = Authority(
        LIMITS,
        Latch(),
        Moment(0.0, 1e9),
        new_id=lambda _: "id",
        holds_to_latch=0,
        announce_s=0.0,
        watched=(),
    )
    authority.link(True)
    authority.board_said(Status(0, Inputs.NONE, 0), Moment(0.0, 1e9))
    assert authority.command(0.3, 0.0, 0.0, Moment(0.0, 1e9))
    for mono in (0.0, 0.0, 0.1):
        decision = authority.tick(Moment(mono, 1e9))
    assert decision.linear_m_s == pytest.approx(0.05)  # 0.1 s of 0.5 m/s²
    assert not authority.counters


def test_a_command_from_before_the_resume_does_not_drive_after_it(story: Story) -> None:
    event_id = story.stop()
    story.forward(0.02)
    assert story.authority.command(0.3, 0.0, story.now + 0.001, story.at)
    story.command = None
    story.reset(event_id)
    story.board_says(Status(1, Inputs.NONE, 0))
    assert story.authority.command(0.3, 0.0, story.now + 0.002, story.at)
    story.resume()
    story.forward(0.02)
    assert not story.moves() and story.state == "RUNNING"


def test_a_stop_that_is_over_before_the_next_tick_still_takes_the_speed_to_zero(
    story: Story,
) -> None:
    event_id = story.stop()
    story.reset(event_id)
    story.board_says(Status(1, Inputs.NONE, 0))
    story.resume()
    story.forward(0.02)
    assert story.decision.linear_m_s == pytest.approx(0.01)


def test_a_stop_is_told_at_each_tick_until_it_is_reset(story: Story) -> None:
    event_id = story.stop()
    for _ in range(100):
        story.forward(0.02)
        assert story.decision == Decision(0.0, 0.0, True, None)
    story.reset(event_id)
    story.forward(0.02)
    assert story.decision == Decision(0.0, 0.0, False, story.board.latch)


def test_after_a_reset_it_stands_until_the_resume(story: Story) -> None:
    story.reset(story.stop())
    story.board_says(Status(1, Inputs.NONE, 0))
    story.forward(2.0)
    assert not story.moves() and story.state == "RESET" and story.causes == ["AWAITING_RESUME"]
    story.resume()
    story.forward(0.04)
    assert story.moves() and story.state == "RUNNING"


def test_a_stop_after_the_reset_is_a_new_event(story: Story) -> None:
    first = story.stop()
    story.reset(first)
    second = story.stop()
    assert second != first
    with pytest.raises(RefusedError, match="RESET_OTHER_STOP"):
        story.reset(first)


def test_a_reset_may_be_said_twice_and_so_may_a_resume(story: Story) -> None:
    event_id = story.stop()
    story.reset(event_id)
    story.reset(event_id)
    story.resume()
    story.resume()
    assert [r["kind"] for r in story.authority.records if r["event_id"]] == [
        "STOP",
        "RESET",
        "RESUME",
    ]


def test_a_used_reset_does_not_reset_again(story: Story) -> None:
    event_id = story.stop()
    story.reset(event_id)
    story.resume()
    with pytest.raises(RefusedError, match="RESET_NO_STOP"):
        story.reset(event_id)


@pytest.mark.parametrize("age_s", [1.01, -0.06, math.nan])
def test_a_reset_or_resume_of_another_time_is_refused(story: Story, age_s: float) -> None:
    event_id = story.stop()
    with pytest.raises(RefusedError, match="RESET_LATE"):
        story.authority.plan_reset(event_id, story.now - age_s, story.at)
    story.reset(event_id)
    with pytest.raises(RefusedError, match="RESUME_LATE"):
        story.authority.plan_resume(story.now - age_s, story.at)


def test_a_reset_and_a_resume_are_good_for_a_second(story: Story) -> None:
    event_id = story.stop()
    story.forward(1.0)
    latch = story.authority.plan_reset(event_id, story.now - 0.99, story.at)
    story.authority.adopt(latch, "bob", story.at)
    story.forward(1.0)
    assert story.authority.plan_resume(story.now - 0.99, story.at) == Latch()


def test_a_reset_from_before_the_newest_stop_does_not_end_it(story: Story) -> None:
    event_id = story.stop()
    story.forward(0.2)
    sent = story.now
    story.forward(0.1)
    assert story.stop() == event_id  # somebody else: it joins
    with pytest.raises(RefusedError, match="RESET_OVERTAKEN"):
        story.authority.plan_reset(event_id, sent, story.at)
    story.forward(0.1)
    story.reset(event_id)


def test_a_resume_from_before_the_reset_lets_nothing_go(story: Story) -> None:
    event_id = story.stop()
    story.forward(0.2)
    sent = story.now
    story.forward(0.1)
    story.reset(event_id)
    with pytest.raises(RefusedError, match="RESUME_OVERTAKEN"):
        story.authority.plan_resume(sent, story.at)


@pytest.mark.parametrize("bit", [Inputs.BUTTON, Inputs.BUMPER, Inputs.TILT, Inputs.LIFTED])
def test_what_the_board_senses_latches_and_must_be_gone_for_a_reset(
    story: Story, bit: Inputs
) -> None:
    story.authority.board_said(InputsNow(bit), story.at)
    story.board_says(Status(1, bit, 0))
    state = story.authority.state(story.at)
    assert state.state == "LATCHED" and state.source == bit.name and state.event_id is not None
    with pytest.raises(RefusedError, match=f"STILL_{bit.name}"):
        story.reset(state.event_id)
    story.authority.board_said(InputsNow(Inputs.NONE), story.at)
    story.reset(state.event_id)
    assert story.state == "RESET"


def test_the_same_input_during_the_reset_state_is_a_new_stop(story: Story) -> None:
    event_id = story.stop()
    story.reset(event_id)
    story.authority.board_said(InputsNow(Inputs.BUTTON), story.at)
    assert story.state == "LATCHED" and story.authority.latch.event_id != event_id


def test_a_touch_that_only_the_boards_latch_remembers_is_a_stop(story: Story) -> None:
    story.board_says(Status(1, Inputs.BUMPER, 0))
    assert story.authority.latch.source is StopSource.BUMPER


def test_a_reset_waits_for_the_board_to_confirm_the_stop(story: Story) -> None:
    event_id, _ = story.authority.stop(StopSource.API, "anna", "", story.at)
    with pytest.raises(RefusedError, match="BOARD_NOT_CONFIRMED"):
        story.reset(event_id)


def test_a_reset_is_refused_while_the_board_is_silent(story: Story) -> None:
    event_id = story.stop()
    story.authority.link(False)
    with pytest.raises(RefusedError, match="BOARD_SILENT"):
        story.reset(event_id)


def test_a_reset_is_refused_while_the_robot_moves(story: Story) -> None:
    event_id = story.stop()
    story.authority.board_said(Odometry(0, 0, 0, 0.1, 0), story.at)
    with pytest.raises(RefusedError, match="STILL_MOVING"):
        story.reset(event_id)


def test_a_latch_that_a_leaving_gate_left_is_cleared(story: Story) -> None:
    story.board_says(Status(4, Inputs.HOST_LEFT, 0))
    story.forward(0.02)
    assert story.decision == Decision(0.0, 0.0, False, 4) and story.causes == ["BOARD_STOPPED"]
    story.board_says(Status(4, Inputs.NONE, 0))
    story.forward(0.04)
    assert story.moves()


def test_a_stop_that_only_the_board_remembers_is_a_stop(story: Story) -> None:
    story.board_says(Status(4, Inputs.HOST_LATCH | Inputs.HOST_LEFT, 0))
    assert story.authority.latch.source is StopSource.BOARD


@pytest.mark.parametrize("odometry", [Odometry(0, 0, 0, -0.06, 0), Odometry(0, 0, 0, 0, 0.21)])
def test_motion_without_a_command_latches(story: Story, odometry: Odometry) -> None:
    story.command = None
    for _ in range(100):
        story.forward(0.02)
        story.authority.board_said(odometry, story.at)
    assert story.authority.latch.source is StopSource.RUNAWAY


def test_rolling_out_after_a_stop_or_driving_is_no_runaway(story: Story) -> None:
    for _ in range(200):
        story.forward(0.02)
        story.authority.board_said(Odometry(0, 0, 0, 0.3, 0), story.at)
    story.command = None
    for step in range(200):
        story.forward(0.02)
        story.authority.board_said(Odometry(0, 0, 0, max(0.0, 0.3 - 0.01 * step), 0), story.at)
    assert story.state == "RUNNING"


def test_a_loaded_latch_stops_from_the_first_tick() -> None:
    latch = Latch().stopped("one", StopSource.API, "anna", "", 1.0)
    story = Story(latch)
    story.forward(0.02)
    assert story.decision.stop and story.authority.latch == latch
    assert StopCause.STOP_REQUESTED in story.causes


def test_wall_time_decides_nothing(story: Story) -> None:
    for jump_s in (3600.0, -3600.0, 3 * 86_400.0, -3 * 86_400.0):
        story.now += TICK_S
        at = Moment(story.now, story.now + 1e9 + jump_s)
        for process in story.beating:
            story.authority.heartbeat(process, story.now, at)
        story.authority.command(0.3, 0.0, story.now, at)
        assert story.authority.tick(at) == Decision(0.3, 0.0, False, None)


def test_each_record_has_its_own_id_and_tells_its_story(story: Story) -> None:
    story.authority.records.clear()
    event_id = story.stop()
    story.authority.stop(StopSource.MQTT, "central", "", story.at)
    story.now += 10.0
    story.reset(event_id)
    story.resume()
    records = story.authority.records
    assert [record["kind"] for record in records] == ["STOP", "JOIN", "RESET", "RESUME"]
    assert [record.get("source") for record in records] == ["API", "MQTT", None, None]
    assert {record["event_id"] for record in records} == {event_id}
    assert len({record["id"] for record in records}) == 4
    assert records[2]["duration_s"] == 10.0
    assert story.authority.latch.state is LatchState.CLEAR


def test_a_command_of_the_very_moment_of_a_stop_is_from_before_it(story: Story) -> None:
    story.stop()
    before = story.authority.counters["commands_untimely"]
    assert not story.authority.command(0.3, 0.0, story.now, story.at)
    assert story.authority.counters["commands_untimely"] == before + 1
