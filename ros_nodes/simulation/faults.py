"""What may go wrong with the simulated robot: by name, on request over a socket, or by a script.

An order is a line: `NAME VALUE`, and `for SECONDS` where it is to end by itself. A script has such lines, each
after the time at which it is done. Times are of the simulated clock, since the body began.
"""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from edge import ipc, logs
from edge.domain.errors import SetupError, ValidationError
from firmware_bridge.simulator import SimulatedBoard
from ros_nodes.simulation.world import World

SOCKET_NAME = "faults.sock"
WORDS = {"on": 1.0, "off": 0.0}
AHEAD_M = 0.6
THING_RADIUS_M = 0.2

log = logs.get("body.faults")


class Order(NamedTuple):
    """`value`: 0 ends a fault. `seconds`: after which it ends by itself; None for never."""

    name: str
    value: float
    seconds: float | None


def parse(text: str) -> Order:
    """Raises ValidationError that says what an order looks like."""
    words = text.split()
    try:
        if len(words) not in (2, 4) or (len(words) == 4 and words[2] != "for"):
            raise ValueError
        value = WORDS[words[1]] if words[1] in WORDS else float(words[1])
        seconds = float(words[3]) if len(words) == 4 else None
        if not (math.isfinite(value) and (seconds is None or 0 < seconds < math.inf)):
            raise ValueError
    except ValueError:
        form = "NAME on, NAME off or NAME NUMBER, and for SECONDS where it is to end"
        raise ValidationError(f"“{text.strip()}” is no fault: say {form}.") from None
    return Order(words[0], value, seconds)


def read_script(path: Path) -> list[tuple[float, Order]]:
    """What is done when, in order of time. Raises SetupError that names the line."""
    steps = []
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"The script {path} cannot be read: {error}.") from error
    for number, line in enumerate(lines, 1):
        said = line.partition("#")[0].split(maxsplit=1)
        if not said:
            continue
        try:
            steps.append((float(said[0]), parse(said[1])))
        except (ValueError, IndexError, ValidationError) as error:
            raise SetupError(
                f"{path}, line {number}: “{line.strip()}” is no step.",
                hint="Write SECONDS NAME VALUE, and for SECONDS where it is to end.",
            ) from error
    return sorted(steps, key=lambda step: step[0])


class FaultDesk:
    """Takes orders and carries them out. Raises OSError where it cannot listen."""

    def __init__(
        self, board: SimulatedBoard, world: World, run_dir: Path, script: list[tuple[float, Order]]
    ) -> None:
        self._board, self._world = board, world
        self._due = list(script)
        self._listener = ipc.listen(run_dir / SOCKET_NAME)
        self._path = run_dir / SOCKET_NAME
        self._known = self._table()

    def close(self) -> None:
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def serve(self, now: float) -> None:
        """Do what is due, and what somebody asks for. `now`: the simulated clock since the beginning, s."""
        while self._due and self._due[0][0] <= now:
            self._do(self._due.pop(0)[1], now)
        try:
            client, _ = self._listener.accept()
        except BlockingIOError:
            return
        with client:
            client.settimeout(0.1)
            try:
                client.send(self._answer(client.recv(1024).decode(errors="replace"), now).encode())
            except OSError:
                return  # it left again

    def _answer(self, text: str, now: float) -> str:
        try:
            self._do(parse(text), now)
        except ValidationError as error:
            return str(error)
        return ""

    def _do(self, order: Order, now: float) -> None:
        """Raises ValidationError for a name that is none."""
        if order.name not in self._known:
            raise ValidationError(
                f"There is no fault “{order.name}”; there are {', '.join(sorted(self._known))}."
            )
        self._known[order.name](order.value)
        log.info("fault", name=order.name, value=order.value)
        if order.seconds is not None:
            self._due.append((now + order.seconds, Order(order.name, 0.0, None)))
            self._due.sort(key=lambda step: step[0])

    def _table(self) -> Mapping[str, Callable[[float], None]]:
        board, world = self._board, self._world
        return {
            "silent": lambda value: self._set("silent", bool(value)),
            "deaf": lambda value: self._set("deaf", bool(value)),
            "flood": lambda value: self._set("flood", bool(value)),
            "noise": lambda value: self._set("noise", value),
            "half": lambda value: self._set("half", value),
            "late": lambda value: self._set("late_s", value),
            "version": lambda value: self._set("version", int(value)),
            "reboot": lambda _: board.reboot(),
            "unplug": lambda value: board.unplug() if value else board.replug(),
            "button": lambda value: self._stick("button", bool(value)),
            "bumper": lambda value: self._stick("bumper", bool(value)),
            "lifted": lambda value: self._stick("lifted", bool(value)),
            "tilt": lambda value: self._stick("tilt", value),
            "tray": lambda value: self._stick("tray_open", bool(value)),
            "wheels": lambda value: setattr(world, "wheels_stuck", bool(value)),
            "obstacle": self._stand_in_the_way,
            "battery": world.set_charge,
        }

    def _set(self, name: str, value: float) -> None:
        setattr(self._board.faults, name, value)

    def _stick(self, sensor: str, value: bool | float) -> None:
        if value:
            self._board.faults.stuck[sensor] = value
        else:
            self._board.faults.stuck.pop(sensor, None)
        self._board.feel(**{sensor: value})

    def _stand_in_the_way(self, value: float) -> None:
        """Something stands before the robot, or is taken away."""
        ahead = self._world.pose.x, self._world.pose.y, self._world.pose.theta
        x, y = ahead[0] + AHEAD_M * math.cos(ahead[2]), ahead[1] + AHEAD_M * math.sin(ahead[2])
        self._world.things = [(x, y, THING_RADIUS_M)] if value else []
