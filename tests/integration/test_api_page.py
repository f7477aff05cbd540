"""The live page in a real browser: it shows the robot, and its STOP works, without JavaScript too."""

import contextlib
import json
import math
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from edge.domain.tasks import TaskType
from edge.domain.users import SYSTEM
from edge.domain.waypoints import WaypointKind
from edge.services import places, tasks
from edge.store.database import Database
from tests.support.api_process import ApiProcess, Ros, api_process
from tests.support.browser import chromium, needs_chromium
from tests.support.gates import end_stop, gate
from tests.support.served import LANES, PIN, SITE, add_people, make_data_dir

pytestmark = needs_chromium

FLOOR = b"P5\n200 160\n255\n" + bytes([254] * 200 * 160)
"""10 m by 8 m of floor, from (-1, -2) on."""


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("page")
    settings = make_data_dir(directory)
    with contextlib.closing(Database.open(settings.store_path)) as store:
        store.write(SYSTEM, lambda tx: places.load_site(tx, SITE, LANES))
        add_people(store)
    (directory / "map" / "map.pgm").write_bytes(FLOOR)
    (directory / "settings.toml").write_text('[library]\ntime_zone = "Europe/Berlin"\n')
    return directory


@pytest.fixture(scope="module")
def gate_process(data_dir: Path) -> Iterator[subprocess.Popen[bytes]]:
    with gate(data_dir) as process:
        yield process


@pytest.fixture(scope="module")
def ros(data_dir: Path) -> Iterator[Ros]:
    with contextlib.closing(Ros(data_dir)) as one:
        yield one


@pytest.fixture(scope="module")
def api(data_dir: Path, gate_process: subprocess.Popen[bytes], ros: Ros) -> Iterator[ApiProcess]:
    with api_process(data_dir) as one:
        one.wait_until_told("READY=1")
        yield one


@pytest.fixture(autouse=True)
def nothing_is_wrong(ros: Ros) -> Iterator[None]:
    yield
    ros.localised, ros.navigation = True, {}


@pytest.fixture(autouse=True)
def no_stop_is_left(data_dir: Path, gate_process: subprocess.Popen[bytes]) -> Iterator[None]:
    yield
    gate_process.send_signal(signal.SIGCONT)
    end_stop(data_dir)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


@pytest.fixture
def page(browser: Browser, api: ApiProcess) -> Iterator[Page]:
    """The robot's own page, live, without an error on its console."""
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(api.url)
    expect(page.locator("body")).to_have_attribute("data-link", "live")
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
        expect(page.locator("body")).to_have_attribute("data-link", "lost")
        expect(page.locator("#stop-note")).to_contain_text("red button")
        page.locator("#stop-button").click()
        expect(page.locator("#stop-label")).to_have_text("STOP NOT CONFIRMED")
    finally:
        api.process.send_signal(signal.SIGCONT)
    expect(page.locator("#stop-label")).to_have_text("STOPPED")


def drive(state: str, reason: str = "NONE") -> dict[str, object]:
    left = {"distance_left_m": 7.6, "time_left_s": 20.0}
    return {"state": state, "waypoint": "R1", "reason": reason, **left}


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("DRIVING", "Driving to Study room 1, 8 m to go"),
        ("WAITING", "Waiting a moment"),
        ("AROUND", "Going round something"),
        ("REPLANNING", "Looking for another way"),
    ],
)
def test_it_says_in_plain_words_what_its_drive_is_at(
    page: Page, ros: Ros, state: str, said: str
) -> None:
    ros.navigation = drive(state)
    expect(page.locator("#headline")).to_contain_text(said)
    expect(page.locator("#headline")).to_contain_text("Study room 1")
    expect(page.locator("#ask")).to_be_hidden()


def test_the_queue_says_when_each_delivery_will_be_there(page: Page, data_dir: Path) -> None:
    codes = [place.location_code for place in SITE if place.kind is WaypointKind.ROOM]
    with contextlib.closing(Database.open(data_dir / "luna.db")) as store:
        task = store.write(
            SYSTEM,
            lambda tx: tasks.create_transfer(
                tx,
                task_type=TaskType.TRANSFER,
                source_location=codes[0],
                destination_location=codes[0],
            ),
        )
        expect(page.locator("#queue .step")).to_have_text(
            re.compile(r"^waiting, there about \d\d:\d\d")
        )
        store.write(SYSTEM, lambda tx: tasks.cancel(tx, task.id))
    expect(page.locator("#queue .step")).to_have_count(0)


