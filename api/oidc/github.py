"""GitHub: OAuth 2 without an id token. Who somebody is, its API says."""

from typing import Any

from api.oidc.provider import Flow, Provider, authorize, exchange, names
from edge.domain.errors import SignInRefusedError
from edge.domain.identities import Identity, address

SCOPE = "read:user user:email"


class GitHub(Provider):
    """Also one of a firm's own (GitHub Enterprise Server), by its `issuer`."""

    def __post_init__(self) -> None:
        self._site = self.settings.issuer.rstrip("/")
        public = self._site == "https://github.com"
        self._api = "https://api.github.com" if public else f"{self._site}/api/v3"

    async def where(self, flow: Flow, state: str) -> str:
        query = {
            "client_id": self.settings.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": SCOPE,
        }
        return authorize(f"{self._site}/login/oauth/authorize", query, flow, state)

    async def identity(self, flow: Flow, code: str, issuer: str | None) -> Identity:
        if issuer not in (None, self._site, f"{self._site}/login/oauth"):
            raise SignInRefusedError("the answer names another issuer")
        form = exchange(code, flow, self._redirect_uri)
        form |= {"client_id": self.settings.client_id, "client_secret": self._secret}
        endpoint = f"{self._site}/login/oauth/access_token"
        tokens = await self._asker.ask("POST", endpoint, form=form)
        token = tokens.get("access_token") if isinstance(tokens, dict) else None
        if not isinstance(token, str):  # a wrong code is answered by 200 and an error
            raise SignInRefusedError("GitHub gave no access token")
        user = await self._told(token, "/user")
        if not isinstance(user, dict) or not isinstance(user.get("id"), int):
            raise SignInRefusedError("GitHub did not say who it is")
        email = _main_address(await self._told(token, "/user/emails"))
        first, last = names(user, email or str(user.get("login", "")))
        subject = str(user["id"])  # not the login, which somebody else may have next year
        return Identity(self.settings.issuer, subject, email, bool(email), first, last)

    async def _told(self, token: str, path: str) -> Any:
        headers = {"Authorization": f"Bearer {token}", "X-GitHub-Api-Version": "2022-11-28"}
        return await self._asker.ask("GET", self._api + path, headers=headers)


def _main_address(addresses: object) -> str:
    """The verified address that somebody has chosen as theirs; empty where there is none."""
    for one in addresses if isinstance(addresses, list) else []:
        if isinstance(one, dict) and one.get("primary") is True and one.get("verified") is True:
            return address(one.get("email"))
    return ""
