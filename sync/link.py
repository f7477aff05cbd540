"""The link to the broker: the only file that knows paho.

Each connection is a new paho client in a thread of paho's, supervised by a thread of ours. Its callbacks only put
events on a queue; the owner of the link takes them with `receive`. Nothing is queued here while there is no
connection, and little while there is one: the store keeps what must arrive, and sends it again.
"""

import contextlib
import os
import queue
import random
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from sync.link_events import (
    Connected,
    Disconnected,
    LinkEvent,
    LinkSettings,
    Publication,
    Received,
    Refused,
)

__all__ = [
    "Connected",
    "Disconnected",
    "Link",
    "LinkEvent",
    "LinkSettings",
    "Publication",
    "Received",
    "Refused",
    "backoff_s",
]

log = structlog.get_logger("link")

CONNECT_TIMEOUT_S = 5.0
FIRST_BACKOFF_S = 0.25
LONGEST_BACKOFF_S = 8.0
STEADY_AFTER_S = 5.0
"""A connection that held this long starts the backoff anew; a shorter one is flapping."""
Urgent = Callable[[Received], None]
MAX_IN_FLIGHT = 20
"""Publishes without PUBACK at once; brokers take no more (mosquitto: 20) and drop or disconnect beyond."""
RECEIVE_MAXIMUM = 16
SESSION_EXPIRY_S = 7 * 86400
SILENCE_FACTOR = 2.0
"""Nothing from the broker for this many keepalives: the connection is taken for dead, whatever paho says."""


def backoff_s(attempt: int, chance: float) -> float:
    """Seconds to wait after failure number `attempt` (from 0); `chance` in 0..1 spreads those who failed together."""
    longest: float = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2 ** min(attempt, 16))
    return longest * (0.5 + 0.5 * chance)


