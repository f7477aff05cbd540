"""Tokens are believed only as we made them; hashing never floods the machine."""

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from api import security
from api.errors import TokenExpiredError, TooManyError
from api.security import Secrets, Tokens
from edge.domain.errors import SetupError, UnauthenticatedError
from edge.domain.users import Role

KEY = "a key of thirty-two bytes or more, for tests only"


def claims(**changes: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    made = {"sub": "ada", "role": "STUDENT", "sid": "s", "jti": "j", "iat": now}
    return {**made, "exp": now + timedelta(minutes=1), **changes}


def test_a_token_says_who_it_was_made_for() -> None:
    tokens = Tokens(KEY, 60)
    found = tokens.read(tokens.issue("ada", Role.LIBRARIAN, "session-1"))
    assert (found.user_id, found.role, found.session) == ("ada", Role.LIBRARIAN, "session-1")


def test_a_token_has_the_claims_of_the_contract() -> None:
    token = Tokens(KEY, 60).issue("ada", Role.STUDENT, "s")
    found = jwt.decode(token, options={"verify_signature": False})
    assert set(found) == {"sub", "role", "iat", "exp", "jti", "sid"}
    assert found["exp"] - found["iat"] == 60


def test_a_token_that_is_over_says_so() -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    with pytest.raises(TokenExpiredError):
        Tokens(KEY, 60).read(jwt.encode(claims(exp=past), KEY, "HS256"))


@pytest.mark.parametrize(
    "token",
    [
        "",
        "rubbish",
        jwt.encode(claims(), "", "none"),
        jwt.encode(claims(), "another key of thirty-two bytes or more", "HS256"),
        jwt.encode(claims(), KEY + KEY, "HS512"),
        jwt.encode(claims(), KEY, "HS384"),
        jwt.encode(claims(role="EMPEROR"), KEY, "HS256"),
        jwt.encode({"sub": "ada"}, KEY, "HS256"),
        jwt.encode({k: v for k, v in claims().items() if k != "exp"}, KEY, "HS256"),
        jwt.encode(claims(), KEY, "HS256")[:-4] + "AAAA",
    ],
)
def test_a_forged_token_is_refused(token: str) -> None:
    with pytest.raises(UnauthenticatedError):
        Tokens(KEY, 60).read(token)


@pytest.mark.asyncio
async def test_only_so_many_secrets_are_looked_at_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    busy, most = 0, 0
    lock, gate = threading.Lock(), threading.Event()

    def slow(known: str, text: str) -> bool:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        gate.wait(10)
        with lock:
            busy -= 1
        return True

    monkeypatch.setattr("edge.services.passwords.verify_secret", slow)
    secrets = Secrets()
    waiting = [
        asyncio.create_task(secrets.verify("h", "t")) for _ in range(security.WAITING_HASHES)
    ]
    await asyncio.sleep(0)
    with pytest.raises(TooManyError):
        await secrets.verify("h", "t")
    gate.set()
    assert all(await asyncio.gather(*waiting))
    assert most <= security.HASHERS
    secrets.close()


def test_a_new_key_makes_the_tokens_and_the_old_ones_are_read_until_theirs_is_gone() -> None:
    old, new = "o" * 40, "n" * 40
    token = Tokens(old, 60).issue("ada", Role.STUDENT, "s")
    both = Tokens(f"{new}\n{old}\n", 60)
    assert both.read(token).user_id == "ada"
    fresh = both.issue("ada", Role.STUDENT, "s")
    assert Tokens(new, 60).read(fresh).user_id == "ada"
    for reader, gone in ((Tokens(new, 60), token), (Tokens(old, 60), fresh)):
        with pytest.raises(UnauthenticatedError):
            reader.read(gone)


@pytest.mark.parametrize("keys", ["", "\n", "  \n\n"])
def test_no_key_is_no_key(keys: str) -> None:
    with pytest.raises(SetupError):
        Tokens(keys, 60)


def test_a_token_tells_nothing_of_its_key() -> None:
    header = jwt.get_unverified_header(Tokens(KEY, 60).issue("ada", Role.STUDENT, "s"))
    assert set(header) == {"alg", "typ", "kid"} and header["kid"] not in KEY


def test_a_token_that_was_read_before_is_judged_by_the_clock_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tokens = Tokens(KEY, 60)
    token = tokens.issue("somebody", Role.STUDENT, "session")
    now = time.time()
    assert tokens.read(token) == tokens.read(token)
    for later_s, refused in ((61, TokenExpiredError), (-3 * 86400, UnauthenticatedError)):
        monkeypatch.setattr(time, "time", lambda later_s=later_s: now + later_s)
        with pytest.raises(refused):
            tokens.read(token)


def test_tokens_of_which_many_were_read_take_no_more_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "KNOWN_TOKENS", 3)
    tokens = Tokens(KEY, 60)
    made = [tokens.issue(str(n), Role.STUDENT, "session") for n in range(9)]
    assert [tokens.read(one).user_id for one in made] == [str(n) for n in range(9)]
    assert len(tokens._known) == 3
    assert tokens.read(made[0]).user_id == "0"
