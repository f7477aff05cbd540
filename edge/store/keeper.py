"""Looks after the store of a running robot: ballast, copies, examination, forgetting. One process has it: the api."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from edge.settings import Settings
from edge.store import backup, examination, retention
from edge.store.ballast import Ballast
from edge.store.database import Database

log = logging.getLogger(__name__)

TICK_S = 2.0
"""So soon after there is room again, the robot takes on new work."""
FIRST_LOOK_S, FIRST_FORGETTING_S = 5.0, 600.0
DAY_S = 86_400.0


class Keeper:
    """`tick` does what is due; `start` calls it every TICK_S in a thread of its own."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        store = settings.store
        self._store, self._folder = store, settings.backups_dir
        self._database, self._monotonic = database, monotonic
        self._ages = retention.Ages(
            store.history_days,
            store.notifications_days,
            store.audit_days,
            tombstones_wait=settings.mqtt.enabled,
        )
        self._ballast = Ballast.beside(database.path)
        self._copied_version: int | None = None
        now = monotonic()
        self._due: dict[Callable[[], None], float] = {
            self._load: now,
            self._look: now + FIRST_LOOK_S,
            self._forget: now + FIRST_FORGETTING_S,
        }
        self._every = {self._load: 0.0, self._look: DAY_S, self._forget: DAY_S}
        if store.backup_every_s:
            self._due[self._copy] = now + store.backup_every_s
            self._every[self._copy] = store.backup_every_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def tick(self) -> None:
        """What is due, each once; what fails is said, and tried again when it is due again."""
        for act, due in list(self._due.items()):
            if self._monotonic() >= due and not self._over.is_set():
                self._due[act] = self._monotonic() + self._every[act]
                try:
                    act()
                except Exception as error:
                    log.warning("%s: %s", _WHAT[act.__name__], error)

    def _run(self) -> None:
        self.tick()
        while not self._over.wait(TICK_S):
            self.tick()

    def _load(self) -> None:
        spent = self._ballast.spent
        if self._ballast.load() and spent:
            log.warning("there is room on the disk again: the ballast is back")

    def _look(self) -> None:
        found = examination.problems(self._database.path)
        if found:
            self._database.refuse(found)

    def _forget(self) -> None:
        removed = retention.forget(self._database, self._ages, clock=self._database.clock)
        if removed:
            log.info("forgotten: %s", removed)

    def _copy(self) -> None:
        """Not where nothing has changed since the last one: a card wears out by writing."""
        version = self._database.data_version()
        if version == self._copied_version:
            return
        made: Path = backup.back_up(self._database.path, self._folder, clock=self._database.clock)
        self._copied_version = version
        backup.rotate(
            self._folder, newest=self._store.backups_kept, days=self._store.backup_days_kept
        )
        log.info("a copy of the store was made: %s", made.name)


_WHAT = {
    "_load": "the ballast",
    "_look": "the store could not be examined",
    "_forget": "old records could not be removed",
    "_copy": "no copy of the store could be made",
}
