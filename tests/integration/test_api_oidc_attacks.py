"""Providers that lie, answer late or not at all, and GitHub: nobody is signed in who should not be."""

import dataclasses
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import structlog
from starlette.testclient import TestClient

from api.oidc.providers import Providers
from tests.support.forger import ACCESS_TOKEN, CODE, Forger, forger
from tests.support.served import ELSEWHERE, PASSWORD, SCREEN, Served, served

ROBOT = "http://127.0.0.1"
OIDC = "/api/v1/auth/oidc"
SECRET = "canary-4f1c-client-secret"

SETTINGS = """
[oidc]
public_url = "{robot}"
[oidc.providers.first]
label = "First"
issuer = "{first}"
client_id = "luna"
[oidc.providers.second]
label = "Second"
issuer = "{second}"
client_id = "luna"
[oidc.providers.github]
kind = "github"
label = "GitHub"
issuer = "{first}"
client_id = "luna"
"""
NEVER = 10**10
LONG = b'{"a": "' + b"x" * 2_000_000 + b'"}'
REFUSED = (401, "SIGN_IN_REFUSED")
AWAY = (503, "ROBOT_UNAVAILABLE")


@pytest.fixture(scope="module")
def first() -> Iterator[Forger]:
    with forger() as one:
        yield one


@pytest.fixture(scope="module")
def second() -> Iterator[Forger]:
    with forger() as one:
        yield one


@pytest.fixture(scope="module")
def robot(
    first: Forger, second: Forger, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    directory = tmp_path_factory.mktemp("robot")
    said = SETTINGS.format(robot=ROBOT, first=first.issuer, second=second.issuer)
    (directory / "settings.toml").write_text(said)
    (directory / "secrets").mkdir()
    for name in ("first", "second", "github"):
        (directory / "secrets" / f"oidc-{name}").write_text(SECRET)
    with served(directory) as one:
        yield one


@pytest.fixture
def library(robot: Served, first: Forger, second: Forger) -> Iterator[Served]:
    """It has not heard of its providers yet."""
    first.be_honest()
    second.be_honest()
    before = robot.app.state.context
    providers = Providers(robot.settings.oidc, robot.settings.data_dir)
    robot.app.state.context = dataclasses.replace(before, providers=providers)
    yield robot
    assert robot.main.portal is not None
    robot.main.portal.call(providers.close)
    robot.app.state.context = before


@pytest.fixture
def browser(library: Served) -> TestClient:
    client = TestClient(library.app, ROBOT, client=ELSEWHERE, follow_redirects=False)
    client.portal = library.main.portal
    return client


def begin(browser: TestClient, name: str = "first") -> dict[str, str]:
    answer = browser.get(f"{OIDC}/{name}/start")
    assert answer.status_code == 303, answer.text
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    return {key: values[0] for key, values in query.items()}


def come_back(browser: TestClient, provider: Forger, name: str = "first", **more: str) -> Any:
    """There and back; the provider's id token has the right nonce unless a test says otherwise."""
    begun = begin(browser, name)
    provider.nonce = begun.get("nonce", "")
    params = {"code": CODE, "state": begun["state"], **more}
    return browser.get(f"{OIDC}/{name}/callback", params=params)


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_an_honest_provider_is_believed(browser: TestClient, first: Forger) -> None:
    answer = come_back(browser, first)
    assert answer.status_code == 303 and "#ticket=" in answer.headers["location"]
    sent = first.forms[first.asked.index("/token")]
    assert sent["grant_type"] == "authorization_code" and len(sent["code_verifier"]) >= 43


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another-client"},
        {"aud": ["luna", "another-client"]},
        {"aud": None},
        {"azp": "another-client"},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"exp": 1_700_000_000},
        {"exp": None},
        {"exp": "soon"},
        {"iat": NEVER},
        {"iat": None},
        {"nbf": NEVER},
        {"sub": None},
        {"sub": 7},
    ],
    ids=json.dumps,
)
def test_an_id_token_that_is_not_ours_now_is_refused(
    browser: TestClient, first: Forger, changes: dict[str, Any]
) -> None:
    first.changes = changes
    assert code(come_back(browser, first)) == REFUSED


@pytest.mark.parametrize("how", ["unsigned", "by_public_key", "by_another_key", "altered"])
def test_a_signature_that_is_not_the_providers_is_refused(
    browser: TestClient, first: Forger, how: str
) -> None:
    first.sign = getattr(first, how)
    assert code(come_back(browser, first)) == REFUSED


@pytest.mark.parametrize("token", ["", "a.b.c", "rubbish", 7, None, {}], ids=str)
def test_what_is_no_id_token_is_refused(browser: TestClient, first: Forger, token: Any) -> None:
    first.answers["/token"] = (200, {"access_token": "x", "id_token": token})
    assert code(come_back(browser, first)) == REFUSED


