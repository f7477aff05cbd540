"""The motion gate's process: one loop between the local sockets, the serial line, and the decisions
of `Authority`.

No database, no network, and the disk is another thread's: while the robot may move, nothing in here
waits for anything but the next event, 20 ms at most. A stop is handled where it is read: latch, STOP
and zero written to the board, latch synced to disk, and only then confirmed.
"""

import fcntl
import logging
import os
import selectors
import signal
import sys
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge import ipc
from edge.domain.stops import ASKED_BY_PEOPLE, Refusal, StopSource
from firmware_bridge import command_line, sockets
from firmware_bridge.authority import Authority, Decision, Moment, RefusedError
from firmware_bridge.disk_writer import PATIENCE_S, DiskWriter
from firmware_bridge.doors import Answer, Door
from firmware_bridge.latch import Latch, LatchFileError, LatchStore
from firmware_bridge.link import BoardLink
from firmware_bridge.messages import (
    Battery,
    Clear,
    FromBoard,
    Heartbeat,
    Limits,
    Motion,
    Odometry,
    Stop,
    StopKind,
)

TICK_S = 0.02
"""50 Hz: the rate of the base node's commands, and a fifth of their deadline."""
HEARTBEAT_S = 0.05
STATE_S = 0.1
WATCHDOG_S = 0.5
LIMITS_S = 1.0
"""LIMITS are repeated, because a single frame may be lost on a noisy line."""
PRIORITY = 10
"""Of the real-time ones, 1 to 99: before every ordinary process, behind the kernel's own threads."""
log = logging.getLogger("gate")


