"""The loop of the sync process: one thread that waits for the broker, the live socket, the gate and the clock."""

import contextlib
import os
import select
import time
from collections import deque
from importlib import metadata
from typing import Any

from edge import ipc, logs
from edge.services import links, robot, tasks
from edge.settings import Settings, read_secret
from edge.store.database import Database, new_id
from edge.store.sqlite import MISFIT
from sync import accounts
from sync.commands import CommandDesk
from sync.down import DownStream
from sync.link import Link
from sync.link_events import (
    Connected,
    Disconnected,
    LinkEvent,
    LinkSettings,
    Publication,
    Received,
    Refused,
)
from sync.up import SYNC, UpStream
from sync.vda5050.face import FleetFace
from sync.view import RobotView
from sync.wire.envelope import Answer, Connection, LinkState, State
from sync.wire.topics import Topics

log = logs.get("sync")

TICK_S = 0.5
"""At most so long without a look at the clock and a sign of life."""
POLL_S = 1.0
"""How often the store is asked whether something changed, in case a hint was lost."""
MAX_UNSAID = 1000
"""Answers kept for when the broker is back. Who misses one asks again, and gets the first answer."""
MAX_HELD = 8
"""Messages that wait for a store in trouble, not confirmed to the broker. Fewer than the broker sends without
confirmation, so that a stop still comes through."""
HELD_RETRY_S = 1.0
STATE_EVERY_S = 5.0
STATE_AT_MOST_EVERY_S = 0.5


