"""The live page in a real browser: it shows the robot, and its STOP works, without JavaScript too."""

import contextlib
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from edge.domain.users import SYSTEM
from edge.services import places
from edge.store.database import Database
from tests.support.api_process import ApiProcess, Ros, api_process
from tests.support.gates import end_stop, gate
from tests.support.served import LANES, SITE, make_data_dir

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

LIVE_MS = 8000


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("page")
    settings = make_data_dir(directory)
    with contextlib.closing(Database.open(settings.store_path)) as store:
        store.write(SYSTEM, lambda tx: places.load_site(tx, SITE, LANES))
    return directory


@pytest.fixture(scope="module")
def gate_process(data_dir: Path) -> Iterator[subprocess.Popen[bytes]]:
    with gate(data_dir) as process:
        yield process


@pytest.fixture(scope="module")
def api(data_dir: Path, gate_process: subprocess.Popen[bytes]) -> Iterator[ApiProcess]:
    with contextlib.closing(Ros(data_dir)), api_process(data_dir) as one:
        one.wait_until_told("READY=1")
        yield one


@pytest.fixture(autouse=True)
def no_stop_is_left(data_dir: Path, gate_process: subprocess.Popen[bytes]) -> Iterator[None]:
    yield
    gate_process.send_signal(signal.SIGCONT)
    end_stop(data_dir)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, api: ApiProcess) -> Iterator[Page]:
    """The robot's own page, live, without an error on its console."""
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(api.url)
    expect(page.locator("body")).to_have_attribute("data-link", "live", timeout=LIVE_MS)
    yield page
    page.close()
    assert errors == []


def test_it_shows_the_robot_on_its_map(page: Page) -> None:
    expect(page.locator("#robot")).to_be_visible()
    expect(page.locator("#places text")).to_have_count(4)
    expect(page.locator("#walls")).to_have_attribute("href", re.compile("^data:image/png"))
    expect(page.locator("#place")).to_have_text("Dock")


def test_stop_is_confirmed_by_the_gate(page: Page) -> None:
    page.locator("#stop-button").click()
    expect(page.locator("#stop-label")).to_have_text("STOPPED")
    expect(page.locator("#headline")).to_have_text("Stopped")


def test_the_keyboard_stops_it_too(page: Page) -> None:
    page.locator("#stop-button").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#stop-label")).to_have_text("STOPPED")
    assert page.url.endswith("/")


def test_a_stop_that_is_not_confirmed_says_so(
    page: Page, gate_process: subprocess.Popen[bytes]
) -> None:
    gate_process.send_signal(signal.SIGSTOP)
    try:
        page.locator("#stop-button").click()
        expect(page.locator("#stop-label")).to_have_text("STOP NOT CONFIRMED")
        expect(page.locator("#stop-note")).to_contain_text("red button")
    finally:
        gate_process.send_signal(signal.SIGCONT)
    expect(page.locator("#stop-label")).to_have_text("STOPPED")


def test_a_frozen_server_is_seen_and_a_stop_still_comes_through(
    page: Page, api: ApiProcess
) -> None:
    api.process.send_signal(signal.SIGSTOP)
    try:
        expect(page.locator("body")).to_have_attribute("data-link", "lost", timeout=2500)
        expect(page.locator("#stop-note")).to_contain_text("red button")
        page.locator("#stop-button").click()
        expect(page.locator("#stop-label")).to_have_text("STOP NOT CONFIRMED", timeout=4000)
    finally:
        api.process.send_signal(signal.SIGCONT)
    expect(page.locator("#stop-label")).to_have_text("STOPPED", timeout=LIVE_MS)


def test_without_javascript_stop_is_a_form(browser: Browser, api: ApiProcess) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(api.url)
    page.locator("#stop-button").click()
    expect(page.locator("h1")).to_contain_text("is stopped")
    context.close()


def test_nothing_comes_from_elsewhere(browser: Browser, api: ApiProcess) -> None:
    page, asked = browser.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(api.url)
    expect(page.locator("body")).to_have_attribute("data-link", "live", timeout=LIVE_MS)
    page.close()
    assert asked
    assert all(url.startswith((api.url, "data:")) for url in asked)
