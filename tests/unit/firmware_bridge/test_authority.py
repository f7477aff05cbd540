"""The decisions, one story a test, time moved by hand."""

import math

import pytest

from edge.domain.stops import LatchState, StopCause, StopSource
from firmware_bridge.authority import Authority, Decision, Moment, RefusedError
from firmware_bridge.latch import Latch
from firmware_bridge.messages import Battery, Inputs, InputsNow, Limits, Odometry, Status

LIMITS = Limits(0.31, 1.5, 0.5, 2.0, 1.0, 4.0)
TICK_S = 0.02


class Story:
    """An authority with everything around it alive, until a story takes something away."""

    def __init__(
        self,
        latch: Latch | None = None,
        holds_to_latch: int = 3,
        watched: tuple[str, ...] = ("ros", "supervisor"),
    ) -> None:
        self.now = 1000.0
        self._ids = iter(range(1_000_000))
        self.authority = Authority(
            LIMITS,
            latch or Latch(),
            self.at,
            new_id=lambda _: f"id-{next(self._ids)}",
            holds_to_latch=holds_to_latch,
            watched=watched,
        )
        self.beating = {"ros", "supervisor"}
        self.command: tuple[float, float] | None = (0.3, 0.0)
        self.decision = Decision(0.0, 0.0, False, None)
        self.board = Status(0, Inputs.NONE, 0)
        self.authority.link(True)
        self.board_says(self.board)

    @property
    def at(self) -> Moment:
        return Moment(self.now, self.now + 1e9)

    def board_says(self, status: Status) -> None:
        self.board = status
        self.authority.board_said(status, self.at)

    def forward(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK_S)):
            self.now += TICK_S
            for process in self.beating:
                self.authority.heartbeat(process, self.now, self.at)
            if self.command is not None:
                self.authority.command(*self.command, self.now, self.at)
            self.decision = self.authority.tick(self.at)

    def moves(self) -> bool:
        return bool(self.decision.linear_m_s or self.decision.angular_rad_s)

    @property
    def state(self) -> str:
        return self.authority.state(self.at).state.value

    @property
    def causes(self) -> list[str]:
        return [cause.name.value for cause in self.authority.state(self.at).causes]

    def stop(self) -> str:
        event_id, _ = self.authority.stop(StopSource.API, "anna", "a child", self.at)
        self.board_says(Status(self.board.latch + 1, Inputs.HOST_LATCH, 0))
        return event_id

    def reset(self, event_id: str) -> None:
        latch = self.authority.plan_reset(event_id, self.now, self.at)
        self.authority.adopt(latch, "bob", self.at)

    def resume(self) -> None:
        self.authority.adopt(self.authority.plan_resume(self.now, self.at), "bob", self.at)


@pytest.fixture
def story() -> Story:
    driving = Story()
    driving.forward(1.0)
    assert driving.decision == Decision(0.3, 0.0, False, None)
    return driving


def test_before_any_heartbeat_it_holds() -> None:
    start = Story()
    start.beating.clear()
    start.forward(1.0)
    assert not start.moves() and start.causes == ["ROS_SILENT", "SUPERVISOR_SILENT"]


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


@pytest.mark.parametrize("process", ["ros", "supervisor"])
def test_a_heartbeat_is_good_for_300_ms(story: Story, process: str) -> None:
    story.beating.discard(process)
    story.forward(0.30)
    assert story.moves()
    story.forward(0.02)
    assert not story.moves() and story.causes == [f"{process.upper()}_SILENT"]
    story.beating.add(process)
    story.forward(0.04)
    assert 0.0 < story.decision.linear_m_s < 0.03  # it goes on by itself, up from zero


def test_a_backlog_of_heartbeats_is_not_life(story: Story) -> None:
    story.beating.discard("ros")
    story.forward(1.0)
    story.authority.heartbeat("ros", story.now - 0.5, story.at)
    story.forward(0.02)
    assert story.causes == ["ROS_SILENT"]


def test_nobody_else_can_beat_for_a_watched_process(story: Story) -> None:
    story.beating = {"api", "sync"}
    story.forward(1.0)
    assert story.causes == ["ROS_SILENT", "SUPERVISOR_SILENT"]


