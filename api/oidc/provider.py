"""What all kinds of providers have in common."""

import abc
import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from edge import settings
from edge.domain.errors import ForbiddenError
from edge.domain.identities import Identity, may_come, role_of
from edge.domain.users import Role

if TYPE_CHECKING:
    from api.oidc.http import Asker

MAX_NAME = 200


@dataclass(frozen=True, slots=True)
class Flow:
    """One person's way to a provider and back, known by its `state`.

    `browser`: the hash of what the cookie of the browser that began holds; `nonce`, `verifier`: of OpenID Connect and
    PKCE; `user_id`, `session`: who links this provider to their account, while signed in.
    """

    provider: str
    browser: str
    user_id: str = ""
    session: str = ""
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(eq=False, repr=False)
class Provider(abc.ABC):
    """One that is set up here, by its kind.

    `redirect_uri`: where browsers come back to, one for each provider, so that none can pass for another.
    """

    settings: settings.Provider
    _secret: str
    _redirect_uri: str
    _asker: "Asker"

    @abc.abstractmethod
    def __post_init__(self) -> None:
        """What only this kind needs."""

    @abc.abstractmethod
    async def where(self, flow: Flow, state: str) -> str:
        """The address that the browser is sent to. Raises ProviderAwayError."""

    @abc.abstractmethod
    async def identity(self, flow: Flow, code: str, issuer: str | None) -> Identity:
        """Who came back with `code`; `issuer`: who the answer says it is from, where it says so.

        Raises ProviderAwayError, SignInRefusedError.
        """


def authorize(endpoint: str, query: Mapping[str, str], flow: Flow, state: str) -> str:
    """The address of an authorization request."""
    all_of_it = {
        "response_type": "code",
        **query,
        "state": state,
        "code_challenge": flow.challenge,
        "code_challenge_method": "S256",
    }
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(all_of_it)}"


def exchange(code: str, flow: Flow, redirect_uri: str) -> dict[str, str]:
    """The form of a token request."""
    return {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": flow.verifier,
    }


def names(claims: Mapping[str, Any], email: str) -> tuple[str, str]:
    """First and last name, as far as somebody says them."""
    first, last = _text(claims.get("given_name")), _text(claims.get("family_name"))
    if not first:
        first, _, last = (_text(claims.get("name")) or email.partition("@")[0]).partition(" ")
    return first[:MAX_NAME] or "Reader", last[:MAX_NAME]


def check_domain(who: Identity, provider: settings.Provider) -> None:
    """Raises ForbiddenError for people of other domains than the provider's allowed ones."""
    domains = provider.allowed_domains
    if domains and not (who.email_verified and may_come(who.email, domains)):
        raise ForbiddenError("DOMAIN_NOT_ALLOWED")


def role_by_claim(claims: Mapping[str, Any], provider: settings.Provider) -> Role | None:
    """What the provider's groups make of somebody; None where it has no say."""
    if not provider.role_claim:
        return None
    found = claims.get(provider.role_claim)
    groups = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    texts = [one for one in groups if isinstance(one, str)]
    return role_of(texts, provider.librarians, provider.admins)


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
