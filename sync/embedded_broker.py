"""The broker for a machine without mosquitto: amqtt in this process, with the same accounts and rights.

For a desk: it speaks MQTT 3.1.1 only, forgets everything at its end (which costs nothing but time: what must arrive
is kept in the stores), and listens on loopback. The only file that knows amqtt; some habits of its version 0.12.1
are mended in _Broker.
"""

import asyncio
import contextlib
import hashlib
import hmac
import signal
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from amqtt.adapters import BufferReader, BufferWriter, StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker, RetainedApplicationMessage
from amqtt.contexts import Action, BaseContext
from amqtt.errors import AMQTTError, MQTTError, NoDataError
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from edge import ipc
from edge.settings import Settings
from sync.accounts import Account

CONNECT_WITHIN_S = 5.0
MAX_CONNECT_BYTES = 64 * 1024
_OTHER_VERSION = b"\x20\x02\x00\x01"
_NOT_AUTHORIZED = b"\x20\x02\x00\x05"
"""CONNACKs of MQTT 3.1.1."""

_accounts: dict[str, Account] = {}
"""amqtt makes its plugins by name and gives them plain settings, so the accounts reach them through the module."""


def run(settings: Settings, users: Mapping[str, Account]) -> None:
    """Serve until SIGTERM or SIGINT."""
    asyncio.run(_serve(settings.mqtt.port, users))


async def _serve(port: int, users: Mapping[str, Account]) -> None:
    _accounts.update(users)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    broker = _Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {f"{__name__}.Login": {}, f"{__name__}.Rights": {}},
        }
    )
    await broker.start()
    ipc.notify("READY=1")
    await stop.wait()
    await broker.shutdown()


class Login(BaseAuthPlugin):  # type: ignore[misc]  # amqtt is untyped to us
    """Compares digests, which costs microseconds: amqtt's own plugin hashes for 100 ms on the event loop."""

    def __init__(self, context: BaseContext) -> None:
        super().__init__(context)
        self._digests = {name: _digest(user.password) for name, user in _accounts.items()}

    async def authenticate(self, *, session: Session) -> bool | None:
        wanted = self._digests.get(session.username or "", b"")
        return hmac.compare_digest(wanted, _digest(session.password or ""))


class Rights(BaseTopicPlugin):  # type: ignore[misc]  # amqtt is untyped to us
    async def topic_filtering(
        self,
        *,
        session: Session | None = None,
        topic: str | None = None,
        action: Action | None = None,
    ) -> bool | None:
        account = _accounts.get((session and session.username) or "")
        if account is None or topic is None:
            return False
        return account.may_publish(topic) if action is Action.PUBLISH else account.may_read(topic)


class _Broker(Broker):  # type: ignore[misc]  # amqtt is untyped to us
    def __init__(self, config: Mapping[str, object]) -> None:
        super().__init__(config)
        self._places: WeakValueDictionary[str, _Place] = WeakValueDictionary()

    async def stream_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
    ) -> None:
        """Let nobody near the sessions who may not log in.

        By itself amqtt gives a CONNECT its session first, in place of the rightful client's, and asks for the
        password then; and it leaves an MQTT 5 CONNECT without any answer.
        """
        try:
            connect = await asyncio.wait_for(_read_packet(reader), CONNECT_WITHIN_S)
        except (OSError, EOFError, TimeoutError, ValueError):
            writer.close()
            return
        try:
            session = await self._admitted(connect)
        except _RefusedError as refusal:
            writer.write(refusal.answer)
            writer.close()
            return
        again = _ReadAgain(connect.raw, reader)
        async with self._alone(session.client_id, writer) as wanted:
            if wanted:
                await self.external_connected(again, StreamWriterAdapter(writer), listener_name)
            else:
                writer.close()

    async def _admitted(self, connect: "_Packet") -> Session:
        """Who comes with this CONNECT. Raises _RefusedError."""
        if connect.body[:7] != b"\x00\x04MQTT\x04":
            raise _RefusedError(_OTHER_VERSION)
        answer = BufferWriter()
        try:
            _, session = await BrokerProtocolHandler.init_from_connect(
                BufferReader(connect.raw), answer, self.plugins_manager
            )
        except (AMQTTError, MQTTError, NoDataError) as error:
            raise _RefusedError(_NOT_AUTHORIZED) from error
        if not await self._authenticate(session, self.listeners_config["default"]):
            raise _RefusedError(_NOT_AUTHORIZED)
        return session

    @contextlib.asynccontextmanager
    async def _alone(
        self, client_id: str | None, writer: asyncio.StreamWriter
    ) -> AsyncIterator[bool]:
        """Wait until the client's connection before this one has ended; False where a newer one came meanwhile.

        amqtt lets both use the one session: the old one's end then made the new one deaf, and forgot what the old one
        had not acknowledged.
        """
        place = self._places.setdefault(client_id, _Place()) if client_id else _Place()
        place.newest = writer
        if place.turn.locked() and client_id in self._sessions:
            _, handler = self._sessions[client_id]
            await handler.handle_connection_closed()
        async with place.turn:
            yield place.newest is writer

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        # On a reconnect amqtt asks this for the subscriptions of everybody, whoever came.
        subscribers = self.subscriptions.get(subscription[0], [])
        if any(subscriber.client_id == session.client_id for subscriber, _ in subscribers):
            await super()._publish_retained_messages_for_subscription(subscription, session)

    async def _stop_handler(self, handler: BrokerProtocolHandler) -> None:
        # amqtt forgets what a client had not acknowledged when it went.
        session = handler.session
        unconfirmed = (
            list(session.inflight_out.values()) if session and not session.clean_session else []
        )
        await super()._stop_handler(handler)
        for message in unconfirmed:
            kept = RetainedApplicationMessage(None, message.topic, message.data, message.qos)
            await session.retained_messages.put(kept)


@dataclass(eq=False)
class _Place:
    """Of one client, whose connections take turns. It lasts as long as somebody has or wants it."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    newest: asyncio.StreamWriter | None = None


class _RefusedError(Exception):
    """`answer`: what the client is told."""

    def __init__(self, answer: bytes) -> None:
        super().__init__(answer)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class _Packet:
    """An MQTT packet as it came, and what is behind its fixed header."""

    raw: bytes
    body: bytes


async def _read_packet(reader: asyncio.StreamReader) -> _Packet:
    """Raises EOFError, OSError, or ValueError for what is no packet, or too long for a CONNECT."""
    header = bytearray(await reader.readexactly(2))
    while header[-1] & 0x80:
        if len(header) == 5:
            raise ValueError("no MQTT packet")
        header += await reader.readexactly(1)
    length = sum((byte & 0x7F) << (7 * place) for place, byte in enumerate(header[1:]))
    if length > MAX_CONNECT_BYTES:
        raise ValueError("too long")
    body = await reader.readexactly(length)
    return _Packet(bytes(header) + body, body)


class _ReadAgain(StreamReaderAdapter):  # type: ignore[misc]  # amqtt is untyped to us
    """A stream whose first bytes were read already."""

    def __init__(self, head: bytes, reader: asyncio.StreamReader) -> None:
        super().__init__(reader)
        self._head = head

    async def read(self, n: int = -1) -> bytes:
        if not self._head:
            return bytes(await super().read(n))
        part, self._head = self._head[:n], self._head[n:]
        return part


def _digest(password: str) -> bytes:
    return hashlib.sha256(password.encode()).digest()
