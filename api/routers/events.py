"""Live events over a WebSocket: sign in by the first message, subscribe, and come back with the last id."""

import asyncio
import contextlib
import time
from typing import Any

import orjson
from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from api import envelope, origins
from api.context import Context
from api.deps import Principal, context_of, identify, is_open
from api.errors import TokenExpiredError, in_words
from api.hub import Subscriber
from api.languages import LANGUAGE, language_of
from api.limits import Buckets
from edge import logs, words
from edge.domain.errors import UnauthenticatedError, UnavailableError
from edge.domain.users import STAFF, Role

router = APIRouter()
log = logs.get("api.events")

AUTH_S = 5.0
SEND_S = 5.0
"""A client that takes nothing for this long, with its buffers full, is dropped."""
CLOSE_S = 0.5
MAX_SOCKETS = 256
MESSAGES_PER_S = 20.0
SESSION_EVERY_S = 1.0
"""How often it is asked whether the session still goes on."""

CHANNELS: dict[str, frozenset[Role]] = {
    "robot": STAFF | {Role.KIOSK},
    "tasks": STAFF | {Role.KIOSK},
    "notifications": STAFF | {Role.STUDENT},
}

GONE = (WebSocketDisconnect, RuntimeError)
"""How Starlette says that the client is gone while something was being sent."""

# Close codes, from the range that is free for applications.
UNAUTHENTICATED, TOO_SLOW, TOO_MANY, NO_SENSE = 4401, 4408, 4429, 4400


@router.websocket("/api/v1/ws")
async def events(socket: WebSocket) -> None:
    robot = context_of(socket)
    LANGUAGE.set(language_of(socket.headers))
    allowed = origins.allowed(robot.settings.api)
    if origins.is_foreign(socket.headers, allowed, scheme=socket.scope["scheme"]):
        await socket.close(1008)
        return
    await socket.accept()
    if len(robot.live.hub) >= MAX_SOCKETS:
        await socket.close(TOO_MANY, "Too many are connected.")
        return
    with contextlib.suppress(WebSocketDisconnect):
        client = _Client(socket, robot)
        if await client.sign_in():
            await client.serve()


