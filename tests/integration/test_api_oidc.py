"""Signing in by a real OpenID provider that runs beside the test, with browsers as they are."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from starlette.testclient import TestClient

from edge.domain.users import SYSTEM
from edge.services import audit, notifications, users
from tests.support import served as library_of
from tests.support.openid_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    PASSWORD,
    OpenIdProvider,
    openid_provider,
)
from tests.support.served import ELSEWHERE, Served, served

ROBOT = "http://127.0.0.1"
OIDC = "/api/v1/auth/oidc"

SETTINGS = """
[oidc]
public_url = "{robot}"
[oidc.providers.library]
label = "Library account"
issuer = "{issuer}"
client_id = "{client}"
allowed_domains = ["example.org"]
role_claim = "groups"
librarians = ["staff"]
[oidc.providers.closed]
label = "For those who are known"
issuer = "{issuer}"
client_id = "{client}"
makes_accounts = false
"""


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenIdProvider]:
    back = [f"{ROBOT}{OIDC}/{name}/callback" for name in ("library", "closed")]
    with openid_provider(tmp_path_factory.mktemp("provider"), *back) as one:
        yield one


@pytest.fixture(scope="module")
def library(provider: OpenIdProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    directory = Path(tmp_path_factory.mktemp("library"))
    said = SETTINGS.format(robot=ROBOT, issuer=provider.issuer, client=CLIENT_ID)
    (directory / "settings.toml").write_text(said)
    (directory / "secrets").mkdir()
    for name in ("library", "closed"):
        (directory / "secrets" / f"oidc-{name}").write_text(CLIENT_SECRET)
    with served(directory) as one:
        yield one


@pytest.fixture
def browser(library: Served) -> TestClient:
    """Somebody's own: with a jar of cookies, and nobody signed in."""
    return new_browser(library)


def new_browser(library: Served) -> TestClient:
    client = TestClient(library.app, ROBOT, client=ELSEWHERE, follow_redirects=False)
    client.portal = library.main.portal
    return client


def sign_in_there(provider: OpenIdProvider, location: str, name: str) -> str:
    """What somebody does at the provider; where it sends them back to."""
    with httpx2.Client(timeout=20) as there:
        form = there.get(location)
        login = f"http://127.0.0.1:{provider.port}{form.headers['location']}"
        asked = there.post(login, data={"name": name, "password": PASSWORD})
        back = there.get(f"http://127.0.0.1:{provider.port}{asked.headers['location']}")
        return str(back.headers["location"])


def go(browser: TestClient, provider: OpenIdProvider, name: str, by: str = "library") -> Any:
    """From the button to the robot's answer when they are back."""
    begun = browser.get(f"{OIDC}/{by}/start")
    assert begun.status_code == 303, begun.text
    back = sign_in_there(provider, begun.headers["location"], name)
    return browser.get(back)


def ticket(answer: Any) -> str:
    assert answer.status_code == 303, answer.text
    where, _, found = str(answer.headers["location"]).partition("#ticket=")
    assert where == f"{ROBOT}/"
    return found