class Bridge:
    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._topics = Topics(settings.robot.site, settings.robot.id)
        self._session = new_id()
        password = read_secret(settings.data_dir, "mqtt-robot")
        self._view = RobotView(settings.run_dir)
        self._link = Link(self._link_settings(password), self._hurry)
        self._up = UpStream(
            database, self._link, self._topics, batch_events=settings.sync.batch_events
        )
        self._down = DownStream(database, self._link, self._topics)
        self._commands = CommandDesk(
            database, settings.run_dir, self._view, self._answer, settings.library.zone
        )
        self._fleet = FleetFace(settings, database, self._view, password)
        self._unsaid: deque[Publication] = deque(maxlen=MAX_UNSAID)
        self._held: deque[Received] = deque()
        self._held_at = 0.0
        self._online = False
        self._stopping = False
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._version = -1
        self._polled_at = self._alive_at = self._state_at = 0.0
        self._work: dict[str, Any] = {}
        self._told: dict[str, Any] = {}

    def run(self) -> None:
        """Until `stop`."""
        self._note_connected(False)
        if self._settings.mqtt.enabled:
            self._link.start()
            self._fleet.start()
        ipc.notify("READY=1")
        try:
            while not self._stopping:
                brokers = (self._link.fileno(), self._fleet.link.fileno())
                waited = [self._wake, *brokers, *self._view.sockets()]
                select.select(waited, [], [], TICK_S)
                with contextlib.suppress(BlockingIOError):
                    os.eventfd_read(self._wake)
                self._step(time.monotonic())
        finally:
            self._end()

    def stop(self) -> None:
        """From a signal handler or another thread."""
        self._stopping = True
        os.eventfd_write(self._wake, 1)

    def _step(self, now_s: float) -> None:
        changed = self._view.read()
        # Before anything that may wait for the store.
        for event in self._link.receive():
            changed = self._handle(event, now_s) or changed
        try:
            self._work_off(now_s, changed=changed)
        except Exception:
            # A store in trouble must not end the process: a stop from afar still has to come through.
            log.exception("the store fails; tried again at the next poll")
            self._version = -1
        if now_s - self._alive_at >= TICK_S:
            self._alive_at = now_s
            ipc.notify("WATCHDOG=1")

    def _work_off(self, now_s: float, *, changed: bool) -> None:
        """All that a store in trouble can hold up. Raises what the store raises."""
        changed = self._store_changed(now_s) or changed
        if self._held and now_s - self._held_at >= HELD_RETRY_S:
            changed = self._take_held(now_s) or changed
        changed = self._fleet.step(now_s, store_changed=changed) or changed
        if changed:
            self._commands.follow_up()
            self._work = self._read_work()
            self._up.changed()
        if self._online:
            self._say_answers()
            self._up.pump(now_s)
            self._tell_state(now_s)

    def _store_changed(self, now_s: float) -> bool:
        if now_s - self._polled_at < POLL_S:
            return False
        self._polled_at = now_s
        version, self._version = self._version, self._database.data_version()
        return version != self._version

    def _handle(self, event: LinkEvent, now_s: float) -> bool:
        """True where the store was changed by it."""
        match event:
            case Connected():
                self._online = True
                try:
                    self._on_connected()
                except Exception:
                    log.exception("the store fails while the connection begins")
            case Disconnected(reason):
                log.warning("disconnected", why=reason)
                self._online = False
                self._note_connected(False)
            case Refused(what, reason):
                log.error("refused by the broker", what=what, why=reason)
            case Received():
                return self._on_message(event, now_s)
        return False

    def _on_connected(self) -> None:
        self._note_connected(True)
        self._up.restart()
        self._link.publish(self._connection(LinkState.ONLINE))
        self._down.confirm()
        self._told = {}

    def _note_connected(self, connected: bool) -> None:
        try:
            self._database.write(SYNC, lambda tx: links.set_mqtt_connected(tx, connected))
        except Exception:
            log.exception("the state of the connection could not be written down")

    def _hurry(self, message: Received) -> None:
        """In the link's thread: a stop does not wait while the store is asked for something else."""
        if message.topic == self._topics.commands:
            self._commands.hurry(message.payload)

    def _on_message(self, message: Received, now_s: float) -> bool:
        if message.topic == self._topics.commands and self._commands.stop_at_once(message.payload):
            message.done()
            self._view.hint("tasks")
            return True
        if len(self._held) >= MAX_HELD:
            self._let_go(message)
            return False
        waiting = bool(self._held)
        self._held.append(message)
        # Those before it come first: a pause and its resume must not change places.
        return False if waiting else self._take_held(now_s)

    def _take_held(self, now_s: float) -> bool:
        """Take the messages in their order, each confirmed to the broker once the store has it."""
        changed = False
        while self._held:
            message = self._held[0]
            try:
                changed = self._take(message, now_s) or changed
                message.done()
            except MISFIT:
                self._let_go(message)
            except Exception:
                log.exception("a message waits for the store", topic=message.topic)
                self._held_at = now_s
                break
            self._held.popleft()
        if changed:
            self._view.hint("tasks")
        return changed

    def _take(self, message: Received, now_s: float) -> bool:
        if message.topic == self._topics.events_up_ack:
            self._up.on_ack(message.payload, now_s, live=not message.retained)
        elif message.topic == self._topics.events_down:
            return self._down.on_batch(message.payload)
        elif message.topic == self._topics.commands:
            self._commands.handle(message.payload)
            return True
        return False

    def _let_go(self, message: Received) -> None:
        """Not done: too many wait already, or no column can hold what it says. A command is refused; central
        sends its batches again by itself.
        """
        log.error("a message is let go: the store does not take it", topic=message.topic)
        if message.topic == self._topics.commands:
            self._commands.turn_away(message.payload)
        message.done()

    def _answer(self, answer: Answer) -> None:
        payload = answer.model_dump_json(exclude_none=True).encode()
        self._unsaid.append(Publication(self._topics.commands_ack, payload))
        self._say_answers()

    def _say_answers(self) -> None:
        while self._unsaid and self._link.publish(self._unsaid[0]):
            self._unsaid.popleft()

    def _tell_state(self, now_s: float) -> None:
        since_s = now_s - self._state_at
        if since_s < STATE_AT_MOST_EVERY_S:
            return
        state = self._state()
        told = state.model_dump(exclude={"at"})
        if told == self._told and since_s < STATE_EVERY_S:
            return
        payload = state.to_json()  # nulls too: what is unknown is not the same as not there
        if self._link.publish(Publication(self._topics.state, payload, 0, retain=True)):
            self._told, self._state_at = told, now_s

    def _state(self) -> State:
        view = self._view
        pose = view.pose
        rounded = pose and pose.model_copy(
            update={"x": round(pose.x, 2), "y": round(pose.y, 2), "theta": round(pose.theta, 2)}
        )
        return State(
            at=self._database.clock.now(),
            robot_id=self._settings.robot.id,
            status=view.status,
            pose=rounded,
            battery=view.battery,
            current_location=view.location,
            emergency_stop=view.emergency_stop,
            faults=view.faults,
            **self._work,
        )

    def _read_work(self) -> dict[str, Any]:
        queue = self._database.read(tasks.queue)
        active = self._database.read(lambda r: tasks.active(r, self._settings.robot.id))
        return {
            "paused": self._database.read(robot.get_state).paused,
            "queue_length": len(queue),
            "task_id": active and active.id,
        }

    def _connection(self, state: LinkState) -> Publication:
        message = Connection(
            state=state,
            at=self._database.clock.now(),
            session=self._session,
            software=metadata.version("luna-edge"),
            up=self._up.position,
            down=self._down.position,
        )
        payload = message.model_dump_json(exclude_none=True).encode()
        return Publication(self._topics.connection, payload, 1, retain=True)

    def _link_settings(self, password: str) -> LinkSettings:
        mqtt = self._settings.mqtt
        will = Connection(
            state=LinkState.CONNECTION_BROKEN, at=self._database.clock.now(), session=self._session
        )
        wanted = (self._topics.events_up_ack, self._topics.events_down, self._topics.commands)
        return LinkSettings(
            mqtt.host,
            mqtt.port,
            self._settings.robot.id,
            accounts.robot_username(self._settings),
            password,
            keepalive_s=mqtt.keepalive_s,
            will=Publication(
                self._topics.connection,
                will.model_dump_json(exclude_none=True).encode(),
                1,
                retain=True,
            ),
            subscriptions=[(topic, 1) for topic in wanted],
        )

    def _end(self) -> None:
        self._link.stop([self._connection(LinkState.OFFLINE)])
        self._fleet.stop()
        self._note_connected(False)
        self._view.close()
        os.close(self._wake)