def test_where_systemd_is_the_supervisor_only_ros_is_watched() -> None:
    story = Story(watched=("ros",))
    story.beating = {"ros"}
    story.forward(1.0)
    assert story.moves()
    story.beating = {"supervisor"}
    story.forward(1.0)
    assert not story.moves() and story.causes == ["ROS_SILENT"]


def test_after_a_pause_of_its_own_it_starts_at_zero(story: Story) -> None:
    story.now += 0.2
    story.forward(0.02)
    assert not story.moves() and story.authority.counters["stalls"] == 1


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
    with pytest.raises(RefusedError, match="not the id"):
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
    with pytest.raises(RefusedError, match="no stop"):
        story.reset(event_id)


@pytest.mark.parametrize("age_s", [1.01, -0.06, math.nan])
def test_a_reset_or_resume_of_another_time_is_refused(story: Story, age_s: float) -> None:
    event_id = story.stop()
    with pytest.raises(RefusedError, match="too old"):
        story.authority.plan_reset(event_id, story.now - age_s, story.at)
    story.reset(event_id)
    with pytest.raises(RefusedError, match="too old"):
        story.authority.plan_resume(story.now - age_s, story.at)


@pytest.mark.parametrize("bit", [Inputs.BUTTON, Inputs.BUMPER, Inputs.TILT, Inputs.LIFTED])
def test_what_the_board_senses_latches_and_must_be_gone_for_a_reset(
    story: Story, bit: Inputs
) -> None:
    story.authority.board_said(InputsNow(bit), story.at)
    story.board_says(Status(1, bit, 0))
    state = story.authority.state(story.at)
    assert state.state == "LATCHED" and state.source == bit.name and state.event_id is not None
    with pytest.raises(RefusedError, match="still"):
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
    with pytest.raises(RefusedError, match="not confirmed"):
        story.reset(event_id)


def test_a_reset_is_refused_while_the_board_is_silent(story: Story) -> None:
    event_id = story.stop()
    story.authority.link(False)
    with pytest.raises(RefusedError, match="silent"):
        story.reset(event_id)


def test_a_reset_is_refused_while_the_robot_moves(story: Story) -> None:
    event_id = story.stop()
    story.authority.board_said(Odometry(0, 0, 0, 0.1, 0), story.at)
    with pytest.raises(RefusedError, match="moving"):
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


def test_a_lost_link_holds_and_its_return_alone_is_not_enough(story: Story) -> None:
    story.authority.link(False)
    story.forward(0.02)
    assert not story.moves() and story.causes == ["LINK_LOST"]
    story.authority.link(True)
    story.forward(0.02)
    assert not story.moves() and story.causes == ["LINK_LOST"]  # nothing is known of its latch yet
    story.board_says(Status(0, Inputs.NONE, 0))
    story.forward(0.04)
    assert story.moves()


def test_low_voltage_holds_until_the_board_calls_it_charged(story: Story) -> None:
    story.authority.board_said(Battery(0.01, 21.0, -1.0, charging=False, low=True), story.at)
    story.forward(0.02)
    assert not story.moves() and story.causes == ["LOW_VOLTAGE"]
    story.authority.board_said(Battery(0.5, 23.0, 1.0, charging=True, low=False), story.at)
    story.forward(0.04)
    assert story.moves()


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


def hold_once(story: Story) -> None:
    story.beating.discard("ros")
    story.forward(0.5)
    story.beating.add("ros")
    story.forward(0.5)


def test_three_holds_of_one_cause_within_ten_minutes_latch(story: Story) -> None:
    for _ in range(2):
        hold_once(story)
        assert story.state == "RUNNING"
    hold_once(story)
    assert story.authority.latch.source is StopSource.REPEATED_HOLD


def test_three_holds_over_a_longer_time_do_not_latch(story: Story) -> None:
    for _ in range(4):
        hold_once(story)
        story.forward(301.0)
    assert story.state == "RUNNING"


def test_repeated_holds_never_latch_when_told_so() -> None:
    story = Story(holds_to_latch=0)
    for _ in range(10):
        hold_once(story)
    assert story.state == "RUNNING"


def test_trouble_while_starting_up_does_not_count() -> None:
    story = Story()
    story.command = None
    for _ in range(10):
        hold_once(story)
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