def session(browser: TestClient, answer: Any) -> Any:
    got = browser.post(f"{OIDC}/session", json={"ticket": ticket(answer)})
    assert got.status_code == 200, got.text
    return got.json()["data"]


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def bearer(data: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {data['access_token']}"}


def test_who_the_library_knows_has_an_account_from_the_first_time_on(
    library: Served, provider: OpenIdProvider, browser: TestClient
) -> None:
    data = session(browser, go(browser, provider, "ada"))
    assert (data["user"]["email"], data["user"]["role"]) == ("ada@example.org", "STUDENT")
    assert data["user"]["first_name"] == "Ada"
    again = session(new := new_browser(library), go(new, provider, "ada"))
    assert again["user"]["id"] == data["user"]["id"]
    assert browser.get("/api/v1/auth/me", headers=bearer(data)).status_code == 200
    kept = browser.post("/api/v1/auth/refresh", json={"refresh_token": data["refresh_token"]})
    assert kept.status_code == 200


def test_what_goes_to_the_provider_has_pkce_state_and_nonce_and_no_secret(
    browser: TestClient, provider: OpenIdProvider
) -> None:
    location = browser.get(f"{OIDC}/library/start").headers["location"]
    query = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
    assert location.startswith(provider.issuer)
    assert query["code_challenge_method"] == "S256" and len(query["code_challenge"]) == 43
    assert len(query["state"]) >= 43 and len(query["nonce"]) >= 43
    assert query["redirect_uri"] == f"{ROBOT}{OIDC}/library/callback"
    assert CLIENT_SECRET not in location


def test_the_cookie_binds_the_browser_and_nothing_else(browser: TestClient) -> None:
    said = browser.get(f"{OIDC}/library/start").headers["set-cookie"]
    assert "HttpOnly" in said and "SameSite=lax" in said and f"Path={OIDC}" in said
    assert browser.get("/api/v1/auth/me").status_code == 401


def test_its_groups_make_a_librarian_but_nobody_an_admin_unless_that_is_set(
    library: Served, provider: OpenIdProvider, browser: TestClient
) -> None:
    assert session(browser, go(browser, provider, "grace"))["user"]["role"] == "LIBRARIAN"
    assert session(browser, go(browser, provider, "root"))["user"]["role"] == "STUDENT"


def test_who_left_the_groups_is_no_librarian_any_more(
    library: Served, provider: OpenIdProvider, browser: TestClient
) -> None:
    first = session(browser, go(browser, provider, "root"))
    raised = library.database.write(
        SYSTEM, lambda tx: users.update_profile(tx, first["user"]["id"], role="LIBRARIAN")
    )
    assert raised.role == "LIBRARIAN"
    assert session(browser, go(browser, provider, "root"))["user"]["role"] == "STUDENT"


def test_an_address_that_is_not_verified_lets_nobody_in(
    provider: OpenIdProvider, browser: TestClient
) -> None:
    answer = go(browser, provider, "sly", by="closed")
    assert code(answer) == (403, "EMAIL_NOT_VERIFIED")
    assert code(go(browser, provider, "sly"))[0] == 403


def test_people_of_other_domains_stay_outside(
    provider: OpenIdProvider, browser: TestClient
) -> None:
    assert code(go(browser, provider, "stranger")) == (403, "FORBIDDEN")


def test_a_provider_that_makes_no_accounts_lets_in_those_who_have_one(
    provider: OpenIdProvider, browser: TestClient
) -> None:
    assert code(go(browser, provider, "stranger", by="closed")) == (403, "FORBIDDEN")


def test_a_students_account_is_linked_and_whoever_held_its_password_is_out(
    library: Served, provider: OpenIdProvider, browser: TestClient
) -> None:
    """Anybody may register any address: whoever did so may not be there when its owner comes."""
    squatter = library.asked_by().post(
        "/api/v1/auth/register",
        json={
            "email": "mallory@example.org",
            "password": "a squatter's password",
            "first_name": "M",
            "last_name": "M",
        },
    )
    held = squatter.json()["data"]
    data = session(browser, go(browser, provider, "mallory"))
    assert data["user"]["id"] == held["user"]["id"]
    assert library.asked_by().get("/api/v1/auth/me", headers=bearer(held)).status_code == 401
    login = {"email": "mallory@example.org", "password": "a squatter's password"}
    assert library.asked_by().post("/api/v1/auth/login", json=login).status_code == 401
    told = library.database.read(lambda r: notifications.list_for(r, data["user"]["id"]))
    assert "Another way to sign in" in [one.title for one in told.items]
    seen = library.database.read(lambda r: audit.list_entries(r, action="identity.link"))
    assert data["user"]["id"] in [one.entity_id for one in seen.items]


def test_a_librarian_links_while_signed_in_and_not_before(
    library: Served, provider: OpenIdProvider, browser: TestClient
) -> None:
    assert code(go(browser, provider, "librarian")) == (409, "LINK_NEEDED")
    login = {"email": "librarian@example.org", "password": library_of.PASSWORD}
    data = browser.post("/api/v1/auth/login", json=login).json()["data"]
    begun = browser.post(f"{OIDC}/library/link", headers=bearer(data))
    back = sign_in_there(provider, begun.json()["data"]["location"], "librarian")
    linked = session(browser, browser.get(back))
    assert linked["user"]["role"] == "LIBRARIAN"
    listed = browser.get(f"{OIDC}/links", headers=bearer(data)).json()["data"]["links"]
    assert [one["email"] for one in listed] == ["librarian@example.org"]
    assert session(browser, go(browser, provider, "librarian"))["user"]["role"] == "LIBRARIAN"
    again = browser.post("/api/v1/auth/login", json=login)
    assert again.status_code == 200, "a password that somebody proved stays"
    assert browser.delete(f"{OIDC}/library/link", headers=bearer(data)).status_code == 200
    assert browser.delete(f"{OIDC}/library/link", headers=bearer(data)).status_code == 404
    assert code(go(browser, provider, "librarian")) == (409, "LINK_NEEDED")


def test_who_was_signed_out_meanwhile_links_nothing(
    provider: OpenIdProvider, browser: TestClient
) -> None:
    login = {"email": "other@example.org", "password": library_of.PASSWORD}
    data = browser.post("/api/v1/auth/login", json=login).json()["data"]
    begun = browser.post(f"{OIDC}/library/link", headers=bearer(data)).json()["data"]
    back = sign_in_there(provider, begun["location"], "eve")
    token = {"refresh_token": data["refresh_token"]}
    browser.post("/api/v1/auth/logout", json=token, headers=bearer(data))
    assert code(browser.get(back)) == (401, "SIGN_IN_REFUSED")


def test_one_person_there_is_not_two_here(
    library: Served, provider: OpenIdProvider, browser: TestClient
) -> None:
    session(browser, go(browser, provider, "ada"))
    login = {"email": "other@example.org", "password": library_of.PASSWORD}
    data = browser.post("/api/v1/auth/login", json=login).json()["data"]
    begun = browser.post(f"{OIDC}/library/link", headers=bearer(data)).json()["data"]
    assert code(browser.get(sign_in_there(provider, begun["location"], "ada"))) == (409, "CONFLICT")


def test_a_code_is_good_once(provider: OpenIdProvider, browser: TestClient) -> None:
    begun = browser.get(f"{OIDC}/library/start")
    back = sign_in_there(provider, begun.headers["location"], "ada")
    assert browser.get(back).status_code == 303
    assert code(browser.get(back)) == (401, "SIGN_IN_REFUSED")


def test_a_stolen_code_is_worth_nothing_in_anothers_way(
    library: Served, provider: OpenIdProvider, browser: TestClient
) -> None:
    """PKCE: the provider itself refuses a code that another way began with."""
    back = sign_in_there(provider, browser.get(f"{OIDC}/library/start").headers["location"], "ada")
    thief = new_browser(library)
    theirs = thief.get(f"{OIDC}/library/start").headers["location"]
    state = parse_qs(urlsplit(theirs).query)["state"][0]
    stolen = parse_qs(urlsplit(back).query)["code"][0]
    answer = thief.get(f"{OIDC}/library/callback", params={"code": stolen, "state": state})
    assert code(answer) == (401, "SIGN_IN_REFUSED")


def test_nobody_is_led_into_anothers_account(
    library: Served, provider: OpenIdProvider, browser: TestClient
) -> None:
    """The attacker's own way back, opened in the victim's browser."""
    attackers = browser.get(f"{OIDC}/library/start").headers["location"]
    back = sign_in_there(provider, attackers, "ada")
    victim = new_browser(library)
    assert code(victim.get(back)) == (401, "SIGN_IN_REFUSED")
    victim.get(f"{OIDC}/library/start")  # one with a cookie of its own
    assert code(victim.get(back)) == (401, "SIGN_IN_REFUSED")


def test_a_ticket_is_good_once_and_in_its_browser(
    library: Served, provider: OpenIdProvider, browser: TestClient
) -> None:
    found = ticket(go(browser, provider, "ada"))
    thief = new_browser(library)
    thief.get(f"{OIDC}/library/start")
    assert code(thief.post(f"{OIDC}/session", json={"ticket": found}))[0] == 401
    assert code(browser.post(f"{OIDC}/session", json={"ticket": found}))[0] == 401
    found = ticket(go(browser, provider, "ada"))
    assert browser.post(f"{OIDC}/session", json={"ticket": found}).status_code == 200
    assert code(browser.post(f"{OIDC}/session", json={"ticket": found}))[0] == 401


@pytest.mark.parametrize("state", ["", "made-up", "x" * 43])
def test_a_state_that_nobody_made_is_refused(browser: TestClient, state: str) -> None:
    browser.get(f"{OIDC}/library/start")
    answer = browser.get(f"{OIDC}/library/callback", params={"code": "c", "state": state})
    assert code(answer) == (401, "SIGN_IN_REFUSED")


def test_who_says_no_at_the_provider_gets_a_page_with_words(browser: TestClient) -> None:
    begun = browser.get(f"{OIDC}/library/start").headers["location"]
    state = parse_qs(urlsplit(begun).query)["state"][0]
    answer = browser.get(
        f"{OIDC}/library/callback",
        params={"error": "access_denied", "error_description": "<b>evil</b>", "state": state},
        headers={"Accept": "text/html"},
    )
    assert answer.status_code == 401
    assert "You are not signed in." in answer.text and "evil" not in answer.text


@pytest.mark.parametrize("more", ["?next=https://evil.example", "?redirect_uri=//evil.example"])
def test_the_way_leads_to_the_provider_and_back_to_the_page_and_nowhere_else(
    provider: OpenIdProvider, browser: TestClient, more: str
) -> None:
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    begun = browser.get(f"{OIDC}/library/start{more}", headers=headers)
    location = begun.headers["location"]
    assert location.startswith(provider.issuer) and "evil" not in location
    back = sign_in_there(provider, location, "ada")
    assert ticket(browser.get(f"{back}&{more[1:]}", headers={"X-Forwarded-Host": "evil.example"}))


def test_apps_and_the_page_are_told_what_there_is(library: Served, browser: TestClient) -> None:
    found = browser.get(f"{OIDC}/providers").json()["data"]["providers"]
    assert found[0] == {
        "name": "library",
        "label": "Library account",
        "kind": "oidc",
        "start": f"{ROBOT}{OIDC}/library/start",
    }
    page = browser.get("/").text
    assert re.search(rf'<a [^>]*href="{ROBOT}{OIDC}/library/start"[^>]*>[^<]*Library account', page)


def test_an_unknown_provider_is_not_there(browser: TestClient) -> None:
    assert code(browser.get(f"{OIDC}/nobody/start")) == (404, "NOT_FOUND")
    assert code(browser.get(f"{OIDC}/nobody/callback")) == (404, "NOT_FOUND")
