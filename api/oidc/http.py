"""Asking a provider: never for long, never for much, never anywhere else than where it was meant to go."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping
from typing import Any

import httpx2
import orjson

from edge import logs
from edge.domain.errors import ProviderAwayError, SignInRefusedError

log = logs.get("api.oidc")

TIMEOUT_S = 5.0
MAX_BYTES = 1 << 20
FRESH_S = 3600.0
"""How long what a provider says of itself is taken to be so."""
AGAIN_S = 30.0
"""And how soon it may be asked again at the earliest, where a key is not among those it told."""


class Asker:
    """Asks one provider, called `label` on the page."""

    def __init__(self, label: str, client: httpx2.AsyncClient) -> None:
        self._label = label
        self._client = client

    async def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> Any:
        """The answer's JSON. Raises ProviderAwayError; SignInRefusedError where it says no."""
        try:
            # In all: who sends a byte now and then is away too.
            async with asyncio.timeout(TIMEOUT_S):
                status, body = await self._send(method, url, headers or {}, form, auth)
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, ValueError) as error:
            raise self._away(type(error).__name__) from error
        if 400 <= status < 500 and status != 429:
            said = body.get("error") if isinstance(body, dict) else None
            raise SignInRefusedError(f"the provider answered {status} {said!r:.60}")
        if status != 200:
            raise self._away(f"status {status}")
        return body

    async def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        form: Mapping[str, str] | None,
        auth: tuple[str, str] | None,
    ) -> tuple[int, Any]:
        accept = {"Accept": "application/json", **headers}
        request = self._client.build_request(method, url, headers=accept, data=form)
        sent = await self._client.send(
            request, stream=True, auth=httpx2.BasicAuth(*auth) if auth else None
        )
        try:
            read = b""
            async for part in sent.aiter_bytes():
                read += part
                if len(read) > MAX_BYTES:
                    raise ValueError("the answer is too long")
        finally:
            await sent.aclose()
        if sent.status_code != 200:
            with contextlib.suppress(ValueError):
                return sent.status_code, orjson.loads(read)
            return sent.status_code, None
        return 200, orjson.loads(read)

    def _away(self, why: str) -> ProviderAwayError:
        log.warning("a provider does not answer", provider=self._label, why=why)
        return ProviderAwayError(self._label)


class Remembered:
    """A document of a provider, kept for a while; an old one is better than none while the provider is away."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._document: dict[str, Any] | None = None
        self._asked_at = -FRESH_S

    async def get(self, url: str, *, newer_than_s: float = FRESH_S) -> dict[str, Any]:
        """Raises ProviderAwayError, SignInRefusedError."""
        if self._document is not None and time.monotonic() - self._asked_at < newer_than_s:
            return self._document
        try:
            found = await self._asker.ask("GET", url)
            if not isinstance(found, dict):
                raise SignInRefusedError("the provider's document is no object")
        except (ProviderAwayError, SignInRefusedError):
            if self._document is None:
                raise
        else:
            self._document = found
        self._asked_at = time.monotonic()
        return self._document


def http_client() -> httpx2.AsyncClient:
    # It would write down each address it asks.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    return httpx2.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False)
