"""The progress watch, with time set by hand."""

from dataclasses import dataclass, field

from ros_nodes.navigation.errors import Reason
from ros_nodes.navigation.progress import (
    Advice,
    DriveState,
    ProgressSettings,
    ProgressWatch,
    Verdict,
)

SETTINGS = ProgressSettings()


@dataclass
class Story:
    watch: ProgressWatch = field(default_factory=lambda: ProgressWatch(60.0))
    now: float = 0.0
    x: float = 0.0
    said: list[Advice] = field(default_factory=list)

    def pass_time(
        self,
        seconds: float,
        *,
        speed: float = 0.0,
        blocked: bool = False,
        localised: bool = True,
        held: bool = False,
    ) -> Verdict:
        """Half-second looks; ends early where the drive is given up."""
        verdict = Verdict(DriveState.DRIVING)
        for _ in range(round(seconds * 2)):
            self.now += 0.5
            self.x += speed / 2
            verdict = self.watch.update(
                self.now, self.x, 0.0, 0.0, blocked=blocked, localised=localised, held=held
            )
            if verdict.advice is not Advice.GO_ON:
                self.said.append(verdict.advice)
            if verdict.advice is Advice.GIVE_UP:
                break
        return verdict


def test_a_robot_that_gets_on_is_driving() -> None:
    story = Story()
    assert story.pass_time(60, speed=0.4).state is DriveState.DRIVING
    assert story.said == []


def test_a_drive_planned_before_the_simulated_clock_was_heard_has_all_its_time() -> None:
    story = Story(now=1_795_254_396.0)
    assert story.pass_time(60, speed=0.4).state is DriveState.DRIVING
    assert story.said == []


def test_somebody_who_steps_aside_soon_is_only_waited_for() -> None:
    story = Story()
    assert story.pass_time(3, blocked=True).state is DriveState.WAITING
    assert story.pass_time(5, speed=0.4).state is DriveState.DRIVING
    assert story.said == []


def test_blocked_is_waiting_then_asking_then_replanning_then_giving_up() -> None:
    story = Story()
    story.pass_time(5, blocked=True)
    assert story.said == [Advice.ASK]
    story.pass_time(9, blocked=True)
    assert story.said == [Advice.ASK, Advice.REPLAN]
    verdict = story.pass_time(120, blocked=True)
    assert story.said.count(Advice.REPLAN) == SETTINGS.replans
    assert (verdict.advice, verdict.reason) == (Advice.GIVE_UP, Reason.BLOCKED)


def test_asking_is_said_once_for_each_wait() -> None:
    story = Story()
    story.pass_time(11, blocked=True)
    assert story.said == [Advice.ASK]
    story.pass_time(3, speed=0.4)
    story.pass_time(6, blocked=True)
    assert story.said == [Advice.ASK, Advice.ASK]


def test_a_robot_told_to_move_that_does_not_is_stuck() -> None:
    verdict = Story().pass_time(10)
    assert (verdict.advice, verdict.reason) == (Advice.GIVE_UP, Reason.STUCK)


def turn(watch: ProgressWatch, seconds: float) -> Verdict:
    """On the spot, at 0.4 rad/s, until it is given up."""
    for at in range(round(seconds * 2)):
        verdict = watch.update(
            at * 0.5, 0.0, 0.0, at * 0.2, blocked=False, localised=True, held=False
        )
        if verdict.advice is Advice.GIVE_UP:
            break
    return verdict


def test_turning_on_the_spot_is_not_being_stuck() -> None:
    assert turn(ProgressWatch(60.0), 20).advice is Advice.GO_ON


def test_a_robot_that_only_turns_and_turns_is_stuck() -> None:
    assert turn(ProgressWatch(60.0), 60).reason is Reason.STUCK


def test_a_robot_that_does_not_know_where_it_is_waits_and_then_is_lost() -> None:
    story = Story()
    assert story.pass_time(3, localised=False).state is DriveState.WAITING
    assert story.pass_time(1, speed=0.4).state is DriveState.DRIVING
    verdict = story.pass_time(10, localised=False)
    assert (verdict.advice, verdict.reason) == (Advice.GIVE_UP, Reason.LOST)


def test_time_in_which_somebody_holds_the_robot_does_not_count() -> None:
    story = Story()
    story.pass_time(3, blocked=True)
    story.pass_time(2000, held=True)
    assert story.said == []
    assert story.pass_time(5, speed=0.4).state is DriveState.DRIVING


def test_a_drive_that_takes_far_too_long_times_out() -> None:
    story = Story()
    verdict = story.pass_time(1000, speed=0.1)
    assert (verdict.advice, verdict.reason) == (Advice.GIVE_UP, Reason.TIMEOUT)
    assert story.now > 60.0 * SETTINGS.time_factor


def test_the_numbers_of_the_reasons_never_change() -> None:
    assert [int(reason) for reason in Reason] == [0, *range(101, 112)]
