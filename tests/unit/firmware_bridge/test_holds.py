"""What makes the robot stand for now, and what wants a person when it comes back too often."""

import pytest

from edge.domain.stops import StopCause, StopSource
from firmware_bridge.holds import Heartbeats, Holds
from firmware_bridge.messages import Battery, Inputs, Status, Tray
from firmware_bridge.moment import Moment
from tests.support.story import Story


def test_before_any_heartbeat_it_holds() -> None:
    start = Story()
    start.beating.clear()
    start.forward(1.0)
    assert not start.moves() and start.causes == ["ROS_SILENT", "SUPERVISOR_SILENT"]


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


def test_300_ms_to_the_dot_are_not_yet_silence() -> None:
    beats = Heartbeats(("ros",))
    assert beats.silent(Moment(0.0, 1e9)) == [StopCause.ROS_SILENT]
    beats.heard("ros", 0.0, Moment(0.0, 1e9))
    assert beats.silent(Moment(0.3, 1e9)) == []
    assert beats.silent(Moment(0.3001, 1e9)) == [StopCause.ROS_SILENT]


@pytest.mark.parametrize(("ahead_s", "counts"), [(0.05, True), (0.0501, False), (10.0, False)])
def test_a_heartbeat_from_the_future_is_not_life(ahead_s: float, counts: bool) -> None:
    beats = Heartbeats(("ros",))
    beats.heard("ros", ahead_s, Moment(0.0, 1e9))
    assert (beats.silent(Moment(0.0, 1e9)) == []) is counts


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


def test_an_open_tray_holds_until_it_is_locked(story: Story) -> None:
    story.authority.board_said(Tray(300, locked=True), story.at)
    story.forward(0.02)
    assert story.moves()
    story.authority.board_said(Tray(300, locked=False), story.at)
    story.forward(0.02)
    assert not story.moves() and story.causes == ["TRAY_OPEN"]
    story.authority.board_said(Tray(300, locked=True), story.at)
    story.forward(0.04)
    assert story.moves()


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


def test_holds_of_one_cause_are_counted_over_ten_minutes() -> None:
    holds = Holds(announce_s=0.0)
    for mono, count in ((0.0, 1), (600.0, 2), (600.1, 2), (1200.05, 2), (5000.0, 1)):
        assert holds.count(StopCause.ROS_SILENT, Moment(mono, 1e9)) == count
    assert holds.count(StopCause.LINK_LOST, Moment(5000.0, 1e9)) == 1


def test_only_after_a_hold_of_over_two_seconds_it_announces_and_for_so_long() -> None:
    holds = Holds(announce_s=1.0)
    held = [StopCause.ROS_SILENT]
    told = [
        holds.announces(causes, Moment(mono, 1e9))
        for mono, causes in (
            (0.0, held),
            (2.0, []),  # two seconds to the dot are not long
            (10.0, held),
            (14.0, []),
            (14.99, []),
            (15.0, []),
            (20.0, held),
            (20.1, []),  # short, and the long one is over
        )
    ]
    assert told == [False, False, False, True, True, False, False, False]


def test_the_stop_after_repeated_holds_says_what_came_back(story: Story) -> None:
    for _ in range(3):
        hold_once(story)
    latch = story.authority.latch
    assert (latch.who, latch.reason) == ("gate", "ROS_SILENT 3 times within ten minutes")


def test_a_person_who_looked_begins_the_count_anew(story: Story) -> None:
    hold_once(story)
    hold_once(story)
    story.reset(story.stop())
    story.board_says(Status(1, Inputs.NONE, 0))
    story.resume()
    story.forward(0.5)
    hold_once(story)
    hold_once(story)
    assert story.state == "RUNNING"


def successor(story: Story, after_s: float = 1.0, wall_shift_s: float = 0.0) -> Story:
    """The next gate, which has the journal of this one."""
    journal = list(story.authority.records)
    new = Story()
    new.now = story.now + after_s
    new.authority.remember(journal, new.at._replace(wall=new.at.wall + wall_shift_s))
    new.forward(1.0)
    assert new.moves()
    return new


def test_the_count_outlives_a_restart_of_the_gate(story: Story) -> None:
    hold_once(story)
    story = successor(story)
    assert story.state == "RUNNING"
    hold_once(story)
    latch = story.authority.latch
    assert latch.source is None
    journal = [record["times"] for record in story.authority.records if record["kind"] == "HOLD"]
    assert journal[-1] == 2
    hold_once(story)
    assert story.authority.latch.source is StopSource.REPEATED_HOLD