class Gate:
    """The process. Raises OSError from its constructor where it cannot listen or write its data."""

    def __init__(
        self,
        data_dir: Path,
        port: Path,
        limits: Limits,
        *,
        holds_to_latch: int,
        announce_s: float,
        watched: Collection[str],
    ) -> None:
        self._counters: Counter[str] = Counter()
        self._limits = limits
        store = LatchStore(data_dir)
        saved, damage = _load(store)
        at = _now()
        self._authority = Authority(
            limits,
            saved,
            at,
            new_id=_new_id,
            holds_to_latch=holds_to_latch,
            announce_s=announce_s,
            watched=watched,
        )
        self._authority.remember(store.newest_records(), at)
        if saved.event_id and not store.has_recorded(saved.event_id):
            self._authority.record_again(at)  # the last gate died between the latch and the journal
        if damage:
            log.error("%s; the robot stays stopped", damage)
            self._authority.stop(StopSource.LATCH_FILE, "gate", damage, at)
        self._disk = DiskWriter(store, saved)
        self._link = BoardLink(port, new_nonce=_new_nonce)
        self._link_was_up = False
        self._registered: int | None = None
        self._selector = selectors.DefaultSelector()
        self._open_doors(data_dir / "run")
        self._running = True
        self._next_tick = self._next_heartbeat = self._next_limits = at.mono
        self._next_state = self._next_watchdog = at.mono
        self._face: tuple[object, ...] = ()

    def run(self) -> None:
        """Work until `end`. Whatever ends it, the board is told to stand."""
        try:
            self._write_down()
            ipc.notify("READY=1")
            while self._running:
                self._once()
        finally:
            self._leave()

    def end(self, *_: object) -> None:
        """Leave the loop after this pass; for signal handlers."""
        self._running = False

    # The loop

    def _once(self) -> None:
        wait_s = max(0.0, self._next_tick - time.monotonic())
        for key, _ in self._selector.select(wait_s):
            key.data()
        at = _now()
        self._serve_line(at)
        if at.mono >= self._next_tick or self._authority.latch is not self._disk.wanted:
            self._cycle(at)

    def _cycle(self, at: Moment) -> None:
        # After a pause go on from here: ticks that were missed are not made up for.
        self._next_tick = max(self._next_tick + TICK_S, at.mono)
        self._command_board(self._authority.tick(at), at)
        self._write_down()
        self._publish(at)
        if at.mono >= self._next_watchdog:
            self._next_watchdog = at.mono + WATCHDOG_S
            ipc.notify("WATCHDOG=1")

    def _serve_line(self, at: Moment) -> None:
        messages = self._link.service(at.mono)
        self._follow_link(at)
        for message in messages:
            self._authority.board_said(message, at)
            self._forward(message, at)
        if (fd := self._link.fileno()) != self._registered:
            if self._registered is not None:
                self._forget_line(self._registered)
            if fd is not None:
                # It is read in each pass.
                self._selector.register(fd, selectors.EVENT_READ, lambda: None)
            self._registered = fd

    def _forget_line(self, fd: int) -> None:
        try:
            self._selector.unregister(fd)
        except (KeyError, ValueError, OSError):
            log.debug("descriptor %d was closed before it was unregistered", fd)

    def _follow_link(self, at: Moment) -> None:
        if self._link.up == self._link_was_up:
            return
        self._link_was_up = self._link.up
        self._authority.link(self._link.up)
        self._next_limits = at.mono
        if self._link.up:
            log.info("the board answers")
        else:
            log.warning("the board is lost: %s: %s", self._link.fault, self._link.why)

    def _forward(self, message: FromBoard, at: Moment) -> None:
        if isinstance(message, Odometry):
            pose = {
                "x": message.x,
                "y": message.y,
                "theta": message.theta,
                "v": message.v,
                "w": message.w,
            }
            self._motion.tell({"type": "odometry", **pose, "stamp": at.mono})
        elif isinstance(message, Battery):
            fraction, charging, voltage = message.fraction, message.charging, message.voltage
            self._motion.tell(
                {"type": "battery", "fraction": fraction, "charging": charging, "voltage": voltage}
            )

    def _command_board(self, decision: Decision, at: Moment) -> None:
        send, now = self._link.send, at.mono
        if decision.stop:
            send(Stop(StopKind.LATCH), now)
        send(Motion(decision.linear_m_s, decision.angular_rad_s), now)
        if now >= self._next_heartbeat:
            self._next_heartbeat = now + HEARTBEAT_S
            send(Heartbeat(), now)
            if decision.clear is not None:
                send(Clear(decision.clear), now)
        if now >= self._next_limits and send(self._limits, now):
            self._next_limits = now + LIMITS_S

    def _publish(self, at: Moment) -> None:
        face = self._authority.face()
        if face == self._face and at.mono < self._next_state:
            return
        self._face, self._next_state = face, at.mono + STATE_S
        self._state.tell(self._state_now(at))

    def _state_now(self, at: Moment) -> dict[str, Any]:
        disk = Counter(disk_refusals=self._disk.refusals, records_lost=self._disk.lost)
        counters = self._counters + self._link.counters + disk
        for door in self._doors:
            counters += door.counters
        state = self._authority.state(at, counters)
        return replace(state, link_fault=self._link.fault).to_json()

    # The disk

    def _write_down(self) -> None:
        """What changed, in the disk's own time."""
        authority = self._authority
        if authority.latch is not self._disk.wanted:
            self._disk.save(authority.latch)
        if authority.records:
            self._disk.record(authority.records)
            authority.records.clear()

    def _takes(self, latch: Latch, by: float) -> bool:
        """Whether the disk has `latch`, which counts only then; if not, the next cycle has it write what
        counts. The journal comes first: what it is to tell of the stop must not be lost with the stop.
        """
        if not self._disk.has_recorded(by):
            return False
        self._disk.save(latch)
        return self._disk.has_saved(by)

    # The sockets

    def _open_doors(self, run_dir: Path) -> None:
        run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The stop first; the state last, so that whoever is told a state finds all the others open.
        stop = Door(self._selector, run_dir / sockets.STOP, self._on_stop, most=64)
        reset = Door(self._selector, run_dir / sockets.RESET, self._on_reset, most=8)
        self._motion = Door(
            self._selector,
            run_dir / sockets.MOTION,
            self._on_motion,
            most=1,
            greet=lambda: {"type": "welcome"},
            on_leave=self._on_motion_gone,
        )
        self._state = Door(
            self._selector,
            run_dir / sockets.STATE,
            self._on_state,
            most=32,
            greet=lambda: self._state_now(_now()),
        )
        self._doors = (stop, reset, self._motion, self._state)

    def _on_motion(self, message: dict[str, Any], _pid: int) -> Answer:
        self._authority.command(
            float(message["linear"]), float(message["angular"]), float(message["sent"]), _now()
        )
        return None

    def _on_motion_gone(self) -> None:
        self._authority.source_gone()
        self._next_tick = 0.0  # the zero goes out in this pass

    def _on_state(self, message: dict[str, Any], _pid: int) -> Answer:
        at = _now()
        if message["type"] == "heartbeat":
            self._authority.heartbeat(
                str(message["process"]), float(message.get("sent", at.mono)), at
            )
        return None

    def _on_stop(self, message: dict[str, Any], pid: int) -> Answer:
        source = StopSource(message["source"])
        if source not in ASKED_BY_PEOPLE:
            raise ValueError(f"{source} is not for clients to say")
        at = _now()
        who = f"{message['who']} (process {pid})"
        event_id, joined = self._authority.stop(source, who, str(message["reason"]), at)
        written = self._link.send(Stop(StopKind.LATCH), at.mono)
        self._link.send(Motion(0.0, 0.0), at.mono)
        # The board remembers a written STOP over a restart of the gate, and the file over a restart
        # of both. With neither, the next restart would forget it: then it is not confirmed, though
        # the robot stands.
        self._write_down()
        if not self._disk.has_saved() and not written:
            return {"type": "refused", "refused": "neither the board nor the disk took the stop"}
        log.warning("stop %s: %s by %s: %s", event_id, source, who, message["reason"])
        return {"type": "stopped", "event_id": event_id, "joined": joined}

    def _on_reset(self, message: dict[str, Any], pid: int) -> Answer:
        at = _now()
        by = at.mono + PATIENCE_S  # for all that is written
        sent, who = float(message["sent"]), f"{message['who']} (process {pid})"
        try:
            if message["type"] == "reset":
                latch = self._authority.plan_reset(str(message["event_id"]), sent, at)
            elif message["type"] == "resume":
                latch = self._authority.plan_resume(sent, at)
            else:
                raise ValueError("neither reset nor resume")
        except RefusedError as refusal:
            self._counters["resets_refused"] += 1
            return {"type": "refused", "refused": refusal.why}
        if not self._takes(latch, by):
            log.error("a reset or resume cannot be written down: %s", self._disk.why)
            return {"type": "refused", "refused": Refusal.NOT_WRITTEN_DOWN}
        self._authority.adopt(latch, who, at)
        self._write_down()
        self._disk.has_recorded(by)  # the record, too, before the answer
        log.warning("%s by %s", message["type"], who)
        return {"type": "done"}

    def _leave(self) -> None:
        """Zero and STOP to the board, sockets gone. The next gate clears this STOP by itself."""
        at = _now()
        self._link.flush_output()
        self._link.send(Motion(0.0, 0.0), at.mono)
        self._link.send(Stop(StopKind.LEAVING), at.mono)
        self._write_down()
        for door in self._doors:
            door.close()
        self._link.close()
        self._selector.close()
        self._disk.close()


