"""Which web pages may use this API from a browser, and which names this robot answers to."""

import functools
import ipaddress
import socket
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from edge.settings import Api


def allowed(settings: Api) -> frozenset[str]:
    """The origins of other pages that may use this robot, exactly as a browser names them."""
    return frozenset(settings.allowed_origins.split())


def is_foreign(
    headers: Headers, allowed: frozenset[str] = frozenset(), *, scheme: str = "http"
) -> bool:
    """Whether a browser sends this for a page of another site that is not `allowed`. What is no browser sends no
    Origin.

    The Host has to be a name of ours too: an attacker's name that resolves to this robot is same-origin to itself. And
    what came by HTTPS (`scheme`) is not for a page that came without: anybody on the way may have written that.
    """
    origin = headers.get("origin")
    if origin is None or origin in allowed:
        return False
    host, page = headers.get("host", ""), urlsplit(origin)
    in_plain = scheme in ("https", "wss") and page.scheme != "https"
    return in_plain or page.netloc.lower() != host.lower() or not is_ours(host)


def is_ours(host: str) -> bool:
    """Whether `host` (with or without a port) is an address or a name of this machine, not somebody's domain."""
    name = (urlsplit(f"//{host}").hostname or "").lower()
    return name in _names() or _address(name) is not None


def at_robot(connection: HTTPConnection) -> bool:
    """Whether the peer sits at the robot: its socket's address is loopback. No header is ever asked."""
    return connection.client is not None and is_loopback(connection.client.host)


@functools.lru_cache(maxsize=1024)
def is_loopback(host: str) -> bool:
    address = _address(host)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address is not None and address.is_loopback


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


@functools.cache
def _names() -> frozenset[str]:
    own = socket.gethostname().lower()
    return frozenset({"localhost", own, f"{own}.local"})