@pytest.mark.parametrize(("after_s", "wall_shift_s"), [(601.0, 0.0), (1.0, 3600.0), (1.0, -3600.0)])
def test_an_old_hold_or_one_of_another_time_is_not_taken_over(
    story: Story, after_s: float, wall_shift_s: float
) -> None:
    for _ in range(2):
        hold_once(story)
    story = successor(story, after_s, wall_shift_s)
    hold_once(story)
    assert story.state == "RUNNING"


def test_neither_is_one_from_before_a_reset_nor_one_that_did_not_count(story: Story) -> None:
    for _ in range(2):
        hold_once(story)
    story.reset(story.stop())
    story.board_says(Status(1, Inputs.NONE, 0))
    hold_once(story)  # it stands for another reason
    story.resume()
    story.forward(0.5)
    story = successor(story)
    for _ in range(2):
        hold_once(story)
    assert story.state == "RUNNING"


def test_at_its_edges_a_hold_of_the_window_is_recalled() -> None:
    at, cause = Moment(1000.0, 1e9), StopCause.ROS_SILENT
    for began, count in ((399.9, 1), (400.0, 2), (1000.0, 2), (1000.1, 1)):
        holds = Holds(announce_s=0.0)
        holds.recall(cause, began, at)
        assert holds.count(cause, at) == count
        assert holds.count(StopCause.LINK_LOST, at) == 1


@pytest.mark.parametrize(
    "rubbish",
    [
        {"times": 1},
        {"times": 1, "at": "now", "cause": "ROS_SILENT"},
        {"times": 1, "at": None, "cause": "ROS_SILENT"},
        {"times": 1, "at": 1e9, "cause": "NOBODY"},
        {"times": 1, "at": 1e9, "cause": []},
        {"times": 1, "at": float("nan"), "cause": "ROS_SILENT"},
    ],
    ids=str,
)
def test_rubbish_in_the_journal_counts_for_nothing(
    story: Story, rubbish: dict[str, object]
) -> None:
    story.authority.remember([rubbish] * 5, story.at)
    hold_once(story)
    assert story.state == "RUNNING"


def test_a_single_hold_latches_when_told_so() -> None:
    story = Story(holds_to_latch=1)
    story.forward(0.5)
    assert story.moves()
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


def held(story: Story, seconds: float) -> None:
    """ROS is silent so long that the robot is held for `seconds`, and is back then."""
    story.beating.discard("ros")
    story.forward(0.3 + seconds)
    story.beating.add("ros")


def test_after_a_long_hold_it_says_so_before_it_moves() -> None:
    story = Story(announce_s=2.0)
    story.forward(1.0)
    held(story, 2.1)
    story.forward(1.98)
    assert not story.moves() and story.causes == ["ANNOUNCING"] and story.state == "HOLD"
    story.forward(0.06)
    assert story.moves() and story.state == "RUNNING"


def test_after_a_short_hold_it_just_goes_on() -> None:
    story = Story(announce_s=2.0)
    story.forward(1.0)
    held(story, 1.9)
    story.forward(0.06)
    assert story.moves()


def test_an_announcement_that_is_broken_off_begins_anew() -> None:
    story = Story(announce_s=2.0)
    story.forward(1.0)
    held(story, 3.0)
    story.forward(1.5)
    held(story, 0.1)
    story.forward(1.9)
    assert not story.moves() and story.causes == ["ANNOUNCING"]
    story.forward(0.2)
    assert story.moves()


def test_the_announcement_after_the_next_long_hold_is_whole_again() -> None:
    story = Story(announce_s=2.0)
    for _ in range(2):
        story.forward(3.0)
        assert story.moves()
        held(story, 2.5)
        story.forward(1.9)
        assert not story.moves()


def test_announcements_latch_nothing() -> None:
    story = Story(announce_s=2.0, holds_to_latch=3)
    for cause in ("ros", "supervisor", "ros", "supervisor"):
        story.forward(3.0)
        story.beating.discard(cause)
        story.forward(3.0)
        story.beating.add(cause)
    story.forward(3.0)
    assert story.state == "RUNNING"
