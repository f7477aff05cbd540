"""`Idempotency-Key`: the same key and body from the same user gives the first answer again, also after a restart."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from pydantic import BaseModel

from api import envelope
from api.context import Context
from api.deps import Key, Principal, Robot
from edge.services import idempotency
from edge.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Creating:
    """One POST that creates: the record is made once, and answered 201 each time."""

    context: Context
    path: str
    key: str | None

    async def create(
        self, who: Principal, body: BaseModel, work: Callable[[Transaction], dict[str, Any]]
    ) -> Response:
        """Make the record by `work`, which gives what is answered, unless this key has made it already."""
        if self.key is None:
            return envelope.one(await self.context.write(who.actor, work), status=201)
        key, fingerprint = self.key, self._fingerprint(body)

        def at_most_once(tx: Transaction) -> tuple[int, Any]:
            known = idempotency.recall(tx, who.id, key, fingerprint)
            if known is not None:
                return known
            made = work(tx)
            idempotency.remember(tx, who.id, key, fingerprint, 201, made)
            return 201, made

        status, made = await self.context.write(who.actor, at_most_once)
        return envelope.one(made, status=status)

    def _fingerprint(self, body: BaseModel) -> str:
        return hashlib.sha256(f"{self.path}\n{body.model_dump_json()}".encode()).hexdigest()


async def _creating(request: Request, robot: Robot, key: Key = None) -> Creating:
    return Creating(robot, request.url.path, key)


Once = Annotated[Creating, Depends(_creating)]
