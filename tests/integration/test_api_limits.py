"""What one client may ask, send and take its time for; and what pages of other sites may do."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.testclient import WebSocketTestSession
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from api import limits, patience
from api.limits import limited
from api.patience import PatientProtocol
from api.routers import events
from edge.domain.users import SYSTEM, Role
from edge.services import sessions
from tests.support.served import ELSEWHERE, SCREEN, Served, served

WS = "ws://127.0.0.1/api/v1/ws"
STOP = "/api/v1/robot/emergency-stop"
PAGE = "https://page.example"
PATIENCE_S = 20.0
"""For what has no deadline of its own."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = Path(tmp_path_factory.mktemp("library"))
    with served(folder, {"allowed_origins": f"{PAGE} https://other.example"}) as one:
        yield one


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


# ---- How much


@pytest.fixture
def budgets_stay_spent(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the test takes, meanwhile nobody may ask anything more."""
    monkeypatch.setattr(limits, "time", SimpleNamespace(monotonic=lambda: 100.0))


@pytest.mark.usefixtures("budgets_stay_spent")
def test_who_asks_too_much_waits_but_never_for_stop(tmp_path: Path) -> None:
    with served(tmp_path, {"requests_per_s": 2.0}) as library:
        student = library.asked_by("student")
        answers = [student.get("/health") for _ in range(12)]
        assert code(answers[-1]) == (429, "RATE_LIMITED")
        assert int(answers[-1].headers["Retry-After"]) == 1
        # 503, for there is no gate in this test: it was asked.
        assert {student.post(STOP).status_code for _ in range(20)} == {503}
        reset = student.post(f"{STOP}/reset", json={"event_id": "x"})
        assert reset.status_code == 429
        screen = library.asked_by(at=SCREEN)
        assert {screen.get("/health").status_code for _ in range(20)} == {200}


@pytest.mark.usefixtures("budgets_stay_spent")
def test_passwords_are_tried_a_few_times_a_minute(tmp_path: Path) -> None:
    with served(tmp_path, {"sign_ins_per_min": 3.0}) as library:
        client = library.asked_by()
        wrong = {"email": "nobody@example.org", "password": "x"}
        answers = [client.post("/api/v1/auth/login", json=wrong) for _ in range(4)]
        assert [one.status_code for one in answers] == [401, 401, 401, 429]
        assert client.get("/health").status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/auth/login", "/api/v1/books", "/api/v1/requests"])
def test_ten_megabytes_are_refused_before_they_are_there(library: Served, path: str) -> None:
    librarian = library.asked_by("librarian")
    before = library.database.data_version()
    answer = librarian.post(path, content=b"x" * 10_000_000)
    assert code(answer) == (413, "PAYLOAD_TOO_LARGE")
    assert library.database.data_version() == before


def test_a_socket_that_says_too_much_is_closed_but_not_for_stops(library: Served) -> None:
    with opened(library, "student") as ws:
        for _ in range(100):
            ws.send_json({"type": "emergency_stop"})
        for _ in range(100):
            assert ws.receive_json()["type"] == "stop_failed"
        for _ in range(200):
            ws.send_json({"type": "ping"})
        assert closed(ws) == 4429


# ---- For how long


@contextlib.contextmanager
def opened(
    library: Served, name: str, token: str | None = None, **headers: str
) -> Iterator[WebSocketTestSession]:
    client = library.asked_by(name)
    sent = token or client.headers["Authorization"].removeprefix("Bearer ")
    with client.websocket_connect(WS, headers=headers) as ws:
        ws.send_json({"type": "auth", "token": sent})
        assert ws.receive_json()["type"] == "hello"
        yield ws


def closed(ws: WebSocketTestSession) -> int:
    """The code that the server closes it with; what it says before is passed over."""
    with pytest.raises(WebSocketDisconnect) as ended:
        while True:
            ws.receive_json()
    return ended.value.code


def new_token(library: Served, name: str, life_s: int) -> tuple[str, str]:
    """An access token of a new session, and the refresh token."""
    user_id = library.people[name]
    refresh = library.database.write(
        SYSTEM, lambda tx: sessions.open_family(tx, user_id, lifetime_s=600)
    )
    family = library.database.read(lambda reader: sessions.family(reader, refresh)) or ""
    role = {"student": Role.STUDENT, "other": Role.STUDENT, "librarian": Role.LIBRARIAN}[name]
    tokens = library.app.state.context.tokens
    return tokens.issue(user_id, role, family, life_s=life_s), refresh


class Clock:
    """The time as live connections see it, which a test moves on."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def time(self) -> float:
        return time.time() + self.ahead_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Live connections look at it, and after their session, far more often."""
    found = Clock()
    monkeypatch.setattr(events, "time", found)
    monkeypatch.setattr(events, "SESSION_EVERY_S", 0.02)
    return found


def test_a_socket_ends_with_its_token(library: Served, clock: Clock) -> None:
    token, _ = new_token(library, "librarian", 60)
    with opened(library, "librarian", token) as ws:
        clock.ahead_s = 61.0
        assert closed(ws) == 4401


def test_a_newer_token_of_the_same_user_keeps_it_open(library: Served, clock: Clock) -> None:
    token, _ = new_token(library, "librarian", 60)
    with opened(library, "librarian", token) as ws:
        for name, life_s, told in (("student", 300, "error"), ("librarian", 300, "renewed")):
            ws.send_json({"type": "auth", "token": new_token(library, name, life_s)[0]})
            assert ws.receive_json()["type"] == told
        clock.ahead_s = 61.0
        for _ in range(10):
            ws.send_json({"type": "ping"})
            assert ws.receive_json()["type"] == "pong"
            time.sleep(2 * events.SESSION_EVERY_S)  # it has looked meanwhile


@pytest.mark.parametrize("how", ["signed out", "stolen"])
def test_a_socket_ends_with_its_session(library: Served, how: str) -> None:
    token, refresh = new_token(library, "librarian", 600)
    client = library.asked_by()
    with opened(library, "librarian", token) as ws:
        body = {"refresh_token": refresh}
        if how == "signed out":
            headers = {"Authorization": f"Bearer {token}"}
            assert client.post("/api/v1/auth/logout", json=body, headers=headers).is_success
        else:  # the same refresh token twice: somebody has a copy
            assert client.post("/api/v1/auth/refresh", json=body).status_code == 200
            assert client.post("/api/v1/auth/refresh", json=body).status_code == 401
        assert closed(ws) == 4401


@contextlib.contextmanager
def listening() -> Iterator[int]:
    """An application that reads bodies, behind our protocol; its port."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        patient = limited(receive, scope)
        status = 200
        try:
            while (await patient()).get("more_body"):
                pass
        except Exception as error:
            status = getattr(error, "status_code", 500)
        await PlainTextResponse("", status)(scope, receive, send)

    config = uvicorn.Config(
        application, port=0, http=PatientProtocol, lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    listener = config.bind_socket()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    deadline = time.monotonic() + PATIENCE_S
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


def until_closed(port: int, sent: bytes) -> tuple[bytes, float]:
    """What is answered until the server closes, and how many seconds that took."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as client:
        told = b""
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            client.sendall(sent)
            while part := client.recv(4096):
                told += part
                if b"\r\n\r\n" in told:
                    break
    return told, time.monotonic() - began


def test_a_slow_client_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as port:
        head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n"
        assert until_closed(port, head + b"x" * 100)[0].startswith(b"HTTP/1.1 200")
        with monkeypatch.context() as patch:
            patch.setattr(patience, "HEAD_S", 0.3)
            for sent in (b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "):
                told, took_s = until_closed(port, sent)
                assert told == b"" and took_s > 0.2
        monkeypatch.setattr(limits, "BODY_S", 0.3)
        told, took_s = until_closed(port, head + b"x")
        assert told.startswith(b"HTTP/1.1 400") and took_s > 0.2


def test_a_head_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "HEAD_S", 2 * PATIENCE_S)
    with listening() as port:
        lines = b"".join(b"X-%d: %s\r\n" % (n, b"x" * 500) for n in range(100))
        assert until_closed(port, b"GET / HTTP/1.1\r\nHost: a\r\n" + lines)[0] == b""


# ---- Other pages


def test_a_page_of_an_allowed_origin_may_use_the_robot(library: Served) -> None:
    librarian = library.asked_by("librarian")
    headers = {"Origin": PAGE}
    asked = {**headers, "Access-Control-Request-Method": "PUT"}
    before = librarian.options("/api/v1/auth/me", headers=asked)
    assert before.status_code == 204
    assert before.headers["Access-Control-Allow-Origin"] == PAGE
    assert "If-Match" in before.headers["Access-Control-Allow-Headers"]
    done = librarian.post("/api/v1/robot/pause", headers=headers)
    assert done.status_code == 200
    assert done.headers["Access-Control-Allow-Origin"] == PAGE
    assert "Origin" in done.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in done.headers
    with opened(library, "librarian", Origin=PAGE):
        pass


@pytest.mark.parametrize(
    "origin",
    [
        "http://page.example",
        "https://page.example/",
        "https://page.example:444",
        "https://page.example.evil.example",
        "https://evilpage.example",
        "https://PAGE.example",
        "null",
        "",
    ],
)
def test_nearly_that_origin_is_another(library: Served, origin: str) -> None:
    librarian, headers = library.asked_by("librarian"), {"Origin": origin}
    before = library.database.data_version()
    assert code(librarian.post("/api/v1/robot/resume", headers=headers)) == (403, "FORBIDDEN")
    asked = {**headers, "Access-Control-Request-Method": "PUT"}
    for answer in (
        librarian.get("/health", headers=headers),
        librarian.options("/api/v1/auth/me", headers=asked),
    ):
        assert "Access-Control-Allow-Origin" not in answer.headers
    with pytest.raises(WebSocketDisconnect), opened(library, "librarian", Origin=origin):
        pass
    assert library.database.data_version() == before


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/health"),
        ("GET", "/"),
        ("GET", "/ui/luna.css"),
        ("GET", "/nowhere"),
        ("GET", "/api/v1/auth/me"),
        ("PUT", "/health"),
        ("POST", "/api/v1/auth/login"),
        ("POST", STOP),
    ],
)
def test_every_answer_has_the_headers_that_keep_browsers_careful(
    library: Served, method: str, path: str
) -> None:
    headers = library.asked_by(at=SCREEN).request(method, path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] in ("no-referrer", "same-origin")
    assert "Server" not in headers


# ---- At the robot


def test_back_into_service_only_at_the_robot(library: Served) -> None:
    path = "/api/v1/robot/maintenance"
    elsewhere = library.asked_by("librarian", at=ELSEWHERE)
    at_robot = library.asked_by("librarian", at=SCREEN)
    assert elsewhere.post(path, json={"enabled": True}).json()["data"]["maintenance"] is True
    assert code(elsewhere.post(path, json={"enabled": False})) == (403, "FORBIDDEN")
    assert at_robot.post(path, json={"enabled": False}).json()["data"]["maintenance"] is False
