"""What the HTTP benchmark asks: a library, once for us and once for the peers, and a server of each on one core."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import loads
from benchmarks.loads import Server
from benchmarks.peers import COLUMNS, SCHEMA
from edge.domain.users import SYSTEM
from edge.services import places
from edge.store import sqlite
from edge.store.database import Database, Transaction
from tests.support.ports import free_port
from tests.support.served import LANES, PASSWORD, SITE, add_people, make_data_dir

_AT = "2026-01-01T00:00:00.000Z"


@dataclass
class Library:
    """`used`: books that a request was made for already."""

    data_dir: Path
    books: int
    used: int = 0
    people: dict[str, str] = field(default_factory=dict)

    @classmethod
    def made(cls, data_dir: Path, books: int) -> "Library":
        settings = make_data_dir(data_dir)
        library = cls(data_dir, books)
        with contextlib.closing(Database.open(settings.store_path)) as store:
            store.write(SYSTEM, lambda tx: places.load_site(tx, SITE, LANES))
            library.people = add_people(store)
            for first in range(1, books + 1, 20_000):
                numbers = range(first, min(first + 20_000, books + 1))
                store.write(SYSTEM, lambda tx, numbers=numbers: _add(tx, numbers))  # type: ignore[misc]
        return library

    def copy_for_peers(self, example: dict[str, object]) -> Path:
        """The same books, as they were answered, in a file of its own."""
        path = self.data_dir / f"peer-{free_port()}.db"
        with contextlib.closing(sqlite.connect(str(path))) as copy:
            copy.executescript(f"PRAGMA journal_mode = WAL; {SCHEMA} BEGIN")
            marks = ", ".join("?" * len(COLUMNS))
            copy.executemany(
                f"INSERT INTO books VALUES ({marks})",
                (
                    tuple((example | _book(n))[name] for name in COLUMNS)
                    for n in range(1, self.books + 1)
                ),
            )
            copy.execute("COMMIT")
        return path

    def posting(self, name: str) -> Path:
        return loads.posting(self.data_dir / f"{name}.lua", self.used + 1, self.books)


def _book(number: int) -> dict[str, object]:
    return {
        "id": str(number),
        "isbn": f"978{number:010}",
        "title": f"The long title of novel number {number} on topic{number % 997:03}",
        "author": f"Author Name {number % 997}",
    }


def _add(tx: Transaction, numbers: range) -> None:
    for n in numbers:
        times = {"created_at": _AT, "updated_at": _AT}
        tx.insert("book", number=n, **_book(n), **times)
        words = {name: str(value).lower() for name, value in _book(n).items() if name != "id"}
        tx.insert("book_search", rowid=n, **words, call_number="", publisher="")
        tx.insert(
            "copy",
            id=f"c{n}",
            book_id=str(n),
            barcode=f"b{n}",
            status="AVAILABLE",
            location="A",
            shelf="A",
            **times,
        )


@contextlib.contextmanager
def ours(
    library: Library,
    module: str = "api",
    environment: dict[str, str] | None = None,
    *,
    one_core: bool = True,
) -> Iterator[Server]:
    """The product's process, and a student's token."""
    port = free_port()
    settings = {"LUNA_API__PORT": str(port), "LUNA_LOG": "file", "LUNA_API__ACCESS_TOKEN_S": "7200"}
    command = ["-m", module, "--data-dir", str(library.data_dir)]
    settings |= environment or {}
    with loads.serving(command, port, settings, one_core=one_core) as server:
        login = {"email": "student@example.org", "password": PASSWORD}
        told = loads.ask(server, "/api/v1/auth/login", login)
        assert isinstance(told, dict)
        yield Server(server.pid, port, {"Authorization": f"Bearer {told['data']['access_token']}"})


@contextlib.contextmanager
def peer(application: str, books: Path | None = None) -> Iterator[Server]:
    port = free_port()
    environment = {"BOOKS": str(books)} if books else {}
    command = loads.uvicorn(f"benchmarks.peers.{application}:app", port)
    with loads.serving(command, port, environment) as one:
        yield one
