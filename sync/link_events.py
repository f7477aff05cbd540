"""What goes into a link to the broker and what comes out of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Publication:
    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """`subscriptions` are (filter, QoS). `client_id` also names the session that the broker keeps for us.

    Without `keep_session` the broker forgets us when the connection ends, and what was on its way.
    """

    host: str
    port: int
    client_id: str
    username: str
    password: str = field(repr=False)
    keepalive_s: int = 10
    will: Publication | None = None
    subscriptions: Sequence[tuple[str, int]] = ()
    keep_session: bool = True


@dataclass(frozen=True, slots=True)
class Connected:
    """Logged in and subscribed. `session_present`: the broker knew us."""

    session_present: bool


@dataclass(frozen=True, slots=True)
class Disconnected:
    reason: str


@dataclass(frozen=True, slots=True)
class Received:
    """A message. With QoS 1 the broker keeps it for us until `done` is called: after the commit, not before."""

    topic: str
    payload: bytes
    retained: bool
    done: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Refused:
    """The broker did not take what we published, or did not grant what we asked for."""

    what: str
    reason: str


LinkEvent = Connected | Disconnected | Received | Refused
