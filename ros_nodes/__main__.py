"""The ROS process: `python -m ros_nodes --data-dir DIR [--node NAME] [--ros-args ...]`.

All nodes in one process, unless one is named.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from edge import logs
from edge.domain.errors import LunaError, SetupError
from edge.domain.robots import LastPose
from edge.domain.users import SYSTEM
from edge.domain.waypoints import Lane, Waypoint, WaypointKind
from edge.live import SOCKET_NAME, LiveServer
from edge.services import places, whereabouts
from edge.settings import Settings, load
from edge.store.database import Database, Reader
from ros_nodes.base import Base
from ros_nodes.driving import Site
from ros_nodes.emergency_stop import EmergencyStop
from ros_nodes.live import Live, LiveRelay, RemoteLive
from ros_nodes.navigation.docking import with_approaches
from ros_nodes.navigation.maps import OccupancyGrid, load_map
from ros_nodes.navigator import Navigator
from ros_nodes.runtime import Runtime
from ros_nodes.task_runner import TaskRunner

NODES = ("base", "emergency_stop", "navigator", "task_runner")

log = logs.get("ros")


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="luna-ros", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--node", choices=NODES, action="append", help="run only this one")
    options, ros_arguments = parser.parse_known_args(given)
    logs.configure("ros", options.data_dir)
    try:
        run(load(options.data_dir), options.node or NODES, ros_arguments)
    except LunaError as error:
        log.error(str(error))
        return 1
    return 0


def run(settings: Settings, names: Sequence[str], ros_arguments: Sequence[str] = ()) -> None:
    """Serve the nodes `names` until a signal. Raises SetupError."""
    with ExitStack() as stack:
        runtime = stack.enter_context(Runtime(settings, ros_arguments))
        wake: list[Callable[[], None]] = []

        def on_hint(_: str) -> None:
            for one in wake:
                one()

        live = _live(settings, names, runtime, stack, on_hint)
        if "base" in names:
            base = Base(settings)
            runtime.add(base, base.close)
        if "emergency_stop" in names:
            stop = EmergencyStop(settings, live)
            runtime.add(stop, stop.close)
        if {"navigator", "task_runner"} & set(names):
            store = Database.open(settings.store_path, on_commit=lambda: live.hint("store"))
            stack.callback(store.close)
        if "navigator" in names:
            navigator = Navigator(settings, live, lambda: ground(settings, store))
            runtime.add(navigator, navigator.close)
        if "task_runner" in names:
            runner = TaskRunner(settings, live, store)
            wake.append(runner.wake)
            runtime.add(runner)
        runtime.run()


def _live(
    settings: Settings,
    names: Sequence[str],
    runtime: Runtime,
    stack: ExitStack,
    on_hint: Callable[[str], None],
) -> Live:
    """The live socket. The task runner's process serves it, for hints are meant for that node."""
    if "task_runner" not in names:
        remote = RemoteLive()
        runtime.add(remote)
        return remote
    live = LiveServer(settings.run_dir / SOCKET_NAME, on_hint)
    stack.callback(live.close)
    if set(names) != set(NODES):
        runtime.add(LiveRelay(live))
    return live


def ground(settings: Settings, store: Database) -> tuple[OccupancyGrid, "StoreMemory"]:
    """Raises SetupError."""
    grid = load_map(settings.map_path)
    return grid, StoreMemory(settings, store, grid)


class StoreMemory:
    """The navigator's memory in the store."""

    def __init__(self, settings: Settings, database: Database, grid: OccupancyGrid) -> None:
        self._database, self._grid = database, grid
        self._actor = replace(SYSTEM, origin=settings.robot.id)
        self._radius_m = settings.robot.radius_m
        self._version = -1
        self._waypoints: list[Waypoint] = []
        self._lanes: list[Lane] = []
        self._known: Site | None = None

    def site(self) -> Site:
        """The site as it is now; the same object as before while nothing of it changed."""
        return self._database.read(self._site)

    def _site(self, reader: Reader) -> Site:
        version = places.site_version(reader)
        if version != self._version:
            self._version, self._known = version, None
            drawn = places.waypoints(reader), places.lanes(reader)
            self._waypoints, self._lanes = with_approaches(self._grid, *drawn, self._radius_m)
        lanes = tuple(lane.as_at(reader.now) for lane in self._lanes)
        if self._known is None or lanes != self._known.lanes:
            self._known = Site(self._grid, self._waypoints, lanes)
        return self._known

    def last_pose(self) -> LastPose:
        """Where it was last, else on its dock. Raises SetupError."""
        return self._database.read(starting_pose)

    def remember_pose(self, pose: LastPose) -> None:
        written = self._database.submit(self._actor, lambda tx: whereabouts.remember_pose(tx, pose))
        written.add_done_callback(_say_failure)


def _say_failure(written: Future[None]) -> None:
    if error := written.exception():
        log.error("the pose is not written down", error=repr(error))


def starting_pose(reader: Reader) -> LastPose:
    """Raises SetupError where there is neither a pose nor a dock."""
    if (last := whereabouts.last_pose(reader)) is not None:
        return last
    for dock in places.waypoints(reader, WaypointKind.DOCK):
        return LastPose((dock.x, dock.y, dock.theta), (0.0, 0.0, 0.0))
    raise SetupError("There is no dock on the map.", hint="Add a waypoint of kind dock.")


if __name__ == "__main__":
    sys.exit(main())
