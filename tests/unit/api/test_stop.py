"""What still waits for its turn when the caller has given up: a stop is done all the same, a resume is not."""

import asyncio
import threading
from collections import Counter
from collections.abc import Awaitable, Iterable, Iterator
from pathlib import Path

import pytest

from api import stop
from api.metrics import Metrics
from api.stop import Stopper
from edge.domain.errors import UnavailableError
from edge.domain.users import Role
from firmware_bridge.sockets import StopReceipt

PATIENCE_S = 20.0


class FrozenGate:
    """Takes what it is asked, and answers nothing until `thaw`."""

    def __init__(self) -> None:
        self.thaw = threading.Event()
        self.stops: list[str] = []
        self.resumes: list[str] = []

    def request_stop(self, _: Path, *, who: str, **__: object) -> StopReceipt:
        self.stops.append(who)
        self.thaw.wait(PATIENCE_S)
        return StopReceipt("event", False)

    def request_resume(self, _: Path, *, who: str, **__: object) -> None:
        self.resumes.append(who)
        self.thaw.wait(PATIENCE_S)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[FrozenGate]:
    gate = FrozenGate()
    monkeypatch.setattr(stop, "request_stop", gate.request_stop)
    monkeypatch.setattr(stop, "request_resume", gate.request_resume)
    yield gate
    gate.thaw.set()


async def unavailable(asked: Iterable[Awaitable[object]]) -> None:
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(answer) for answer in answers} == {UnavailableError}


@pytest.mark.asyncio
async def test_only_stops_are_done_late(
    gate: FrozenGate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopper = Stopper(tmp_path, Metrics())
    monkeypatch.setattr(stop, "DEADLINE_S", PATIENCE_S)
    first = [asyncio.create_task(stopper.stop("first", Role.KIOSK)) for _ in range(stop.THREADS)]
    async with asyncio.timeout(PATIENCE_S):
        while len(gate.stops) < stop.THREADS:
            await asyncio.sleep(0.001)

    monkeypatch.setattr(stop, "DEADLINE_S", 0.05)
    names = ["one", "two", "three"]
    await unavailable(stopper.resume(name) for name in names)
    await unavailable(stopper.stop(name, Role.KIOSK) for name in names)

    monkeypatch.setattr(stop, "DEADLINE_S", PATIENCE_S)
    gate.thaw.set()
    await asyncio.gather(*first, stopper.stop("last", Role.KIOSK))
    stopper.close()
    assert gate.resumes == []
    assert Counter(gate.stops) == Counter([*["first"] * stop.THREADS, *names, "last"])