def queued(data_dir: Path, not_before: str | None = None) -> Callable[[], None]:
    """A delivery in the queue; what takes it back."""
    with contextlib.closing(Database.open(data_dir / "luna.db")) as store:
        task = store.write(
            SYSTEM,
            lambda tx: tasks.create_transfer(
                tx,
                task_type=TaskType.TRANSFER,
                source_location="DESK1",
                destination_location="R1",
                not_before=not_before,
            ),
        )

    def cancel() -> None:
        with contextlib.closing(Database.open(data_dir / "luna.db")) as store:
            store.write(SYSTEM, lambda tx: tasks.cancel(tx, task.id))

    return cancel


GERMAN = "Deutsch"


def test_the_language_is_the_browsers_first(browser: Browser, api: ApiProcess) -> None:
    with contextlib.closing(browser.new_context(locale="de-AT")) as context:
        page = context.new_page()
        page.goto(api.url)
        expect(page.locator("html")).to_have_attribute("lang", "de")
        expect(page.locator("#stop-label")).to_have_text("STOPP")
        expect(page.locator("#headline")).to_have_text("Frei")


def test_another_language_is_one_press_away_and_remembered(
    page: Page, data_dir: Path, ros: Ros
) -> None:
    cancel = queued(data_dir)
    expect(page.locator("#queue .step")).to_contain_text("waiting, there about")
    page.get_by_role("link", name=GERMAN).click()
    expect(page.locator("#queue .step")).to_contain_text("wartet, dort gegen")
    expect(page.locator("#now")).to_have_text("Jetzt")
    expect(page.locator("#doing")).to_have_text("Frei")
    expect(page.locator("#stop-label")).to_have_text("STOPP")
    expect(page.locator("#floor")).to_have_attribute("aria-label", "Karte")
    cancel()
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    ros.navigation = drive("IDLE", "BLOCKED")
    expect(page.locator("#drive-note")).to_contain_text("Räumen Sie den Gang frei")
    page.get_by_role("link", name="English").click()
    expect(page.locator("#drive-note")).to_contain_text("Clear the aisle")


def test_what_the_robot_refuses_is_said_in_the_language_that_was_chosen(
    page: Page, ros: Ros
) -> None:
    page.get_by_role("link", name=GERMAN).click()
    ros.localised = False
    page.locator("#tell-place").click()
    page.locator("#staff [name=login]").fill("nobody@example.org")
    page.locator("#staff [name=pin]").fill("1357")
    page.locator("#staff button").click()
    expect(page.locator("#lost-note")).to_contain_text("Name, Passwort oder PIN stimmt nicht.")


def test_a_language_that_does_not_come_leaves_the_page_and_its_stop_as_they_are(page: Page) -> None:
    page.route("**/ui/words-*.json", lambda route: route.abort())
    page.get_by_role("link", name=GERMAN).click()
    page.locator("#stop-button").click()
    expect(page.locator("#stop-label")).to_have_text("STOPPED")
    assert page.locator("html").get_attribute("lang") == "en"


OVERFLOWS = """() => [...document.querySelectorAll("body *")].filter((node) => {
  const style = getComputedStyle(node), box = node.getBoundingClientRect();
  if (node.closest("svg") || !node.offsetParent) return false;
  return box.right > innerWidth + 1 || (style.display === "block" && node.scrollWidth > node.clientWidth + 1);
}).map((node) => `${node.tagName}#${node.id}: ${node.textContent.trim().slice(0, 40)}`)"""


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("language", ["en", "de"])
def test_nothing_overflows_however_long_the_words_are(
    browser: Browser, api: ApiProcess, ros: Ros, language: str, width: int
) -> None:
    with contextlib.closing(browser.new_context(locale=language)) as context:
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(api.url)
        expect(page.locator("body")).to_have_attribute("data-link", "live")
        ros.navigation = drive("REPLANNING")
        expect(page.locator("#headline")).to_contain_text("Study room 1")
        assert page.evaluate(OVERFLOWS) == []
        page.locator("#stop-button").click()
        expect(page.locator("body")).to_have_attribute("data-stop", "stopped")
        assert page.evaluate(OVERFLOWS) == []


@pytest.mark.parametrize("reader", ["America/New_York", "Asia/Tokyo"])
def test_times_are_the_librarys_wherever_the_reader_is(
    browser: Browser, api: ApiProcess, data_dir: Path, reader: str
) -> None:
    cancel = queued(data_dir, "2099-07-01T07:30:00Z")
    with contextlib.closing(browser.new_context(locale="de", timezone_id=reader)) as context:
        page = context.new_page()
        page.goto(api.url)
        step = page.locator("#queue .step")
        expect(step).to_have_text("wartet, nicht vor Mi., 1. Juli, 09:30")
    cancel()


