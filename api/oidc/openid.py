"""OpenID Connect: authorization code flow with PKCE, state and nonce; the id token is checked as its core spec says."""

import hmac
from typing import Any
from urllib.parse import quote

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from api.oidc.http import AGAIN_S, FRESH_S, Remembered
from api.oidc.provider import Flow, Provider, authorize, exchange, names, role_by_claim
from edge import settings
from edge.domain.errors import SignInRefusedError
from edge.domain.identities import Identity, address

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
"""By the provider's public key alone: never `none`, never HS256, whose key would be something that we hold too."""
LEEWAY_S = 60
SCOPE = "openid email profile"
DISCOVERY = "/.well-known/openid-configuration"


class OpenId(Provider):
    """Any of them, by its discovery document."""

    def __post_init__(self) -> None:
        self._discovered = Remembered(self._asker)
        self._keys = Remembered(self._asker)

    async def where(self, flow: Flow, state: str) -> str:
        about = await self._about()
        query = {
            "client_id": self.settings.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": SCOPE,
            "nonce": flow.nonce,
        }
        return authorize(_endpoint(about, "authorization_endpoint"), query, flow, state)

    async def identity(self, flow: Flow, code: str, issuer: str | None) -> Identity:
        about = await self._about()
        told = about.get("authorization_response_iss_parameter_supported") is True
        if issuer != self.settings.issuer and (told or issuer is not None):
            raise SignInRefusedError("the answer names another issuer, or none")
        tokens = await self._exchange(about, flow, code)
        claims = await self._read(about, tokens.get("id_token"), flow.nonce)
        if "email" not in claims and "userinfo_endpoint" in about:
            claims = {**await self._userinfo(about, tokens, claims["sub"]), **claims}
        return _identity(claims, self.settings)

    async def _about(self) -> dict[str, Any]:
        """What the provider says of itself."""
        about = await self._discovered.get(self.settings.issuer.rstrip("/") + DISCOVERY)
        if about.get("issuer") != self.settings.issuer:
            raise SignInRefusedError("the discovery document is another issuer's")
        return about

    async def _exchange(self, about: dict[str, Any], flow: Flow, code: str) -> dict[str, Any]:
        form = exchange(code, flow, self._redirect_uri)
        ways = about.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        auth = None
        if self._secret and "client_secret_basic" in ways:
            auth = (quote(self.settings.client_id, safe=""), quote(self._secret, safe=""))
        else:
            form["client_id"] = self.settings.client_id
            form |= {"client_secret": self._secret} if self._secret else {}
        endpoint = _endpoint(about, "token_endpoint")
        tokens = await self._asker.ask("POST", endpoint, form=form, auth=auth)
        if not isinstance(tokens, dict):
            raise SignInRefusedError("the token answer is no object")
        return tokens

    async def _read(self, about: dict[str, Any], token: object, nonce: str) -> dict[str, Any]:
        """The claims of an id token. Raises SignInRefusedError where anything about it is not right."""
        if not isinstance(token, str):
            raise SignInRefusedError("there is no id token")
        try:
            claims = await self._decode(about, token)
            jwt.JWTClaimsRegistry(
                leeway=LEEWAY_S,
                iss={"essential": True, "value": self.settings.issuer},
                aud={"essential": True, "value": self.settings.client_id},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
            ).validate(claims)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise SignInRefusedError(f"the id token: {type(error).__name__}") from error
        party = claims.get("azp")
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (several or party is not None) and party != self.settings.client_id:
            raise SignInRefusedError("the id token is for another party")
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise SignInRefusedError("the id token has another nonce")
        return claims

    async def _decode(self, about: dict[str, Any], token: str) -> dict[str, Any]:
        """By the keys that are known; where none fits, by those that the provider tells by now."""
        endpoint = _endpoint(about, "jwks_uri")
        for age_s in (FRESH_S, AGAIN_S):
            keys = KeySet.import_key_set(
                _key_set(await self._keys.get(endpoint, newer_than_s=age_s))
            )
            try:
                return dict(jwt.decode(token, keys, algorithms=ALGORITHMS).claims)
            except JoseError:
                if age_s == AGAIN_S:
                    raise
        raise AssertionError

    async def _userinfo(
        self, about: dict[str, Any], tokens: dict[str, Any], subject: str
    ) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {tokens.get('access_token')}"}
        endpoint = _endpoint(about, "userinfo_endpoint")
        found = await self._asker.ask("GET", endpoint, headers=headers)
        if not isinstance(found, dict) or found.get("sub") != subject:
            raise SignInRefusedError("the user info is another's")
        return found


def _endpoint(about: dict[str, Any], name: str) -> str:
    url = about.get(name)
    if not isinstance(url, str) or not settings.is_safe_url(url):
        raise SignInRefusedError(f"the discovery document has no safe {name}")
    return url


def _key_set(document: dict[str, Any]) -> Any:
    """Only keys that sign, and of kinds that are known: one odd key does not spoil the others."""
    keys = document.get("keys")
    known = ("RSA", "EC", "OKP")
    if not isinstance(keys, list):
        raise SignInRefusedError("the provider's keys are no list")
    fit = [
        one
        for one in keys
        if isinstance(one, dict) and one.get("kty") in known and one.get("use", "sig") == "sig"
    ]
    return {"keys": fit}


def _identity(claims: dict[str, Any], provider: settings.Provider) -> Identity:
    email = address(claims.get("email"))
    first, last = names(claims, email)
    return Identity(
        issuer=provider.issuer,
        subject=claims["sub"],
        email=email,
        email_verified=claims.get("email_verified") in (True, "true"),
        first_name=first,
        last_name=last,
        role=role_by_claim(claims, provider),
    )
