"""Catalogue files that come by HTTP: onto the disk first, then through one thread that yields to everything else."""

import asyncio
import os
import shutil
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from starlette.datastructures import UploadFile
from starlette.requests import Request

from edge.domain.errors import ConflictError, ValidationError
from edge.domain.users import Actor
from edge.services.imports import Write
from edge.store.database import Database, Transaction

T = TypeVar("T")

NICENESS = 10
MAX_NAME = 200
PREFIX = "import-"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that somebody sent; `fields` are the form's others."""

    path: Path
    name: str
    fields: dict[str, str]


class Intake:
    """One catalogue file is worked on at a time. `folder`: where files lie meanwhile."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder
        self._thread = ThreadPoolExecutor(1, "intake", initializer=_be_nice)
        self._busy = False
        for left in folder.glob(f"{PREFIX}*"):  # by a crash
            left.unlink(missing_ok=True)

    async def run(self, actor: Actor, work: Callable[[Write[Any]], T]) -> T:
        """`work` with something to write by, in the thread. Raises ConflictError while another is worked on."""
        if self._busy:
            raise ConflictError("INTAKE_BUSY")
        self._busy = True

        def write(change: Callable[[Transaction], Any]) -> Any:
            began = time.monotonic()
            done = self._database.write(actor, change)
            # Other processes write too, and SQLite's lock knows no queue: leave them every other moment.
            time.sleep(time.monotonic() - began)
            return done

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, write)
        finally:
            self._busy = False

    @asynccontextmanager
    async def receive(self, request: Request) -> AsyncIterator[Upload]:
        """The form's file `file`, there until the block ends. Raises ValidationError."""
        async with request.form(max_files=1, max_fields=5) as form:
            sent = form.get("file")
            if not isinstance(sent, UploadFile):
                raise ValidationError("FILE_WANTED", field="file")
            fields = {name: value for name, value in form.items() if isinstance(value, str)}
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folder, prefix=PREFIX) as kept:
                await asyncio.to_thread(shutil.copyfileobj, sent.file, kept)
                kept.flush()
                yield Upload(Path(kept.name), (sent.filename or "")[:MAX_NAME], fields)

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)


def _be_nice() -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
