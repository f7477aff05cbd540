"""HTTPS of the real process, asked by clients that trust the robot's own authority and nothing else."""

import contextlib
import json
import os
import socket
import ssl
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import expect
from websockets.sync.client import connect

from api.patience import HEAD_S
from edge import certificates, doctor
from edge.domain.users import SYSTEM
from edge.services import places
from edge.store.database import Database
from tests.support.api_process import ApiProcess, Ros, api_process
from tests.support.browser import chromium, needs_chromium
from tests.support.gates import gate
from tests.support.ports import free_port
from tests.support.served import LANES, SITE, add_people, make_data_dir

STOP = "/api/v1/robot/emergency-stop"


@pytest.fixture
def robot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory with HTTPS switched on, for every network that this machine is in."""
    monkeypatch.setattr(certificates, "CLOCK_WAS_SET", datetime(2000, 1, 1, tzinfo=UTC))
    monkeypatch.setenv("LUNA_API__TLS", "true")
    monkeypatch.setenv("LUNA_API__TLS_PORT", str(free_port()))
    settings = make_data_dir(tmp_path)
    with contextlib.closing(Database.open(settings.store_path)) as store:
        store.write(SYSTEM, lambda tx: places.load_site(tx, SITE, LANES))
        add_people(store)
    return tmp_path


def certify(robot: Path, *, days_ago: float = 0) -> None:
    now = datetime.now(UTC) - timedelta(days=days_ago)
    addresses = certificates.own_addresses()
    certificates.init(robot, ["luna-test", "localhost"], addresses, now, force=True)


@contextlib.contextmanager
def running(robot: Path) -> Iterator[ApiProcess]:
    with gate(robot), contextlib.closing(Ros(robot)), api_process(robot) as api:
        api.wait_until_told("READY=1")
        yield api


def trust(robot: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=robot / "tls" / "ca.crt")


def port() -> int:
    return int(os.environ["LUNA_API__TLS_PORT"])


def https(robot: Path) -> httpx2.Client:
    return httpx2.Client(base_url=f"https://localhost:{port()}", verify=trust(robot), timeout=10)


def tls_part(answer: httpx2.Response) -> Any:
    """Of /ready, also where another part is down for a moment."""
    said = answer.json()
    return (said["data"] if answer.is_success else said["error"]["details"])["parts"]["tls"]


def test_everything_works_by_https_for_who_trusts_the_robot(robot: Path) -> None:
    certify(robot)
    with running(robot) as api, https(robot) as client:
        assert tls_part(client.get("/ready")) == {"status": "ok", "reason": ""}
        assert client.get("/ca.crt").content == (robot / "tls" / "ca.crt").read_bytes()
        stopped = client.post(STOP, headers={"Origin": f"https://localhost:{port()}"})
        assert stopped.status_code == 200, stopped.text
        with connect(f"wss://localhost:{port()}/api/v1/ws", ssl=trust(robot)) as live:
            live.send('{"type": "auth"}')
            assert json.loads(live.recv())["type"] == "hello"
        in_plain = client.post(STOP, headers={"Origin": f"http://localhost:{port()}"})
        assert in_plain.status_code == 403  # anybody on the way may have written that page
        with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx2.get(f"https://localhost:{port()}/health", timeout=10)
        finding = doctor.https(robot)
        assert finding.verdict is doctor.Verdict.OK and finding.found.endswith("the API answers")
        with pytest.raises(ssl.SSLError):
            speak_tls_1_1()
        assert api.end() == 0


def speak_tls_1_1() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore"):  # that it is old
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("localhost", port()), timeout=10) as connection:
        context.wrap_socket(connection)


def test_no_network_hears_it_in_plain_and_the_screen_stops_it_all_the_same(
    robot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = next((one for one in certificates.own_addresses()[2:] if one.version == 4), None)
    if elsewhere is None:
        pytest.skip("this machine is in no network")
    monkeypatch.setenv("LUNA_API__HOST", "0.0.0.0")
    certify(robot)
    with running(robot) as api:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((str(elsewhere), api.port), timeout=10)
        form = {
            "Origin": api.url,
            "Accept": "text/html",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        assert httpx2.post(f"{api.url}{STOP}", headers=form, timeout=10).status_code == 200
        with httpx2.Client(
            base_url=f"https://{elsewhere}:{port()}", verify=trust(robot), timeout=10
        ) as client:
            assert "max-age" in client.get("/health").headers["Strict-Transport-Security"]
            assert client.get("/api/v1/books").status_code == 401
        assert (
            "Strict-Transport-Security" not in httpx2.get(f"{api.url}/health", timeout=10).headers
        )


def test_a_certificate_that_ends_soon_renews_itself(robot: Path) -> None:
    certify(robot, days_ago=380)
    before = certificates.examine(robot)
    with running(robot):
        assert _shown(robot) > before.ends + timedelta(days=300)


def _shown(robot: Path) -> datetime:
    """The end of the certificate that the API shows now."""
    with (
        socket.create_connection(("localhost", port()), timeout=10) as connection,
        trust(robot).wrap_socket(connection, server_hostname="localhost") as secure,
    ):
        ends = dict(secure.getpeercert() or {})["notAfter"]
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(ends)), UTC)


@pytest.mark.parametrize("harm", ["none", "rubbish", "expired"])
def test_without_a_good_certificate_the_screen_works_and_is_told_why(
    robot: Path, harm: str
) -> None:
    said = {"none": "luna tls init", "rubbish": "no certificate in PEM", "expired": "ended on"}[
        harm
    ]
    if harm != "none":
        certify(robot, days_ago=400 if harm == "expired" else 0)
    if harm == "rubbish":
        (robot / "tls" / "server.pem").write_text("rubbish")
    if harm == "expired":  # as one by somebody else, whom only they can renew
        (robot / "tls" / "ca.key").unlink()
    with running(robot) as api:
        tls = tls_part(httpx2.get(f"{api.url}/ready", timeout=10))
        assert tls["status"] == "degraded" and said in tls["reason"]
        assert httpx2.post(f"{api.url}{STOP}", timeout=10).status_code == 200
        assert doctor.https(robot).verdict is doctor.Verdict.FAIL


def test_who_never_finishes_the_handshake_is_dropped_and_holds_up_no_stop(robot: Path) -> None:
    certify(robot)
    with running(robot) as api, contextlib.ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(socket.create_connection(("localhost", port()), timeout=HEAD_S))
        for _ in range(10):
            assert httpx2.post(f"{api.url}{STOP}", timeout=HEAD_S / 2).status_code == 200


@needs_chromium
def test_a_browser_shows_the_live_page_by_https(robot: Path) -> None:
    certify(robot)
    with running(robot), chromium() as browser:
        context = browser.new_context(ignore_https_errors=True)
        page = context.new_page()
        page.goto(f"https://localhost:{port()}/")
        expect(page.locator("body")).to_have_attribute("data-link", "live")
        page.locator("#stop-button").click()
        expect(page.locator("#stop-label")).to_have_text("STOPPED")
