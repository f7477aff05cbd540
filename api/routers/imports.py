"""Catalogue files in and out."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from api import envelope
from api.context import Context
from api.deps import Robot, Staff
from api.lists import Direction, Paged, SortKey, SortOrder, many
from api.schemas.base import Many, One
from api.schemas.imports import UPLOAD, Import, ImportWithRows
from edge.domain.errors import ValidationError
from edge.services import catalogue_export, imports
from edge.services.records import record

router = APIRouter(prefix="/api/v1/books", tags=["imports"])


@router.post(
    "/bulk-import",
    response_model=One[ImportWithRows],
    status_code=201,
    summary="Take over a catalogue file, or look what that would do",
    openapi_extra=UPLOAD,
)
async def bulk_import(
    request: Request, who: Staff, robot: Robot, dry_run: bool = False
) -> Response:
    """CSV (with a header), MARC21 or MARCXML. With `dry_run` it is staged, to be committed or forgotten; the form may
    say that too, by a field of this name with `true` or `false`."""
    async with robot.intake.receive(request) as file:
        only_look = dry_run or _says_yes(file.fields.get("dry_run", "false"))

        def work(write: imports.Write[Any]) -> str:
            import_id = imports.stage(write, file.path, file.name)
            if not only_look:
                imports.commit(write, import_id)
            return import_id

        import_id = await robot.intake.run(who.actor, work)
    return envelope.one(_with_rows(robot, import_id), status=201)


@router.get("/imports", response_model=Many[Import], summary="Staged and past imports")
async def list_imports(
    _: Staff,
    robot: Robot,
    paging: Paged,
    sort: SortKey = "created_at",
    order: Direction = SortOrder.ASC,
) -> Response:
    found = robot.read(
        lambda reader: imports.list_imports(
            reader, sort=sort, order=order, page=paging.page, limit=paging.limit
        )
    )
    return many(found, _public)


@router.get(
    "/imports/{import_id}", response_model=One[ImportWithRows], summary="One import, with its rows"
)
async def get_import(import_id: str, _: Staff, robot: Robot) -> Response:
    return envelope.one(_with_rows(robot, import_id))


@router.post(
    "/imports/{import_id}/commit", response_model=One[ImportWithRows], summary="Take it over"
)
async def commit(import_id: str, who: Staff, robot: Robot) -> Response:
    """After a crash or an end in the middle it goes on where it was."""
    await robot.intake.run(who.actor, lambda write: imports.commit(write, import_id))
    return envelope.one(_with_rows(robot, import_id))


@router.post(
    "/imports/{import_id}/undo", response_model=One[ImportWithRows], summary="Take it all back"
)
async def undo(import_id: str, who: Staff, robot: Robot) -> Response:
    """409 with `book_ids` where somebody has changed some of its books since; then nothing is taken back."""
    await robot.intake.run(who.actor, lambda write: imports.undo(write, import_id))
    return envelope.one(_with_rows(robot, import_id))


@router.get(
    "/export",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
    summary="The catalogue as CSV",
)
async def export(_: Staff, robot: Robot) -> Response:
    """Streamed; what comes back by bulk-import changes nothing."""
    headers = {"Content-Disposition": 'attachment; filename="catalogue.csv"'}
    text = catalogue_export.csv_lines(robot.database.read)
    return StreamingResponse(text, headers=headers, media_type="text/csv; charset=utf-8")


def _says_yes(text: str) -> bool:
    """Raises ValidationError, for who meant yes must not find it done."""
    if text not in ("true", "false"):
        raise ValidationError("TRUE_OR_FALSE", field="dry_run")
    return text == "true"


def _with_rows(robot: Context, import_id: str) -> dict[str, Any]:
    found = robot.read(lambda reader: imports.get(reader, import_id))
    good = robot.read(lambda reader: imports.preview(reader, import_id))
    bad = robot.read(lambda reader: imports.bad_rows(reader, import_id))
    rows = {"preview": [record(one) for one in good], "bad_rows": [record(one) for one in bad]}
    return _public(found) | rows


def _public(found: Any) -> dict[str, Any]:
    known = record(found)
    return {"import_id": known.pop("id"), **known}
