"""What the gate knows of its board, and what it makes of that."""

import pytest

from edge.domain.stops import StopSource
from firmware_bridge.authority import Decision, RefusedError
from firmware_bridge.board_view import BoardView
from firmware_bridge.messages import Inputs, InputsNow, Odometry, Status
from tests.support.story import Story


def test_before_it_has_answered_a_board_is_lost(story: Story) -> None:
    assert not BoardView(story.at).link_up
    assert BoardView(story.at).holds(latched=False) == ["LINK_LOST"]


def test_what_is_heard_while_the_link_is_down_lets_nothing_go(story: Story) -> None:
    event_id = story.stop()
    story.authority.link(False)
    story.authority.board_said(Status(1, Inputs.HOST_LATCH, 0), story.at)
    with pytest.raises(RefusedError, match="BOARD_SILENT"):
        story.reset(event_id)
    view = BoardView(story.at)
    view.said(Status(0, Inputs.NONE, 0), story.at, latched=False)
    assert view.holds(latched=False) == ["LINK_LOST"]


def test_a_new_session_knows_nothing_of_the_old_one(story: Story) -> None:
    event_id = story.stop()
    story.authority.board_said(InputsNow(Inputs.BUTTON), story.at)
    story.authority.link(False)
    story.authority.link(True)
    assert not story.authority.state(story.at).button
    with pytest.raises(RefusedError, match="BOARD_SILENT"):
        story.reset(event_id)


def test_a_board_that_was_away_has_not_been_moving_all_the_time(story: Story) -> None:
    story.command = None
    story.forward(2.0)
    moving = Odometry(0, 0, 0, 0.3, 0)
    for _ in range(2):
        story.authority.board_said(moving, story.at)
        story.forward(0.2)
        story.authority.link(False)
        story.authority.link(True)
    story.authority.board_said(moving, story.at)
    assert story.authority.latch.source is None


def test_what_is_being_cleared_is_no_new_stop(story: Story) -> None:
    story.authority.board_said(InputsNow(Inputs.BUTTON), story.at)
    story.board_says(Status(1, Inputs.BUTTON, 0))
    story.authority.board_said(InputsNow(Inputs.NONE), story.at)
    assert story.authority.latch.event_id is not None
    story.reset(story.authority.latch.event_id)
    story.board_says(Status(1, Inputs.BUTTON, 0))  # sent before it heard of the CLEAR
    assert story.state == "RESET"
    story.board_says(Status(2, Inputs.BUTTON, 0))
    assert story.state == "LATCHED"


def lose_the_line_after_a_reset(story: Story) -> None:
    story.reset(story.stop())
    story.forward(0.02)
    assert story.decision.clear == 1
    story.authority.link(False)
    story.authority.link(True)


def test_a_clear_that_was_lost_with_the_line_is_sent_in_the_next_session(story: Story) -> None:
    lose_the_line_after_a_reset(story)
    story.authority.link(False)  # and the one after that
    story.authority.link(True)
    story.forward(0.02)
    assert story.decision == Decision(0.0, 0.0, False, None)  # nobody knows yet what the board is
    story.board_says(Status(1, Inputs.HOST_LATCH, 0))
    story.forward(0.02)
    assert story.state == "RESET" and story.decision == Decision(0.0, 0.0, False, 1)
    story.board_says(Status(1, Inputs.NONE, 0))
    story.resume()
    story.forward(0.04)
    assert story.moves() and story.decision.clear is None


@pytest.mark.parametrize(
    "status",
    [
        Status(2, Inputs.HOST_LATCH, 0),  # another stop
        Status(1, Inputs.BUTTON, 0),  # a board that started anew, and felt something
        Status(1, Inputs.HOST_LATCH | Inputs.BUTTON, 0),  # perhaps pressed while nobody heard
    ],
    ids=str,
)
def test_any_other_latch_after_a_lost_line_is_a_new_stop(story: Story, status: Status) -> None:
    lose_the_line_after_a_reset(story)
    story.board_says(status)
    assert story.state == "LATCHED"


def test_a_stop_of_its_own_says_who_noticed(story: Story) -> None:
    story.board_says(Status(1, Inputs.HOST_LATCH, 0))
    assert (story.authority.latch.source, story.authority.latch.who) == ("BOARD", "board")


def test_an_input_says_that_the_board_felt_it(story: Story) -> None:
    story.authority.board_said(InputsNow(Inputs.BUMPER), story.at)
    assert (story.authority.latch.source, story.authority.latch.who) == ("BUMPER", "board")


def test_a_runaway_says_that_the_gate_saw_it(story: Story) -> None:
    story.command = None
    for _ in range(100):
        story.forward(0.02)
        story.authority.board_said(Odometry(0, 0, 0, 0.3, 0), story.at)
    latch = story.authority.latch
    assert (latch.source, latch.who) == (StopSource.RUNAWAY, "gate")
