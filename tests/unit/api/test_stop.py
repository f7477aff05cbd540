"""What still waits for its turn when the caller has given up: a stop is done all the same, a resume is not."""

import asyncio
import threading
from collections.abc import Awaitable, Iterable, Iterator
from pathlib import Path

import pytest

from api import stop
from api.metrics import Metrics
from api.stop import Stopper
from edge.domain.errors import UnavailableError
from edge.domain.users import Role
from firmware_bridge.sockets import StopReceipt


class FrozenGate:
    """Takes what it is asked, and answers nothing until `thaw`."""

    def __init__(self) -> None:
        self.thaw = threading.Event()
        self.stops: list[str] = []
        self.resumes: list[str] = []

    def request_stop(self, _: Path, *, who: str, **__: object) -> StopReceipt:
        self.stops.append(who)
        self.thaw.wait(10)
        return StopReceipt("event", False)

    def request_resume(self, _: Path, *, who: str, **__: object) -> None:
        self.resumes.append(who)
        self.thaw.wait(10)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[FrozenGate]:
    gate = FrozenGate()
    monkeypatch.setattr(stop, "request_stop", gate.request_stop)
    monkeypatch.setattr(stop, "request_resume", gate.request_resume)
    monkeypatch.setattr(stop, "DEADLINE_S", 0.05)
    yield gate
    gate.thaw.set()


async def unavailable(asked: Iterable[Awaitable[object]]) -> None:
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(answer) for answer in answers} == {UnavailableError}


@pytest.mark.asyncio
async def test_only_stops_are_done_late(gate: FrozenGate, tmp_path: Path) -> None:
    stopper = Stopper(tmp_path, Metrics())
    names = [str(number) for number in range(stop.THREADS + 2)]
    await unavailable(stopper.resume(name) for name in names)
    await unavailable(stopper.stop(name, Role.KIOSK) for name in names)

    gate.thaw.set()
    await stopper.stop("last", Role.KIOSK)
    stopper.close()
    assert gate.resumes == names[: stop.THREADS]
    assert gate.stops == [*names, "last"]
