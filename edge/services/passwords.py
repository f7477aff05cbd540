"""Secrets that people know, kept only as argon2id hashes."""

import argon2

from edge.domain.errors import ValidationError

# OWASP's first choice for argon2id, which a small board still does in about 30 ms: 19 MiB, t=2, p=1.
_hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_nobody = _hasher.hash("the password of an account that does not exist")

MIN_LENGTH = 8
MAX_LENGTH = 1024
"""Longer ones only cost us time."""

_COMMON = """
    12345678 123456789 1234567890 11111111 00000000 87654321 password password1 password12 password123
    passw0rd p@ssw0rd qwertyui qwertyuiop qwerty123 1q2w3e4r 1qaz2wsx abcd1234 abc12345 iloveyou sunshine
    princess football baseball superman letmein1 welcome1 trustno1 starwars computer changeme library1
    internet whatever michelle jennifer samantha danielle jonathan liverpool asdfghjk asdfasdf zxcvbnm1
    administrator student1 librarian robotluna
"""
COMMON = frozenset(_COMMON.split())


def hash_secret(text: str) -> str:
    return _hasher.hash(text)


def verify_secret(secret_hash: str, text: str) -> bool:
    try:
        return _hasher.verify(secret_hash, text)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def spend_time() -> None:
    """As long as a verification takes, so that an unknown account answers no sooner than a known one."""
    verify_secret(_nobody, "not it")


def check_new_password(text: str, *, field: str = "password") -> None:
    """Raises ValidationError for one that is too short, too long or too common."""
    if len(text) < MIN_LENGTH:
        raise ValidationError("PASSWORD_SHORT", field=field, least=MIN_LENGTH)
    if len(text) > MAX_LENGTH:
        raise ValidationError("PASSWORD_LONG", field=field, most=MAX_LENGTH)
    if text.casefold() in COMMON:
        raise ValidationError("PASSWORD_COMMON", field=field)
