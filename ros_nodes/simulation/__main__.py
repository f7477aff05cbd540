"""The process of the simulated robot: `python -m ros_nodes.simulation --data-dir DIR`."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from edge import logs
from edge.domain.errors import LunaError, SetupError
from edge.domain.waypoints import Waypoint, WaypointKind
from edge.services import places
from edge.settings import Settings, load
from edge.store.database import Database
from firmware_bridge.simulator import OWN_CAPS, Limits, SimulatedBoard
from ros_nodes.convert import laser_mount
from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigation.maps import load_map
from ros_nodes.runtime import Runtime, steady
from ros_nodes.simulation.body import BodyNode
from ros_nodes.simulation.faults import FaultDesk, read_script
from ros_nodes.simulation.memory import Remembered, recall, remember
from ros_nodes.simulation.people import Crowd
from ros_nodes.simulation.scan import Laser, Scanner
from ros_nodes.simulation.world import World

REMEMBER_S = 0.2
"""Of the simulated clock: a killed body stands at most 10 cm from where it was."""
MOST_ODOMETRY_HZ = 200.0
"""More than the serial line of a real board could carry."""

log = logs.get("body")


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="luna-body", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    options, ros_arguments = parser.parse_known_args(given)
    logs.configure("body", options.data_dir)
    try:
        run(load(options.data_dir), ros_arguments)
    except LunaError as error:
        log.error(str(error))
        return 1
    return 0


def run(settings: Settings, ros_arguments: Sequence[str] = ()) -> None:
    """Be the robot's body until a signal. Raises SetupError."""
    memory = settings.data_dir / "sim.json"
    remembered = recall(memory)
    script = read_script(Path(settings.sim.faults)) if settings.sim.faults else []
    world, scanner = make_world(settings, remembered)
    board = make_board(settings)
    start_s = max(time.time(), remembered.clock_s if remembered else 0.0)
    with Runtime(settings, ros_arguments, sim_time=False) as runtime:
        crowd = make_crowd(settings, world)
        faults = FaultDesk(board, world, settings.run_dir, script)
        speed = settings.sim.speed
        node = BodyNode(board, world, scanner, crowd, faults=faults, speed=speed, start_s=start_s)

        def keep() -> None:
            remember(memory, Remembered(*world.pose, world.battery.fraction, node.clock_s))

        def end() -> None:
            keep()
            faults.close()
            board.close()

        runtime.add(node, end)
        node.create_timer(REMEMBER_S / max(1.0, settings.sim.speed), keep, clock=steady())
        runtime.run()
        reached = node.speed_reached(time.monotonic())
        log.info("ends", speed_wanted=settings.sim.speed, speed_reached=round(reached, 2))


def make_world(settings: Settings, remembered: Remembered | None) -> tuple[World, Scanner]:
    """The world as the data directory has it; the robot where it was left, else on its dock."""
    grid = load_map(settings.map_path)
    docks = [Pose(dock.x, dock.y, dock.theta) for dock in _docks(settings)]
    if remembered is not None:
        start = Pose(remembered.x, remembered.y, remembered.theta)
    elif docks:
        start = docks[0]
    else:
        raise SetupError("There is no dock to start from.", hint="Add a waypoint of kind dock.")
    charge = remembered.charge if remembered else 1.0
    world = World(grid, start, seed=settings.sim.seed, docks=docks, battery=charge)
    laser = Laser(mount=laser_mount(settings.robot))
    return world, Scanner(grid, laser, seed=settings.sim.seed)


def make_crowd(settings: Settings, world: World) -> Crowd | None:
    """The people in this world; None where nobody is wanted, which saves their map."""
    count = settings.sim.people
    if not count:
        return None
    return Crowd(world.grid, count, seed=settings.sim.seed, robot=world.pose)


def make_board(settings: Settings) -> SimulatedBoard:
    """On a clock that runs faster the motors also have to change their speed faster."""
    faster = max(1.0, settings.sim.speed)
    caps = Limits(
        speed=max(OWN_CAPS.speed, settings.robot.max_speed_m_s),
        turn=max(OWN_CAPS.turn, settings.robot.max_turn_rad_s),
        acceleration=OWN_CAPS.acceleration * faster,
        turn_acceleration=OWN_CAPS.turn_acceleration * faster,
        braking=OWN_CAPS.braking * faster,
        turn_braking=OWN_CAPS.turn_braking * faster,
    )
    hz = min(50.0 * faster, MOST_ODOMETRY_HZ)
    path = settings.run_dir / "board"
    return SimulatedBoard(path, caps=caps, odometry_hz=hz, seed=settings.sim.seed)


def _docks(settings: Settings) -> list[Waypoint]:
    database = Database.open(settings.store_path)
    try:
        return database.read(lambda reader: places.waypoints(reader, WaypointKind.DOCK))
    finally:
        database.close()


if __name__ == "__main__":
    sys.exit(main())
