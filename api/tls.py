"""HTTPS for everybody but the robot's own screen, by the certificate that `luna tls` makes.

What is wrong with a certificate never takes STOP from the screen: plain HTTP on loopback runs whatever happens here.
And never is anything spoken in plain to the network because of it.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from edge import logs
from edge.domain.errors import LunaError
from edge.settings import Settings

if TYPE_CHECKING:  # else only where HTTPS is switched on: 10 MB
    from edge.certificates import Certificate

log = logs.get("api.tls")

LOOK_EVERY_S = 30.0
HSTS = (b"strict-transport-security", b"max-age=2592000")
"""A browser that trusted us once takes nothing less for a month; no longer, for who switches HTTPS off again."""

Listen = Callable[[ssl.SSLContext], Awaitable[None]]


class Tls:
    """The certificate as it is on disk now: who renews it has nothing to restart."""

    def __init__(self, settings: Settings) -> None:
        self._data_dir = settings.data_dir
        self.settings = settings.api
        self._context: ssl.SSLContext | None = None
        self._certificate: Certificate | None = None
        self._seen = 0
        self._listens = False
        self._trouble = ""

    @property
    def enabled(self) -> bool:
        return self.settings.tls

    @property
    def authority(self) -> Path:
        """The certificate that devices have to trust, where this robot made it."""
        return self._data_dir / "tls" / "ca.crt"

    @property
    def ends(self) -> datetime | None:
        """When the certificate ends; None without one."""
        return self._certificate.ends if self._certificate else None

    def trouble(self) -> str:
        """Why devices cannot use HTTPS, or soon cannot; empty where all is well or it is switched off."""
        if self._trouble or self._certificate is None:
            return self._trouble
        return self._certificate.trouble(datetime.now(UTC))

    async def keep(self, listen: Listen) -> None:
        """Look at the certificate, now and then, for ever."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.look(listen)

    async def look(self, listen: Listen) -> None:
        """Load the certificate if it changed, listen as soon as there is one, and renew it if it ends soon."""
        was = self._trouble
        try:
            self._load()
            if self._context is not None and not self._listens:
                await listen(self._context)
                self._listens = True
            self._renew()
            self._trouble = ""
        except LunaError as error:
            self._trouble = str(error)
        except OSError as error:  # of ssl too
            self._trouble = f"HTTPS: {error.strerror or error}."
        # Of whoever reads odd certificates: STOP must go on all the same.
        except Exception as error:
            self._trouble = f"HTTPS: {error!r}."
        if self._trouble != was:
            log.error("https", trouble=self._trouble) if self._trouble else log.info("https works")

    def _load(self) -> None:
        """Raises LunaError, OSError."""
        from edge import certificates

        path = certificates.files(self._data_dir).server
        changed = path.stat().st_mtime_ns if path.exists() else 0
        if changed and changed == self._seen:
            return
        self._certificate = certificates.examine(self._data_dir)
        context = self._context or _context()
        context.load_cert_chain(path)
        self._context, self._seen = context, changed

    def _renew(self) -> None:
        """Raises LunaError, OSError; the certificate of until now goes on being shown then."""
        from edge import certificates

        now = datetime.now(UTC)
        if self._certificate is not None and self._certificate.is_due(now):
            certificates.renew(self._data_dir, certificates.own_addresses(), now)
            self._load()
            log.info("the certificate is renewed", ends=self.ends)


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context