class Link:
    """Keeps one connection to the broker. `publish` and `receive` belong to one thread, the owner's."""

    def __init__(self, settings: LinkSettings, urgent: Urgent = lambda _: None) -> None:
        """`urgent`: sees each message at once, in the link's thread, for what cannot wait for `receive`."""
        self._settings = settings
        self._urgent = urgent
        self._events: queue.SimpleQueue[LinkEvent] = queue.SimpleQueue()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._stopping = threading.Event()
        self._connection: _Connection | None = None
        self._protocol = MQTTProtocolVersion.MQTTv5
        self._complained = False
        self._thread = threading.Thread(
            target=self._run, name=f"link-{settings.client_id}", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    @property
    def connected(self) -> bool:
        return self._connection is not None

    @property
    def protocol(self) -> str:
        """The MQTT version that is spoken, `5` or `3.1.1`."""
        return "5" if self._protocol is MQTTProtocolVersion.MQTTv5 else "3.1.1"

    def fileno(self) -> int:
        """Readable when `receive` has something."""
        return self._wake

    def receive(self) -> list[LinkEvent]:
        """All that happened since the last call; never waits."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._wake)
        events = []
        with contextlib.suppress(queue.Empty):
            while True:
                events.append(self._events.get_nowait())
        return events

    def publish(self, publication: Publication, *, expires_in_s: int | None = None) -> bool:
        """Hand a message to the broker. False where it did not go: no connection, or too much in flight."""
        connection = self._connection
        return connection is not None and connection.publish(publication, expires_in_s)

    def stop(self, farewell: Sequence[Publication] = (), *, within_s: float = 1.0) -> None:
        """Say goodbye, as far as that is possible in time, and end. The link cannot be started again."""
        self._complained = True  # an end that is wanted is no news
        connection = self._connection
        if connection is not None:
            sent = all(connection.publish(one, None) for one in farewell)
            connection.end(within_s if sent else 0.0)
        self._stopping.set()
        if self._thread.is_alive():
            # It may be in a connect: then it ends with the process.
            self._thread.join(within_s + 1.0)
        if not self._thread.is_alive():
            os.close(self._wake)

    def _run(self) -> None:
        attempt = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            outcome = self._connect_once()
            if time.monotonic() - began > STEADY_AFTER_S and outcome.was_connected:
                attempt = 0
            at_once = outcome.try_other_version and attempt == 0
            if outcome.try_other_version:
                v5 = self._protocol is MQTTProtocolVersion.MQTTv5
                self._protocol = MQTTProtocolVersion.MQTTv311 if v5 else MQTTProtocolVersion.MQTTv5
            if not at_once:
                self._report(outcome)
                # A login that was refused once is refused again: no hurry.
                refused = outcome.login_refused
                self._stopping.wait(
                    LONGEST_BACKOFF_S if refused else backoff_s(attempt, random.random())
                )
            attempt += 1

    def _connect_once(self) -> "_Outcome":
        connection = _Connection(self._settings, self._protocol, self._put, self._logged_in)
        try:
            return connection.live(self._stopping)
        finally:
            self._connection = None

    def _logged_in(self, connection: "_Connection") -> None:
        # What the broker kept for us comes now, before our subscriptions are confirmed, and may want an answer.
        self._connection = connection
        self._complained = False
        log.info(
            "connected", broker=f"{self._settings.host}:{self._settings.port}", mqtt=self.protocol
        )

    def _report(self, outcome: "_Outcome") -> None:
        if outcome.was_connected:
            self._put(Disconnected(outcome.reason))
        # The first failure and the recovery are news; each attempt between them is not.
        if not self._complained and not self._stopping.is_set():
            self._complained = True
            log.warning(
                "no connection",
                broker=f"{self._settings.host}:{self._settings.port}",
                why=outcome.reason,
            )

    def _put(self, event: LinkEvent) -> None:
        if isinstance(event, Received):
            try:
                self._urgent(event)
            except Exception:  # it still has its ordinary way
                log.exception("an urgent message was not looked at")
        self._events.put(event)
        with contextlib.suppress(OSError):
            os.eventfd_write(self._wake, 1)


@dataclass(slots=True)
class _Outcome:
    """How a connection ended."""

    reason: str = ""
    was_connected: bool = False
    try_other_version: bool = False
    login_refused: bool = False


class _Connection:
    """One paho client from connect to its end."""

    def __init__(
        self,
        settings: LinkSettings,
        protocol: MQTTProtocolVersion,
        put: Callable[[LinkEvent], None],
        logged_in: Callable[["_Connection"], None],
    ) -> None:
        self._settings = settings
        self._v5 = protocol is MQTTProtocolVersion.MQTTv5
        self._put = put
        self._logged_in = logged_in
        self._over = threading.Event()
        self._outcome = _Outcome()
        self._session_present = False
        self._published = 0
        self._confirmed = 0
        self._last_packet = time.monotonic()
        self._client = self._make_client(protocol)

    def live(self, stopping: threading.Event) -> _Outcome:
        """Connect, and stay until it is over."""
        options: dict[str, Any] = {}
        keep = self._settings.keep_session
        if self._v5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = SESSION_EXPIRY_S if keep else 0
            properties.ReceiveMaximum = RECEIVE_MAXIMUM
            # Left out, paho asks for a clean start on each client's first connect, and the broker drops what it kept.
            options = {"clean_start": not keep, "properties": properties}
        try:
            self._client.connect(
                self._settings.host, self._settings.port, self._settings.keepalive_s, **options
            )
        except OSError as error:
            self._outcome.reason = str(error)
            return self._outcome
        self._client.loop_start()
        longest_silence_s = SILENCE_FACTOR * self._settings.keepalive_s
        while not self._over.wait(0.5) and not stopping.is_set():
            if time.monotonic() - self._last_packet > longest_silence_s:
                self._outcome.reason = "the broker is silent"
                self._cut()
                break
        self._client.disconnect()
        self._client.loop_stop()
        return self._outcome

    def publish(self, publication: Publication, expires_in_s: int | None) -> bool:
        if self._published - self._confirmed >= MAX_IN_FLIGHT:
            return False
        properties = None
        if self._v5 and expires_in_s is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.MessageExpiryInterval = max(1, expires_in_s)
        self._published += 1
        info = self._client.publish(
            publication.topic, publication.payload, publication.qos, publication.retain, properties
        )
        return info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def end(self, within_s: float) -> None:
        """Wait for what is in flight, then disconnect, so that the last will is not sent."""
        deadline = time.monotonic() + within_s
        while (
            self._published > self._confirmed
            and time.monotonic() < deadline
            and not self._over.is_set()
        ):
            self._over.wait(0.005)
        self._client.disconnect()

    def _cut(self) -> None:
        """Break the connection off, so that paho's thread cannot wait for a peer that is gone."""
        connection = self._client.socket()
        if isinstance(connection, socket.socket):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _make_client(self, protocol: MQTTProtocolVersion) -> paho.Client:
        settings = self._settings
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=settings.client_id,
            clean_session=None if self._v5 else not settings.keep_session,
            protocol=protocol,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.username_pw_set(settings.username, settings.password)
        if settings.will is not None:
            will = settings.will
            client.will_set(will.topic, will.payload, will.qos, will.retain)
        client.on_socket_open = _without_nagle
        client.on_connect = self._on_connect
        client.suppress_exceptions = True
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_log = self._on_log
        return client

    # Callbacks, in paho's thread. One that raises would end that thread without a word, so they do next to nothing.

    def _on_connect(
        self,
        client: paho.Client,
        _: Any,
        flags: paho.ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._outcome.reason = str(reason)
            name = reason.getName()
            self._outcome.try_other_version = "rotocol version" in name
            self._outcome.login_refused = name in ("Not authorized", "Bad user name or password")
            self._over.set()
            return
        self._outcome.was_connected = True
        self._session_present = flags.session_present
        self._logged_in(self)
        if self._settings.subscriptions:
            client.subscribe(list(self._settings.subscriptions))
        else:
            self._put(Connected(self._session_present))

    def _on_disconnect(
        self,
        client: paho.Client,
        _: Any,
        flags: paho.DisconnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        self._outcome.reason = self._outcome.reason or str(reason)
        if not self._outcome.was_connected and not self._outcome.login_refused:
            # A broker that knows no MQTT 5 may just close.
            self._outcome.try_other_version = True
        self._over.set()

    def _on_message(self, client: paho.Client, _: Any, message: paho.MQTTMessage) -> None:
        mid, qos = message.mid, message.qos

        def done() -> None:
            client.ack(mid, qos)

        try:
            topic = message.topic
        except UnicodeDecodeError:
            done()
            return
        self._put(Received(topic, bytes(message.payload), message.retain, done))

    def _on_publish(
        self,
        client: paho.Client,
        _: Any,
        mid: int,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        # For QoS 1 at its PUBACK, for QoS 0 when it is written.
        self._confirmed += 1
        if reason.is_failure:
            self._put(Refused("publish", str(reason)))

    def _on_subscribe(
        self,
        client: paho.Client,
        _: Any,
        mid: int,
        reasons: list[ReasonCode],
        properties: Properties | None,
    ) -> None:
        for (topic, _qos), reason in zip(self._settings.subscriptions, reasons, strict=False):
            if reason.is_failure:
                self._put(Refused(f"subscribe {topic}", str(reason)))
        if all(reason.is_failure for reason in reasons):
            # It would hear nothing, and believe that all is well. Tried again as seldom as a refused login.
            self._outcome.reason = "every subscription was refused"
            self._outcome.login_refused = True
            self._over.set()
            return
        self._put(Connected(self._session_present))

    def _on_log(self, client: paho.Client, _: Any, level: int, text: str) -> None:
        # The one place where paho tells of every packet, pings included.
        if text.startswith("Received"):
            self._last_packet = time.monotonic()


def _without_nagle(client: paho.Client, _: Any, connection: Any) -> None:
    # Small packets that wait for each other's TCP acknowledgement cut the rate to a fifth.
    if isinstance(connection, socket.socket):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
