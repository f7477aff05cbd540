"""The board on a desk: simulated firmware behind a real pseudo-terminal, misbehaving on request.

The world reads `commanded()` and feeds the sensors; somebody calls `step` at 50 Hz or more, on wall
time: a thread of its own by `run`, or any loop that waits on `fileno()`.
"""

import contextlib
import os
import select
import threading
import time
import tty
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from firmware_bridge import frames
from firmware_bridge.frames import FrameDecoder
from firmware_bridge.messages import Limits, Odometry
from firmware_bridge.simulated_firmware import OWN_CAPS, SimulatedFirmware

__all__ = ["OWN_CAPS", "Faults", "Limits", "SimulatedBoard"]

STEP_S = 0.01
READ_BYTES = 4096
FLOOD = bytes(64) + b"no frame at all " * 1020


@dataclass(slots=True)
class Faults:
    """What is wrong with the board now. Set the fields at will.

    `silent`: it sends nothing. `deaf`: it reads nothing, so the line fills. `noise`: chance of
    rubbish before each thing sent; `half`: chance that only half of it is sent. `late_s`: what
    arrives is acted on this much later. `version`: the protocol's that it speaks, 0 for ours.
    `flood`: it talks without end. `stuck`: what its sensors say whatever the world is like.
    """

    silent: bool = False
    deaf: bool = False
    noise: float = 0.0
    half: float = 0.0
    late_s: float = 0.0
    version: int = 0
    flood: bool = False
    stuck: dict[str, bool | float] = field(default_factory=dict)


class SimulatedBoard:
    """A pty whose other end, linked at `path`, is a serial port with a board on it. Raises OSError
    where that fails."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        caps: Limits = OWN_CAPS,
        odometry_hz: float = 50.0,
        seed: int | None = None,
    ) -> None:
        """`caps`: the board's own limits; a simulation that runs faster than time scales
        accelerations and braking. `odometry_hz`: 50 on a robot; scaled likewise."""
        self.faults = Faults()
        self._clock = clock
        self._random = Random(seed)
        self._path = path
        self._lock = threading.Lock()
        self._late: list[tuple[float, bytes]] = []
        self._open()
        self.firmware = SimulatedFirmware(
            clock(),
            new_nonce=lambda: self._random.randrange(1, 2**32),
            caps=caps,
            odometry_hz=odometry_hz,
        )

    def fileno(self) -> int:
        """Readable when the gate sent something."""
        return self._master

    def step(self, now: float | None = None) -> None:
        """Take in what has come, move the firmware on to `now`, send what is due."""
        now = self._clock() if now is None else now
        with self._lock:
            for data in self._arrived(now):
                self.firmware.receive(data, now)
            out = self.firmware.tick(now)
            if not self.faults.silent:
                self._write(out)

    def run(self, ended: threading.Event) -> None:
        """Step until `ended` is set; the body of a thread."""
        while not ended.is_set():
            self._wait()
            self.step()

    def commanded(self) -> tuple[float, float]:
        """What the motors are driven at, after all of the board's own safety: m/s, rad/s."""
        return self.firmware.velocity

    def set_odometry(self, x: float, y: float, theta: float, v: float, w: float) -> None:
        """What the wheels measured: m, rad, m/s, rad/s, in the frame where the board booted."""
        self.feel(odometry=Odometry(x, y, theta, v, w))

    def set_battery(self, fraction: float, charging: bool) -> None:
        """`fraction` 0 to 1."""
        self.feel(fraction=fraction, charging=charging)

    def set_inputs(
        self,
        *,
        bumper: bool | None = None,
        button: bool | None = None,
        tilt: float | None = None,
        lifted: bool | None = None,
    ) -> None:
        """Press or release what is given, and leave the rest. `tilt`: lean in rad, nose up."""
        given = {"bumper": bumper, "button": button, "tilt": tilt, "lifted": lifted}
        self.feel(**{name: value for name, value in given.items() if value is not None})

    def set_tray(self, grams: int) -> None:
        """What lies on the tray."""
        self.feel(tray_grams=grams)

    def reboot(self) -> None:
        """The chip resets: session, latch and velocity are gone, as after a brown-out."""
        with self._lock:
            self.firmware.boot(self._clock())

    def unplug(self) -> None:
        """The cable is out: the port hangs up and its name is gone."""
        with self._lock:
            self._shut()

    def replug(self) -> None:
        """The cable is in again, as a new port of the same name. The board kept its power."""
        with self._lock:
            if self._master < 0:
                self._open()

    def close(self) -> None:
        """End. May be called twice."""
        self.unplug()

    def _wait(self) -> None:
        port = self._master
        if self.faults.deaf or port < 0:
            select.select([], [], [], STEP_S)
        else:
            with contextlib.suppress(OSError):  # unplugged at this very moment
                select.select([port], [], [], STEP_S)

    def feel(self, **changes: object) -> None:
        """What the sensors say from now on, by the names of `Sensors`; what is stuck stays so."""
        with self._lock:
            felt = {**changes, **self.faults.stuck}
            self.firmware.sensors = replace(self.firmware.sensors, **felt)  # type: ignore[arg-type]

    def _open(self) -> None:
        self._master, self._slave = os.openpty()
        # Our own hold on the other end keeps the port alive, and raw, while no gate has it open.
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # Renamed into place, so that whoever opens the port finds the old one or the new one.
        new = self._path.with_name(f"{self._path.name}.new")
        new.unlink(missing_ok=True)
        new.symlink_to(os.ttyname(self._slave))
        new.replace(self._path)

    def _shut(self) -> None:
        if self._master >= 0:
            self._path.unlink(missing_ok=True)
            os.close(self._slave)
            os.close(self._master)
        self._master = self._slave = -1

    def _arrived(self, now: float) -> list[bytes]:
        if not self.faults.deaf and self._master >= 0:
            with contextlib.suppress(BlockingIOError):
                self._late.append((now + self.faults.late_s, os.read(self._master, READ_BYTES)))
        due = [data for at, data in self._late if at <= now]
        self._late = [(at, data) for at, data in self._late if at > now]
        return due

    def _write(self, out: bytes) -> None:
        faults = self.faults
        if faults.version and out:
            frames_out = FrameDecoder().feed(out)
            out = b"".join(frames.encode(frame, faults.version) for frame in frames_out)
        if out and self._random.random() < faults.half:
            out = out[: len(out) // 2]
        if out and self._random.random() < faults.noise:
            out = self._random.randbytes(self._random.randrange(1, 64)) + out
        if faults.flood:
            out += FLOOD
        if out and self._master >= 0:
            # A line that is full loses bytes, as a UART does; the reader finds its place at the
            # next zero.
            with contextlib.suppress(BlockingIOError):
                os.write(self._master, out)