class _Client:
    def __init__(self, socket: WebSocket, robot: Context) -> None:
        self._socket = socket
        self._robot = robot
        self._who: Principal | None = None
        self._mine = Subscriber("")

    async def sign_in(self) -> bool:
        """Read the first message; False where the connection was closed because of it."""
        try:
            async with asyncio.timeout(AUTH_S):
                message = await self._receive()
            if message is None or message.get("type") != "auth":
                raise UnauthenticatedError("SIGN_IN_MESSAGE")
            token = message.get("token")
            self._who = identify(self._socket, None if token is None else str(token))
        except TimeoutError:
            return await self._refuse(UnauthenticatedError("SIGN_IN_LATE"))
        except UnauthenticatedError as error:
            return await self._refuse(error)
        self._mine = Subscriber(self._who.id)
        await self._tell("hello", self._greeting(self._who))
        return True

    async def serve(self) -> None:
        hub, metrics = self._robot.live.hub, self._robot.metrics
        hub.join(self._mine)
        metrics.sockets.inc()
        parts = (self._hear(), self._send(), self._watch_session())
        tasks = [asyncio.create_task(one) for one in parts]
        for task in tasks:
            task.add_done_callback(_report)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            hub.leave(self._mine)
            metrics.sockets.dec()
            for task in tasks:
                task.cancel()

    async def _hear(self) -> None:
        budget = Buckets(MESSAGES_PER_S)
        while (message := await self._receive()) is not None:
            # A STOP is never too much.
            if message.get("type") != "emergency_stop" and budget.wait_s("") > 0:
                await self._socket.close(TOO_MANY, "Too many messages.")
                return
            await self._obey(message)
        await self._socket.close(NO_SENSE, "That was no JSON object.")

    async def _watch_session(self) -> None:
        """Until the token is over, or its session was ended; the robot's own screen has neither."""
        while self._who is None or self._who.until is None:
            await asyncio.sleep(3600)
        while (left_s := self._who.until - time.time()) > 0:
            if not is_open(self._robot, self._who.session):
                await self._close(UNAUTHENTICATED, "This session was ended. Sign in again.")
                return
            await asyncio.sleep(min(left_s, SESSION_EVERY_S))
        await self._close(UNAUTHENTICATED, "The access token is over. Use the refresh token.")

    async def _renew(self, message: dict[str, Any]) -> None:
        """A newer token of the same user lets the connection go on for as long as that is good."""
        assert self._who is not None
        try:
            who = identify(self._socket, str(message.get("token")))
        except UnauthenticatedError as error:
            await self._tell("error", {"code": error.code, "message": in_words(error)})
            return
        if (who.id, who.role) != (self._who.id, self._who.role):
            said = words.text("error", "ANOTHER_USER", LANGUAGE.get())
            await self._tell("error", {"code": "FORBIDDEN", "message": said})
            return
        self._who = who
        await self._tell("renewed", {})

    async def _obey(self, message: dict[str, Any]) -> None:
        match message.get("type"):
            case "subscribe":
                self._subscribe(message)
            case "auth":
                await self._renew(message)
            case "ping":
                await self._tell("pong", {})
            case "emergency_stop":
                await self._stop()
            case kind:
                await self._tell("error", {"code": "UNKNOWN_TYPE", "type": str(kind)[:100]})

    def _subscribe(self, message: dict[str, Any]) -> None:
        assert self._who is not None
        asked = message.get("channels")
        names = [str(one)[:50] for one in asked] if isinstance(asked, list) else []
        allowed = frozenset(one for one in names if self._who.role in CHANNELS.get(one, ()))
        hub, new = self._robot.live.hub, allowed - self._mine.channels
        self._mine.channels |= allowed
        refused = {
            name: "FORBIDDEN" if name in CHANNELS else "NOT_FOUND"
            for name in names
            if name not in allowed
        }
        self._mine.happened(
            _control("subscribed", {"channels": sorted(self._mine.channels), "refused": refused})
        )
        last_id = message.get("last_id")
        if isinstance(last_id, int):
            missed = hub.missed(self._mine, last_id)
            for text in [hub.resync()] if missed is None else missed:
                self._mine.happened(text)
        for key, text in hub.newest(new):
            self._mine.shown(key, text)

    async def _stop(self) -> None:
        assert self._who is not None
        try:
            receipt = await self._robot.stopper.stop(self._who.id, self._who.role)
        except UnavailableError as error:
            await self._tell("stop_failed", {"code": error.code, "message": in_words(error)})
        else:
            await self._tell("stopped", {"event_id": receipt.event_id, "joined": receipt.joined})

    async def _send(self) -> None:
        """Everything that waits for this client, until it is gone or too slow."""
        while not self._mine.too_slow:
            waiting = await self._mine.next()
            try:
                async with asyncio.timeout(SEND_S):
                    for text in waiting:
                        await self._socket.send_text(text)
            except TimeoutError:
                self._mine.too_slow = True
        self._robot.metrics.dropped.inc()
        await self._close(TOO_SLOW, "Too slow; come back with your last id.")

    async def _close(self, code: int, reason: str) -> None:
        with contextlib.suppress(TimeoutError):  # a client that takes nothing does not take this
            async with asyncio.timeout(CLOSE_S):
                await self._socket.close(code, reason)

    async def _receive(self) -> dict[str, Any] | None:
        """The next message; None where it is no JSON object. Raises WebSocketDisconnect."""
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        try:
            found = orjson.loads(message.get("text") or message.get("bytes") or b"")
        except orjson.JSONDecodeError:
            return None
        return found if isinstance(found, dict) else None

    def _greeting(self, who: Principal) -> dict[str, Any]:
        return {
            "protocol": 1,
            "boot_id": self._robot.boot_id,
            "robot_id": self._robot.settings.robot.id,
            "role": who.role,
            "last_id": self._robot.live.hub.last_id,
        }

    async def _refuse(self, error: UnauthenticatedError) -> bool:
        code = "TOKEN_EXPIRED" if isinstance(error, TokenExpiredError) else error.code
        await self._tell("error", {"code": code, "message": in_words(error)})
        await self._socket.close(UNAUTHENTICATED, error.message)
        return False

    async def _tell(self, kind: str, data: dict[str, Any]) -> None:
        await self._socket.send_text(_control(kind, data))


def _report(task: asyncio.Task[None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, GONE):
        log.error("a live connection failed", error=repr(error))


def _control(kind: str, data: dict[str, Any]) -> str:
    """A message of the connection itself: on no channel, and without an id."""
    return orjson.dumps(
        {"type": kind, "channel": None, "id": None, "at": envelope.now(), "data": data}
    ).decode()
