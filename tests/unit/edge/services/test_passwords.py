"""Secrets as hashes, and which passwords are taken."""

import pytest

from edge.domain.errors import ValidationError
from edge.services.passwords import (
    check_new_password,
    hash_secret,
    spend_time,
    verify_secret,
)


def test_a_secret_is_known_by_its_hash_and_by_nothing_else() -> None:
    kept = hash_secret("correct horse")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert verify_secret(kept, "correct horse")
    assert not verify_secret(kept, "correct horse ")
    assert hash_secret("correct horse") != kept


@pytest.mark.parametrize("broken", ["", "x", "$argon2id$v=19$m=19456,t=2,p=1$broken"])
def test_a_broken_hash_lets_nobody_in(broken: str) -> None:
    assert not verify_secret(broken, "")


def test_an_unknown_account_costs_as_much_as_a_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(
        "edge.services.passwords.verify_secret", lambda kept, text: seen.append(kept)
    )
    spend_time()
    (kept,) = seen
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize("text", ["", "short", "1234567", "password123", "PassWord", "x" * 2000])
def test_a_password_that_is_short_common_or_endless_is_refused(text: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        check_new_password(text, field="new_password")
    assert list(refusal.value.details["fields"]) == ["new_password"]


@pytest.mark.parametrize("text", ["correct horse", "ünïcödé!", "a7f3-99q1"])
def test_any_other_password_is_taken(text: str) -> None:
    check_new_password(text)