def test_a_new_key_of_the_provider_is_fetched_but_not_for_every_forgery(
    browser: TestClient, first: Forger
) -> None:
    assert come_back(browser, first).status_code == 303
    first.sign = first.by_another_key
    for _ in range(3):
        assert code(come_back(browser, first)) == REFUSED
    assert first.asked.count("/jwks") == 1, "asked at most every half a minute"


@pytest.mark.parametrize(
    "about",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"token_endpoint": "file:///etc/passwd"},
        {"jwks_uri": None},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
    ids=json.dumps,
)
def test_a_provider_that_says_odd_things_of_itself_is_not_asked(
    browser: TestClient, first: Forger, about: dict[str, Any]
) -> None:
    first.about = about
    begun = browser.get(f"{OIDC}/first/start")
    if begun.status_code == 303:
        begun = come_back(browser, first)
    assert code(begun) == REFUSED


def test_a_way_to_one_provider_does_not_come_back_from_another(
    browser: TestClient, first: Forger, second: Forger
) -> None:
    """Mix-up: the code of one is never sent to another."""
    begun = begin(browser, "first")
    answer = browser.get(f"{OIDC}/second/callback", params={"code": CODE, "state": begun["state"]})
    assert code(answer) == REFUSED
    assert "/token" not in second.asked
    assert code(come_back(browser, first, iss=second.issuer)) == REFUSED
    assert "/token" not in first.asked


def test_a_provider_that_says_its_name_must_say_it(browser: TestClient, first: Forger) -> None:
    first.about = {"authorization_response_iss_parameter_supported": True}
    assert code(come_back(browser, first)) == REFUSED
    assert come_back(browser, first, iss=first.issuer).status_code == 303


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/.well-known/openid-configuration", (500, {})),
        ("/.well-known/openid-configuration", (200, b"<html>")),
        ("/.well-known/openid-configuration", (302, {})),
    ],
    ids=str,
)
def test_a_provider_that_is_ill_is_a_clear_error(
    library: Served, browser: TestClient, first: Forger, path: str, answer: tuple[int, Any]
) -> None:
    first.answers[path] = answer
    begun = browser.get(f"{OIDC}/first/start")
    assert code(begun) == AWAY and int(begun.headers["Retry-After"]) > 0
    assert "First does not answer" in begun.json()["error"]["message"]
    assert signs_in_by_password(library)


@pytest.mark.parametrize("path", ["/token", "/jwks"])
@pytest.mark.parametrize("answer", [(500, {}), (200, b"no json"), (200, LONG)], ids=len)
def test_a_provider_that_falls_ill_half_way_is_a_clear_error(
    library: Served, browser: TestClient, first: Forger, path: str, answer: tuple[int, Any]
) -> None:
    first.answers[path] = answer
    assert code(come_back(browser, first)) == AWAY
    assert signs_in_by_password(library)


