"""The parts that handlers use, made once by create_app."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from api.errors import ExpiredError
from api.intake import Intake
from api.live import Live
from api.maps import MapFile
from api.metrics import Metrics
from api.oidc.providers import Providers
from api.security import Secrets, Tokens
from api.stop import Stopper
from api.tls import Tls
from edge.domain.users import Actor
from edge.settings import Settings
from edge.store.database import Database, Reader, Transaction

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Context:
    settings: Settings
    database: Database
    live: Live
    tokens: Tokens
    secrets: Secrets
    stopper: Stopper
    intake: Intake
    map: MapFile
    metrics: Metrics
    providers: Providers
    tls: Tls
    boot_id: str

    def read(self, query: Callable[[Reader], T]) -> T:
        """On the event loop: a read takes microseconds, less than a change of thread."""
        return self.database.read(query)

    async def write(self, actor: Actor, work: Callable[[Transaction], T]) -> T:
        """`work` in a transaction of the writer's thread; durable when this returns."""
        return await asyncio.wrap_future(self.database.submit(actor, work))

    def refuse_late(self, expires_at: datetime | None) -> None:
        """An order to move that lay somewhere is not obeyed. Raises ExpiredError."""
        if expires_at is not None and expires_at <= datetime.now(UTC):
            raise ExpiredError("TOO_LATE")
