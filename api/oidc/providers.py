"""The providers that are set up on this robot, and who is on the way to them and back."""

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from api.oidc.once import Once
from api.oidc.provider import Flow, Provider
from edge.domain.errors import NotFoundError, SignInRefusedError
from edge.settings import Oidc

if TYPE_CHECKING:
    import httpx2

PATH = "/api/v1/auth/oidc"
FLOW_S = 600.0
"""How long somebody may take at a provider."""
TICKET_S = 60.0
"""How soon the page has to ask for the tokens of who came back."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """Who has come back, in which browser."""

    user_id: str
    browser: str


class Providers:
    """None where none is set up: then nothing that they need is even loaded."""

    def __init__(self, oidc: Oidc, data_dir: Path) -> None:
        self.public_url = oidc.public_url
        self._flows: Once[Flow] = Once(FLOW_S)
        self._tickets: Once[Ticket] = Once(TICKET_S)
        self._client: httpx2.AsyncClient | None = None
        self._known: dict[str, Provider] = {}
        if oidc.providers:
            self._set_up(oidc, data_dir)

    def _set_up(self, oidc: Oidc, data_dir: Path) -> None:
        from api.oidc.github import GitHub  # with httpx2, joserfc and cryptography: 20 MB
        from api.oidc.http import Asker, http_client
        from api.oidc.openid import OpenId

        self._client = http_client()
        for name, provider in oidc.providers.items():
            kind = GitHub if provider.kind == "github" else OpenId
            back = f"{oidc.public_url}{PATH}/{name}/callback"
            asker = Asker(provider.label, self._client)
            self._known[name] = kind(provider, _secret(data_dir, name), back, asker)

    def __iter__(self) -> Iterator[tuple[str, Provider]]:
        return iter(self._known.items())

    def get(self, name: str) -> Provider:
        """Raises NotFoundError."""
        if name not in self._known:
            raise NotFoundError("NO_SUCH_PROVIDER")
        return self._known[name]

    def start_url(self, name: str) -> str:
        """What a button goes to: absolute, because the browser has to come back to the same name of the robot."""
        return f"{self.public_url}{PATH}/{name}/start"

    async def begin(self, name: str, cookie: str, *, user_id: str = "", session: str = "") -> str:
        """Where to send the browser that holds this cookie. Raises NotFoundError, ProviderAwayError."""
        provider = self.get(name)
        flow = Flow(name, browser_of(cookie), user_id, session)
        return await provider.where(flow, self._flows.put(flow))

    def come_back(self, name: str, state: str, cookie: str | None) -> Flow:
        """Raises SignInRefusedError where this browser has not begun this way to this provider just now."""
        flow = self._flows.take(state)
        if flow is None:
            raise SignInRefusedError("the state is unknown, old or used")
        if flow.provider != name:
            raise SignInRefusedError("the state is another provider's")
        if cookie is None or not hmac.compare_digest(flow.browser, browser_of(cookie)):
            raise SignInRefusedError("another browser began")
        return flow

    def ticket(self, user_id: str, flow: Flow) -> str:
        return self._tickets.put(Ticket(user_id, flow.browser))

    def redeem(self, ticket: str, cookie: str | None) -> str:
        """Whose session may be opened. Raises SignInRefusedError."""
        found = self._tickets.take(ticket)
        if found is None or cookie is None:
            raise SignInRefusedError("the ticket is unknown, old or used")
        if not hmac.compare_digest(found.browser, browser_of(cookie)):
            raise SignInRefusedError("the ticket is another browser's")
        return found.user_id

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()


def new_cookie() -> str:
    return secrets.token_urlsafe(32)


def browser_of(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()


def _secret(data_dir: Path, name: str) -> str:
    """Empty for a provider that asks for none: PKCE then stands alone."""
    given = os.environ.get(f"LUNA_OIDC_SECRET_{name.upper()}")
    path = data_dir / "secrets" / f"oidc-{name}"
    if given is None and path.exists():
        given = path.read_text(encoding="utf-8")
    return (given or "").strip()