def _load(store: LatchStore) -> tuple[Latch, str]:
    """The latch, or a clear one and what is wrong with the saved one."""
    try:
        return store.load(), ""
    except LatchFileError as error:
        store.put_aside()
        return Latch(), str(error)


def _now() -> Moment:
    return Moment(time.monotonic(), time.time())


def _new_id(wall: float) -> str:
    """Sorts by time as text, and is unique even where a clock went back."""
    return f"{int(wall * 1000):013d}-{os.urandom(4).hex()}"


def _new_nonce() -> int:
    return int.from_bytes(os.urandom(4)) or 1


def _lock(data_dir: Path) -> int:
    """Be the only gate of this data directory. Raises OSError; the lock ends with the process,
    however it ends."""
    directory = data_dir / "gate"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return lock


def _go_first() -> None:
    """Before all that is not as urgent, where the system lets us: a stop must not wait for a busy
    processor. Linux keeps a twentieth of it for the others, whatever we do."""
    if os.sched_getscheduler(0) in (os.SCHED_RR, os.SCHED_FIFO):
        return  # the service manager has seen to it
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))
    except OSError:
        log.info("no leave for real-time priority; a stop may wait longer on a busy machine")


def main(given: list[str] | None = None) -> int:
    """Run the gate until SIGTERM or SIGINT. 1 where it cannot start."""
    arguments = command_line.parse(given)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    _go_first()
    try:
        _lock(arguments.data_dir)
        gate = Gate(
            arguments.data_dir,
            arguments.port,
            command_line.limits(arguments),
            holds_to_latch=arguments.holds_to_latch,
            announce_s=arguments.announce,
            watched=arguments.watch,
        )
    except BlockingIOError:
        print(f"another gate runs on {arguments.data_dir}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"the gate cannot start: {error}", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, gate.end)
    signal.signal(signal.SIGINT, gate.end)
    gate.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
