"""A client that a generator made of the document alone plays the story of a book: nobody wrote a line of it."""

import contextlib
import importlib
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from edge.domain.inventory import BookDraft, CopyDraft
from edge.domain.tasks import TaskEvent
from edge.domain.users import SYSTEM
from edge.services import catalogue, places, tasks
from edge.store.database import Database
from tests.support.api_process import ApiProcess, api_process
from tests.support.gates import gate
from tests.support.served import LANES, PASSWORD, SITE, add_people, make_data_dir

PACKAGE = "generated_luna_client"
CONFIG = f"""
project_name_override: luna-client
package_name_override: {PACKAGE}
post_hooks: []
"""
"""Without its formatter: that would need a network to be installed."""


class Generated:
    """The generated package: `call("books.search", client, q="Emma")` calls its operation and gives the `data`."""

    def __init__(self) -> None:
        self._made: list[Any] = []

    def close(self) -> None:
        for one in self._made:
            one.get_httpx_client().close()

    def module(self, name: str) -> ModuleType:
        return importlib.import_module(f"{PACKAGE}.{name}")

    def model(self, name: str, **fields: Any) -> Any:
        return getattr(self.module("models"), name)(**fields)

    def client(self, api: ApiProcess, token: str = "") -> Any:
        kind = "AuthenticatedClient" if token else "Client"
        made = getattr(self.module("client"), kind)
        self._made.append(made(base_url=api.url, **({"token": token} if token else {})))
        return self._made[-1]

    def call(self, operation: str, client: Any, *path: str, **more: Any) -> Any:
        tag, _, name = operation.partition(".")
        module = self.module(f"api.{tag}.{tag}_{name}")
        answer = module.sync_detailed(*path, client=client, **more)
        assert answer.status_code in (200, 201), answer.content
        return answer.parsed.data