def test_a_provider_that_takes_its_time_is_not_waited_for(
    library: Served, browser: TestClient, first: Forger, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = begin(browser)
    monkeypatch.setattr("api.oidc.http.TIMEOUT_S", 0.2)
    first.waits["/token"] = 1.0
    params = {"code": CODE, "state": begun["state"]}
    assert code(browser.get(f"{OIDC}/first/callback", params=params)) == AWAY
    assert signs_in_by_password(library)


def test_a_provider_that_is_gone_half_way_is_a_clear_error(tmp_path: Path) -> None:
    with forger() as short_lived:
        said = SETTINGS.format(robot=ROBOT, first=short_lived.issuer, second=short_lived.issuer)
        (tmp_path / "settings.toml").write_text(said)
        with served(tmp_path) as library:
            client = TestClient(library.app, ROBOT, client=ELSEWHERE, follow_redirects=False)
            client.portal = library.main.portal
            begun = begin(client)
            short_lived.server.shutdown()
            short_lived.server.server_close()
            params = {"code": CODE, "state": begun["state"]}
            assert code(client.get(f"{OIDC}/first/callback", params=params)) == AWAY
            assert begin(client)["client_id"] == "luna", "what it said of itself is remembered"
            assert signs_in_by_password(library)


def signs_in_by_password(library: Served) -> bool:
    login = {"email": "librarian@example.org", "password": PASSWORD}
    return bool(library.asked_by(at=SCREEN).post("/api/v1/auth/login", json=login).is_success)


def test_a_provider_that_refuses_the_code_is_told_as_such(
    browser: TestClient, first: Forger
) -> None:
    first.answers["/token"] = (400, {"error": "invalid_grant"})
    assert code(come_back(browser, first)) == REFUSED


def test_no_address_that_is_not_verified_takes_over_an_account(
    browser: TestClient, first: Forger
) -> None:
    for verified in (False, None, "false", 0, "yes"):
        first.changes = {"email": "librarian@example.org", "email_verified": verified}
        assert code(come_back(browser, first)) == (403, "EMAIL_NOT_VERIFIED")


def test_an_address_that_changed_hands_there_opens_nobodys_account(
    browser: TestClient, first: Forger
) -> None:
    first.changes = {"email": "student@example.org"}
    assert come_back(browser, first).status_code == 303
    first.changes = {"email": "student@example.org", "sub": "somebody-else"}
    assert code(come_back(browser, first)) == (409, "LINK_NEEDED")


def test_a_link_that_a_squatter_made_goes_when_the_owner_comes(
    library: Served, browser: TestClient, first: Forger, second: Forger
) -> None:
    """Somebody registers another's address and links a provider of their own to it."""
    login = {"email": "other@example.org", "password": PASSWORD}
    data = browser.post("/api/v1/auth/login", json=login).json()["data"]
    headers = {"Authorization": f"Bearer {data['access_token']}"}
    begun = browser.post(f"{OIDC}/second/link", headers=headers).json()["data"]["location"]
    query = {key: values[0] for key, values in parse_qs(urlsplit(begun).query).items()}
    second.changes = {"email": "squatter@example.org", "sub": "squatter"}
    second.nonce = query["nonce"]
    params = {"code": CODE, "state": query["state"]}
    assert browser.get(f"{OIDC}/second/callback", params=params).status_code == 303
    first.changes = {"email": "other@example.org"}
    assert come_back(browser, first).status_code == 303
    assert come_back(browser, second, "second").status_code == 303
    me = library.database.read(
        lambda reader: reader.rows(
            "SELECT issuer FROM identity WHERE user_id = ?", data["user"]["id"]
        )
    )
    assert [row["issuer"] for row in me] == [first.issuer]


def github(first: Forger, *addresses: dict[str, Any]) -> None:
    user = {"id": first.person, "login": "ada", "name": "Ada Lovelace"}
    first.answers |= {"/api/v3/user": (200, user), "/api/v3/user/emails": (200, list(addresses))}


MAIN = {"email": "Ada@GitHub.example", "primary": True, "verified": True}


def test_github_signs_in_by_its_verified_main_address(browser: TestClient, first: Forger) -> None:
    github(first, {**MAIN, "email": "old@github.example", "primary": False}, MAIN)
    answer = come_back(browser, first, "github")
    ticket = answer.headers["location"].partition("#ticket=")[2]
    user = browser.post(f"{OIDC}/session", json={"ticket": ticket}).json()["data"]["user"]
    assert (user["email"], user["first_name"], user["last_name"], user["role"]) == (
        "ada@github.example",
        "Ada",
        "Lovelace",
        "STUDENT",
    )


@pytest.mark.parametrize("main", [{**MAIN, "verified": False}, {**MAIN, "primary": False}, {}])
def test_github_without_such_an_address_signs_nobody_in(
    browser: TestClient, first: Forger, main: dict[str, Any]
) -> None:
    github(first, main)
    assert code(come_back(browser, first, "github")) == (403, "EMAIL_NOT_VERIFIED")


@pytest.mark.parametrize("token", [{"error": "bad_verification_code"}, [], {"access_token": 1}])
def test_github_that_gives_no_token_signs_nobody_in(
    browser: TestClient, first: Forger, token: Any
) -> None:
    github(first, MAIN)
    first.answers["/login/oauth/access_token"] = (200, token)
    assert code(come_back(browser, first, "github")) == REFUSED


def test_no_secret_of_the_way_is_in_a_log_or_an_answer(
    browser: TestClient, first: Forger, capfd: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger().setLevel(logging.INFO)
    with structlog.testing.capture_logs() as lines:
        good = come_back(browser, first)
        first.answers["/token"] = (400, {"error": "invalid_grant", "error_description": CODE})
        refused = come_back(browser, first)
        first.answers["/token"] = (500, {"error": CODE})
        away = come_back(browser, first)
        github(first, MAIN)
        come_back(browser, first, "github", code=CODE, error=CODE)
    written = json.dumps(lines, default=str) + "".join(capfd.readouterr())
    answers = refused.text + away.text + good.headers["location"]
    secrets = [SECRET, CODE, ACCESS_TOKEN, *(form.get("code_verifier") for form in first.forms)]
    for secret in filter(None, secrets):
        assert secret not in written and secret not in answers
    assert "sign-in refused" in written
