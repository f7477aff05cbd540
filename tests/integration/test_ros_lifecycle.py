"""The navigator as a lifecycle node: managed by somebody, or by itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.lifecycle import TransitionCallbackReturn

from edge.domain.errors import SetupError
from edge.settings import load
from ros_nodes.driver import Driver
from ros_nodes.managed import Trigger
from ros_nodes.navigation.errors import Reason
from ros_nodes.navigation.maps import OccupancyGrid, load_map
from ros_nodes.navigator import Navigator
from tests.support.navigator_bench import Bench, DemoMemory, Told
from tests.support.navigator_bench import bench as navigator_bench
from tests.support.ros import ros_context


class Manager:
    """What a lifecycle manager does, on the node `peer`."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._change = bench.peer.create_client(ChangeState, "navigator/change_state")
        self._get = bench.peer.create_client(GetState, "navigator/get_state")
        bench.until(lambda: self._change.service_is_ready() and self._get.service_is_ready())

    def change(self, transition: int) -> bool:
        order = ChangeState.Request(transition=Transition(id=transition))
        return bool(self._bench.answer(self._change.call_async(order)).success)

    @property
    def state(self) -> int:
        answer = self._bench.answer(self._get.call_async(GetState.Request()))
        return int(answer.current_state.id)


@pytest.fixture
def bench(tmp_path: Path, ros_domain: int) -> Iterator[Bench]:
    with navigator_bench(tmp_path) as bench:
        yield bench


def test_it_configures_and_activates_itself(bench: Bench) -> None:
    assert Manager(bench).state == State.PRIMARY_STATE_ACTIVE


def test_with_autostart_off_it_waits_for_a_manager(tmp_path: Path, ros_domain: int) -> None:
    with navigator_bench(tmp_path, ["-p", "autostart:=false"], met=False) as bench:
        manager = Manager(bench)
        assert manager.state == State.PRIMARY_STATE_UNCONFIGURED
        assert not bench.goals.server_is_ready()

        assert manager.change(Transition.TRANSITION_CONFIGURE)
        bench.until_met()
        reason, message = bench.result(bench.send("DESK-2"))
        assert reason is Reason.INACTIVE
        assert "lifecycle manager" in message

        assert manager.change(Transition.TRANSITION_ACTIVATE)
        handle = bench.drive_off()
        bench.answer(handle.cancel_goal_async())


def test_inactive_it_stands_refuses_goals_and_still_tells_where_it_is(bench: Bench) -> None:
    manager = Manager(bench)
    handle = bench.drive_off()
    assert manager.change(Transition.TRANSITION_DEACTIVATE)

    reason, message = bench.result(handle)
    assert (reason, "deactivated" in message) == (Reason.CANCELLED, True)
    bench.until(lambda: bench.body.v == bench.body.w == 0.0, keep=bench.live)
    assert bench.result(bench.send("DESK-2"))[0] is Reason.INACTIVE
    bench.told.newest.pop("pose")
    bench.until(lambda: "pose" in bench.told.newest, keep=bench.live)

    assert manager.change(Transition.TRANSITION_ACTIVATE)
    bench.answer(bench.drive_off().cancel_goal_async())


def test_who_orders_drives_of_an_inactive_navigator_is_told_and_asks_again_later(
    bench: Bench,
) -> None:
    manager = Manager(bench)
    assert manager.change(Transition.TRANSITION_DEACTIVATE)
    driver = Driver(bench.peer)
    bench.until(lambda: driver.drive is None and driver.go("errand", "DESK-2"))
    bench.until(lambda: driver.drive is not None and driver.drive.outcome == "CANCELLED")
    assert not driver.go("errand", "DESK-2")

    assert manager.change(Transition.TRANSITION_ACTIVATE)
    bench.until(lambda: driver.go("errand", "DESK-2"))
    bench.say_stop("RUNNING")
    bench.until(lambda: bench.navigation.get("state") == "DRIVING", keep=bench.live)
    driver.halt()
    bench.until(lambda: driver.drive is not None and driver.drive.outcome == "CANCELLED")


def test_it_can_be_cleaned_up_and_configured_again(bench: Bench) -> None:
    manager = Manager(bench)
    assert manager.change(Transition.TRANSITION_DEACTIVATE)
    assert manager.change(Transition.TRANSITION_CLEANUP)
    bench.until(lambda: not bench.goals.server_is_ready())
    assert manager.change(Transition.TRANSITION_CONFIGURE)
    assert manager.change(Transition.TRANSITION_ACTIVATE)
    bench.until_met()
    bench.answer(bench.drive_off().cancel_goal_async())


def test_a_transition_that_is_none_from_here_is_answered_and_nothing_changes(bench: Bench) -> None:
    manager = Manager(bench)
    assert not manager.change(Transition.TRANSITION_CONFIGURE)
    assert not manager.change(99)
    assert manager.state == State.PRIMARY_STATE_ACTIVE


def test_a_shutdown_ends_the_drive_and_takes_the_action_away(bench: Bench) -> None:
    manager = Manager(bench)
    bench.drive_off()
    assert manager.change(Transition.TRANSITION_ACTIVE_SHUTDOWN)
    assert manager.state == State.PRIMARY_STATE_FINALIZED
    bench.until(lambda: bench.body.v == bench.body.w == 0.0, keep=bench.live)
    bench.until(lambda: not bench.goals.server_is_ready())


def test_without_a_map_it_says_so_and_by_a_manager_it_can_be_configured_later(
    tmp_path: Path, ros_domain: int
) -> None:
    settings = load(tmp_path)

    def nothing() -> tuple[OccupancyGrid, DemoMemory]:
        return load_map(settings.map_path), DemoMemory()

    with ros_context(), pytest.raises(SetupError, match="map"):
        Navigator(settings, Told(), nothing)
    with ros_context(["-p", "autostart:=false"]):
        node = Navigator(settings, Told(), nothing)
        trigger: Trigger = node.trigger_configure
        assert trigger() is TransitionCallbackReturn.FAILURE
        node.destroy_node()