def test_it_asks_people_to_step_aside_in_large_letters_and_with_a_sound(
    page: Page, ros: Ros
) -> None:
    page.evaluate("document.addEventListener('luna:asking', () => { window.rung = true; })")
    ros.navigation = drive("ASKING")
    expect(page.locator("#ask strong")).to_have_text("Please step aside")
    expect(page.locator("#ask strong")).to_be_visible()
    expect(page.locator("#ask")).to_contain_text("Study room 1")
    assert page.evaluate("window.rung")
    expect(page.locator("#stop-button")).to_be_visible()
    ros.navigation = drive("DRIVING")
    expect(page.locator("#ask")).to_be_hidden()


def test_a_drive_that_failed_is_told_with_what_to_do(page: Page, ros: Ros) -> None:
    ros.navigation = drive("IDLE", "BLOCKED")
    expect(page.locator("#drive-note")).to_contain_text("I did not get to Study room 1.")
    expect(page.locator("#drive-note")).to_contain_text("Clear the aisle")
    ros.navigation = drive("IDLE")
    expect(page.locator("#drive-note")).to_be_empty()


def orders(data_dir: Path) -> list[dict[str, float]]:
    """The poses that it was told, the oldest first."""
    with contextlib.closing(Database.open(data_dir / "luna.db")) as store:
        rows = store.read(lambda reader: reader.rows("SELECT * FROM robot_command ORDER BY id"))
    return [json.loads(row["params"]) for row in rows if row["type"] == "initial_pose"]


def sign_in_by_pin(page: Page, name: str) -> None:
    page.locator("#tell-place").click()
    page.locator("#staff [name=login]").fill(f"{name}@example.org")
    page.locator("#staff [name=pin]").fill(PIN)
    page.locator("#staff button").click()


def test_where_it_does_not_know_its_place_a_librarian_tells_it_by_name(
    page: Page, ros: Ros, data_dir: Path
) -> None:
    ros.localised = False
    expect(page.locator("#headline")).to_have_text("I do not know where I am")
    sign_in_by_pin(page, "librarian")
    page.locator("#here select").select_option(label="Study room 1")
    expect(page.locator("#guess")).to_be_visible()
    page.locator("#here button").click()
    expect(page.locator("#lost-note")).to_contain_text("Thank you")
    assert orders(data_dir)[-1] == {"x": 8.0, "y": 4.0, "theta": 0.0}
    ros.localised = True
    expect(page.locator("#lost")).to_be_hidden()


def test_a_finger_on_the_map_shows_where_it_stands_and_looks(
    page: Page, ros: Ros, data_dir: Path
) -> None:
    ros.localised = False
    sign_in_by_pin(page, "librarian")
    expect(page.locator("#here")).to_be_visible()
    box = page.locator("#floor").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 80, steps=4)
    page.mouse.up()
    page.locator("#here button").click()
    expect(page.locator("#lost-note")).to_contain_text("Thank you")
    told = orders(data_dir)[-1]
    assert told["theta"] == pytest.approx(math.pi / 2, abs=0.05)
    assert told["x"] == pytest.approx(4.1, abs=0.7)
    assert told["y"] == pytest.approx(2.5, abs=0.7)


def test_a_reader_cannot_tell_it_its_place(page: Page, ros: Ros) -> None:
    ros.localised = False
    sign_in_by_pin(page, "student")
    expect(page.locator("#lost-note")).to_contain_text("Only a librarian")
    expect(page.locator("#here")).to_be_hidden()


def test_without_javascript_stop_is_a_form(browser: Browser, api: ApiProcess) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(api.url)
    page.locator("#stop-button").click()
    expect(page.locator("h1")).to_contain_text("is stopped")
    page.goto(api.url)
    page.get_by_role("link", name=GERMAN).click()
    page.locator("#stop-button").click()
    expect(page.locator("h1")).to_contain_text("ist angehalten")
    context.close()


def test_nothing_comes_from_elsewhere(browser: Browser, api: ApiProcess) -> None:
    page, asked = browser.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(api.url)
    expect(page.locator("body")).to_have_attribute("data-link", "live")
    page.close()
    assert asked
    assert all(url.startswith((api.url, "data:")) for url in asked)