@pytest.fixture(scope="module")
def generated(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generated]:
    directory = tmp_path_factory.mktemp("client")
    (directory / "config.yml").write_text(CONFIG)
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning"]
    where = ["--output-path", str(directory / "made"), "--config", str(directory / "config.yml")]
    document = ["--path", str(root / "docs" / "openapi.json")]
    made = subprocess.run(
        [*command, *document, *where], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stdout + made.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(directory / "made"))
        with contextlib.closing(Generated()) as one:
            yield one
    for name in [one for one in sys.modules if one.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("robot")
    settings = make_data_dir(directory)
    with contextlib.closing(Database.open(settings.store_path)) as store:
        store.write(SYSTEM, lambda tx: places.load_site(tx, SITE, LANES))
        draft = BookDraft("Emma", "Jane Austen", isbn="9780141439587")
        store.write(SYSTEM, lambda tx: catalogue.add_book(tx, draft, copies=[CopyDraft()]))
        add_people(store)
    return directory


@pytest.fixture(scope="module")
def api(data_dir: Path) -> Iterator[ApiProcess]:
    with gate(data_dir), api_process(data_dir) as one:
        one.wait_until_told("WATCHDOG=1")
        one.wait_until_it_listens()
        yield one


def drive(data_dir: Path, task_id: str, *events: TaskEvent) -> None:
    """What the robot does, which is not here."""
    with contextlib.closing(Database.open(data_dir / "luna.db")) as store:
        for event in events:
            store.write(SYSTEM, partial(tasks.apply, task_id=task_id, event=event))


def sign_in(lib: Generated, api: ApiProcess, email: str, password: str) -> Any:
    body = lib.model("Login", email=email, password=password)
    session = lib.call("auth.login", lib.client(api), body=body)
    return lib.client(api, session.access_token)


def test_the_story_of_a_book_is_played_by_a_client_that_nobody_wrote(
    generated: Generated, api: ApiProcess, data_dir: Path
) -> None:
    lib = generated
    kiosk = lib.client(api)
    reader = {"email": "ada@example.org", "password": PASSWORD}
    names = {"first_name": "Ada", "last_name": "Lovelace"}
    made = lib.call("auth.register", kiosk, body=lib.model("Registration", **reader, **names))
    assert made.user.role == "STUDENT" and made.user.created_at.year >= 2020
    student = sign_in(lib, api, **reader)
    librarian = sign_in(lib, api, "librarian@example.org", PASSWORD)

    (book,) = lib.call("books.search", student, q="aust em")
    body = lib.model("NewRequest", book_id=book.id, request_location="R1")
    request = lib.call("requests.create", student, body=body, idempotency_key="once")
    again = lib.call("requests.create", student, body=body, idempotency_key="once")
    assert again.id == request.id and request.status == "APPROVED"

    drive(data_dir, request.task_id, TaskEvent.ASSIGN, TaskEvent.START, TaskEvent.ARRIVE)
    (waiting,) = lib.call("deliveries.list_tasks", librarian)
    assert (waiting.step, waiting.request_id) == ("WAITING_FOR_LOAD", request.id)
    lib.call("deliveries.book_placed", librarian, waiting.id)
    drive(data_dir, request.task_id, TaskEvent.ARRIVE)
    seen = lib.call("requests.get_request", student, request.id)
    assert seen.status == "IN_PROGRESS"
    assert "Emma" in lib.call("notifications.list_notifications", student)[0].message

    lib.call("requests.complete", kiosk, request.id, body=lib.model("Completion", pin=request.pin))
    assert lib.call("requests.get_request", student, request.id).completed_at is not None
    happened = lib.call("deliveries.history", librarian, waiting.id)
    assert happened[-1].status == "COMPLETED"


def test_it_gives_the_book_back(generated: Generated, api: ApiProcess, data_dir: Path) -> None:
    lib = generated
    librarian = sign_in(lib, api, "librarian@example.org", PASSWORD)
    student = sign_in(lib, api, "other@example.org", PASSWORD)
    draft = lib.model("NewBook", title="Persuasion", author="Jane Austen")
    book = lib.call("books.add_book", librarian, body=draft)
    lib.call("books.add_copy", librarian, book.id, body=lib.model("NewCopy"))
    wanted = lib.model("NewRequest", book_id=book.id, request_location="R1")
    request = lib.call("requests.create", student, body=wanted)
    events = [TaskEvent.ASSIGN, TaskEvent.START, TaskEvent.ARRIVE, TaskEvent.LOAD, TaskEvent.ARRIVE]
    drive(data_dir, request.task_id, *events)
    lib.call("requests.complete", student, request.id, body=lib.model("Completion"))

    body = lib.model("NewReturn", book_id=book.id, pickup_location="R1")
    returned = lib.call("returns.create", student, body=body)
    drive(data_dir, returned.task_id, TaskEvent.ASSIGN, TaskEvent.START, TaskEvent.ARRIVE)
    assert lib.call("returns.picked_up", student, returned.id).status == "PICKED_UP"
    drive(data_dir, returned.task_id, TaskEvent.ARRIVE)
    lib.call("deliveries.complete", librarian, returned.task_id)
    assert lib.call("returns.get_return", student, returned.id).status == "COMPLETED"


def test_it_sends_a_file_and_gets_one(generated: Generated, api: ApiProcess) -> None:
    lib = generated
    librarian = sign_in(lib, api, "librarian@example.org", PASSWORD)
    rows = BytesIO(b"title,author\nNorthanger Abbey,Jane Austen\n,Nobody\n")
    file = lib.module("types").File(payload=rows, file_name="spring.csv", mime_type="text/csv")
    body = lib.model("ImportsBulkImportBody", file=file)
    done = lib.call("imports.bulk_import", librarian, body=body)
    assert (done.created, len(done.bad_rows)) == (1, 1)
    told = lib.module("api.imports.imports_export").sync(client=librarian)
    assert "Northanger Abbey" in told


def test_what_goes_wrong_is_an_object_too(generated: Generated, api: ApiProcess) -> None:
    lib = generated
    body = lib.model("Login", email="nobody@example.org", password="not it")
    answer = lib.module("api.auth.auth_login").sync(client=lib.client(api), body=body)
    assert (answer.success, answer.error.code) == (False, "UNAUTHENTICATED")
    librarian = sign_in(lib, api, "librarian@example.org", PASSWORD)
    missing = lib.module("api.books.books_get_book").sync("none", client=librarian)
    assert missing.error.code == "NOT_FOUND" and missing.meta.request_id
