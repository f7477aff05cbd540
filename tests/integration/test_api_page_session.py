"""Staying signed in on the page, and signing in there by a provider, in a real browser."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, WebSocket, expect

from edge.domain.messages import Message
from edge.domain.notifications import NotificationType
from edge.domain.users import SYSTEM
from edge.services import identities, notifications, users
from edge.store.database import Database
from tests.support import openid_provider as library
from tests.support.api_process import api_process
from tests.support.board import until
from tests.support.browser import chromium, needs_chromium
from tests.support.openid_provider import CLIENT_ID, CLIENT_SECRET, openid_provider
from tests.support.ports import free_port
from tests.support.served import PASSWORD, add_people, make_data_dir

pytestmark = needs_chromium

TOKEN_S = 6
REFRESH = "**/api/v1/auth/refresh"

SETTINGS = """
[api]
access_token_s = {life}
[oidc]
public_url = "{robot}"
[oidc.providers.library]
label = "Library account"
issuer = "{issuer}"
client_id = "{client}"
"""


@dataclass
class Robot:
    url: str
    store: Database
    people: dict[str, str]
    logs: Path


@pytest.fixture(scope="module")
def robot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Robot]:
    directory, port = tmp_path_factory.mktemp("robot"), free_port()
    url = f"http://127.0.0.1:{port}"
    back = f"{url}/api/v1/auth/oidc/library/callback"
    with openid_provider(tmp_path_factory.mktemp("provider"), back) as provider:
        said = SETTINGS.format(life=TOKEN_S, robot=url, issuer=provider.issuer, client=CLIENT_ID)
        (directory / "settings.toml").write_text(said)
        settings = make_data_dir(directory)
        (directory / "secrets" / "oidc-library").write_text(CLIENT_SECRET)
        with contextlib.closing(Database.open(settings.store_path)) as store:
            people = add_people(store)
            with api_process(directory, port) as process:
                process.wait_until_it_listens()
                yield Robot(process.url, store, people, directory / "logs")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


@pytest.fixture
def page(browser: Browser, robot: Robot) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.clock.install()
    page.goto(robot.url)
    expect(page.locator("body")).to_have_attribute("data-link", "live")
    yield page
    context.close()


def sign_in(page: Page, name: str) -> WebSocket:
    """As somebody who is not at the robot: there the form is hidden. The live connection that comes of it."""
    page.evaluate("document.getElementById('sign-in').hidden = false")
    page.locator("#sign-in [name=email]").fill(f"{name}@example.org")
    page.locator("#sign-in [name=password]").fill(PASSWORD)
    with page.expect_websocket() as opened:
        page.locator("#sign-in button").click()
    expect(page.locator("#account")).to_be_visible()
    return opened.value


def test_the_page_has_its_next_token_before_the_old_one_is_over(page: Page) -> None:
    socket = sign_in(page, "librarian")
    for _ in range(2):
        said = socket.expect_event("framereceived", lambda frame: '"renewed"' in frame)
        with page.expect_response(REFRESH) as renewed, said:
            page.clock.fast_forward(TOKEN_S * 850)
        assert renewed.value.ok
    assert not socket.is_closed(), "one connection, with one token after the other"
    expect(page.locator("body")).to_have_attribute("data-link", "live")


def test_a_page_that_slept_longer_than_its_token_is_signed_in_when_it_wakes(page: Page) -> None:
    sign_in(page, "librarian")
    page.clock.set_fixed_time(page.evaluate("Date.now()") / 1000)  # it never sees that it is time
    with page.expect_response(REFRESH) as renewed, page.expect_websocket():
        pass  # the robot ends a connection whose token is over
    assert renewed.value.ok
    expect(page.locator("body")).to_have_attribute("data-link", "live")
    expect(page.locator("#sign-in")).to_be_hidden()


def test_who_may_not_come_back_is_asked_to_sign_in(page: Page, robot: Robot) -> None:
    sign_in(page, "other")
    other = robot.people["other"]
    robot.store.write(SYSTEM, lambda tx: users.update_profile(tx, other, active=False))
    expect(page.locator("#sign-in")).to_be_visible()
    expect(page.locator("#account")).to_be_hidden()


def test_a_button_leads_to_the_provider_and_back_signed_in(page: Page, robot: Robot) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("document.getElementById('sign-in').hidden = false")
    page.get_by_text("Sign in with Library account").click()
    page.locator("[name=name]").fill("ada")
    page.locator("[name=password]").fill(library.PASSWORD)
    page.get_by_text("Sign in at the library").click()
    expect(page.locator("#account")).to_be_visible()
    assert page.url == f"{robot.url}/"
    (back,) = [url for url in asked if "/callback?" in url]
    secrets = [one for values in parse_qs(urlsplit(back).query).values() for one in values]

    def written() -> str:
        return "".join(path.read_text() for path in robot.logs.iterdir())

    # The line of a request is written once its answer is on its way.
    until(lambda: "/auth/oidc/session" in written(), "the log tells of the ticket's request")
    for secret in [*secrets, CLIENT_SECRET, library.PASSWORD]:
        assert secret not in written()


def test_a_librarian_links_their_account_on_the_page_and_ends_that(
    page: Page, robot: Robot
) -> None:
    sign_in(page, "librarian")
    page.get_by_text("Link with Library account").click()
    page.locator("[name=name]").fill("librarian")
    page.locator("[name=password]").fill(library.PASSWORD)
    page.get_by_text("Sign in at the library").click()
    expect(page.locator("#account")).to_be_visible()
    assert page.url == f"{robot.url}/"
    page.get_by_text("End the link with Library account").click()
    expect(page.get_by_text("Link with Library account", exact=True)).to_be_visible()
    librarian = robot.people["librarian"]
    assert robot.store.read(lambda reader: identities.of(reader, librarian)) == []


def test_a_reader_is_shown_their_messages_as_the_robot_itself_is_for_staff(
    page: Page, robot: Robot
) -> None:
    heard: list[str] = []
    page.on("websocket", lambda one: one.on("framereceived", lambda said: heard.append(str(said))))
    sign_in(page, "student")
    expect(page.locator("#headline")).to_have_text("Your messages from the robot")
    facts = {"book": "Momo", "destination": "Room 2"}
    kind, code = NotificationType.REQUEST_STATUS, Message.REQUEST_APPROVED
    student = robot.people["student"]
    robot.store.write(SYSTEM, lambda tx: notifications.notify(tx, student, kind, code, facts))
    expect(page.locator("#queue")).to_contain_text("Request approved")
    expect(page.locator("#now")).to_be_hidden()
    # It never is long without a word, though nothing happens.
    until(
        lambda: page.title() and sum('"pong"' in frame for frame in heard) >= 8,
        "the robot answers again and again",
    )
    expect(page.locator("body")).to_have_attribute("data-link", "live")


def test_a_ticket_that_is_no_good_is_said_so(page: Page, robot: Robot) -> None:
    page.goto(f"{robot.url}/?again#ticket=made-up")
    expect(page.locator("#sign-in-note")).to_contain_text("Signing in did not work.")
    assert "ticket" not in page.url
