"""Which pages may act, and who stands at the robot."""

import socket

import pytest
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from api import origins


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "anything.example"),
        ("http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("http://localhost:8080", "localhost:8080"),
        ("http://[::1]:8080", "[::1]:8080"),
        ("https://192.168.1.4", "192.168.1.4"),
        (f"http://{socket.gethostname()}", socket.gethostname()),
    ],
)
def test_our_own_pages_and_programs_may_act(origin: str | None, host: str) -> None:
    headers = {"host": host} | ({"origin": origin} if origin else {})
    assert not origins.is_foreign(Headers(headers))


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.example", "127.0.0.1:8080"),
        ("http://127.0.0.1:9999", "127.0.0.1:8080"),
        ("null", "127.0.0.1:8080"),
        ("", "127.0.0.1:8080"),
        ("http://evil.example:8080", "evil.example:8080"),
        ("http://127.0.0.1.evil.example", "127.0.0.1.evil.example"),
        ("http://localhost", ""),
    ],
)
def test_other_pages_may_not(origin: str, host: str) -> None:
    """The fifth is a name of theirs that they let point to us: same-origin in the browser's eyes."""
    assert origins.is_foreign(Headers({"origin": origin, "host": host}))


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("192.0.2.7", False),
        ("::ffff:192.0.2.7", False),
        ("10.0.0.1", False),
        ("testclient", False),
    ],
)
def test_the_peers_address_says_who_stands_at_the_robot(peer: str, expected: bool) -> None:
    headers = [(b"x-forwarded-for", b"127.0.0.1"), (b"forwarded", b"for=127.0.0.1")]
    scope = {"type": "http", "client": (peer, 1), "headers": headers}
    assert origins.at_robot(HTTPConnection(scope)) is expected


def test_a_peer_without_an_address_stands_elsewhere() -> None:
    assert not origins.at_robot(HTTPConnection({"type": "http", "client": None, "headers": []}))
