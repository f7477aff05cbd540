"""The small parts of signing in by somebody else: what is good once, addresses, groups, names, settings."""

from pathlib import Path

import pytest

from api.oidc.once import MAX_THINGS, Once
from api.oidc.provider import Flow, names
from edge.domain.errors import SetupError
from edge.domain.identities import address, may_come, role_of
from edge.domain.users import Role
from edge.settings import is_safe_url, load

PROVIDER = """
[oidc.providers.{name}]
label = "Library"
issuer = "{issuer}"
client_id = "luna"
"""
PUBLIC = '[oidc]\npublic_url = "https://luna.example"\n'


def test_a_thing_is_good_once_and_for_a_while() -> None:
    once: Once[str] = Once(10.0)
    name = once.put("thing", now=0.0)
    assert (once.take(name, now=9.9), once.take(name, now=9.9)) == ("thing", None)
    assert once.take(once.put("late", now=0.0), now=10.0) is None
    assert once.take("made up", now=0.0) is None


def test_of_too_many_things_the_oldest_is_forgotten() -> None:
    once: Once[int] = Once(10.0)
    known = [once.put(number, now=0.0) for number in range(MAX_THINGS + 1)]
    assert once.take(known[0], now=1.0) is None
    assert once.take(known[1], now=1.0) == 1


def test_a_way_has_secrets_of_its_own_and_its_challenge_is_the_standards() -> None:
    one, other = Flow("library", "b"), Flow("library", "b")
    assert one.nonce != other.nonce and one.verifier != other.verifier
    # RFC 7636, appendix B
    known = Flow("library", "b", verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    assert known.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.parametrize(
    ("email", "comes"),
    [
        ("ada@example.org", True),
        ("ada@EXAMPLE.org", True),
        ("ada@sub.example.org", False),
        ("ada@evil-example.org", False),
        ("example.org", False),
        ("ada@example.org@evil.example", False),
        ("", False),
    ],
)
def test_only_people_of_these_domains_come(email: str, comes: bool) -> None:
    assert may_come(email, ["example.org"]) is comes
    assert may_come(email, [])


@pytest.mark.parametrize(
    "text", ["", "ada", "a@b@c", "a b@c", "@c", "a@", "x" * 65 + "@c", 7, None]
)
def test_what_is_no_address_is_none(text: object) -> None:
    assert address(text) == ""
    assert address(" Ada@Example.org ") == "ada@example.org"


def test_groups_make_a_role() -> None:
    assert role_of(["a", "staff"], ["staff"], []) is Role.LIBRARIAN
    assert role_of(["root"], ["staff"], []) is Role.STUDENT
    assert role_of(["root", "staff"], ["staff"], ["root"]) is Role.ADMIN
    assert role_of([], [], []) is Role.STUDENT


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"given_name": "Ada", "family_name": "Lovelace"}, ("Ada", "Lovelace")),
        ({"name": "Ada Lovelace"}, ("Ada", "Lovelace")),
        ({"name": 7}, ("ada", "")),
        ({"given_name": "x" * 500}, ("x" * 200, "")),
    ],
)
def test_a_name_is_what_the_provider_says_of_it(
    claims: dict[str, object], said: tuple[str, str]
) -> None:
    assert names(claims, "ada@example.org") == said


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://sso.example", True),
        ("http://127.0.0.1:9", True),
        ("http://sso.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("file:///etc/passwd", False),
        ("//sso.example", False),
        ("", False),
    ],
)
def test_nothing_is_sent_in_the_clear(url: str, safe: bool) -> None:
    assert is_safe_url(url) is safe


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PROVIDER.format(name="library", issuer="https://sso.example"), "public_url"),
        (PUBLIC + PROVIDER.format(name="library", issuer="http://sso.example"), "issuer"),
        (PUBLIC + PROVIDER.format(name="No-Name", issuer="https://sso.example"), "No-Name"),
        (PUBLIC + '[oidc.providers.library]\nclient_secret = "s3cret"\n', "client_secret"),
        ('[oidc]\npublic_url = "luna.example"\n', "public_url"),
    ],
)
def test_a_wrong_setting_is_named_and_no_secret_is_shown(
    tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "settings.toml").write_text(text)
    with pytest.raises(SetupError, match=said) as raised:
        load(tmp_path)
    assert "s3cret" not in str(raised.value)
