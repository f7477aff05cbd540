"""The usual shape: FastAPI, SQLAlchemy's async ORM on aiosqlite, a session a request, response models, a WebSocket.

As its documentation shows it, with WAL and full syncs, so that it promises what ours does.
"""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Query, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ConfigDict
from sqlalchemy import JSON, ForeignKey, event, or_, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

engine = create_async_engine(f"sqlite+aiosqlite:///{os.environ['BOOKS']}")
sessions = async_sessionmaker(engine, expire_on_commit=False)


@event.listens_for(engine.sync_engine, "connect")
def _prepare(connection: Any, _: Any) -> None:
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "busy_timeout = 30000",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


class Base(DeclarativeBase):
    pass


class BookRow(Base):
    __tablename__ = "books"

    id: Mapped[str] = mapped_column(primary_key=True)
    isbn: Mapped[str | None]
    title: Mapped[str]
    author: Mapped[str]
    publisher: Mapped[str | None]
    publication_year: Mapped[int | None]
    description: Mapped[str | None]
    cover_image_url: Mapped[str | None]
    call_number: Mapped[str | None]
    status: Mapped[str]
    shelf_location: Mapped[str | None]
    copies_total: Mapped[int]
    copies_available: Mapped[int]
    version: Mapped[int]
    created_at: Mapped[str]
    updated_at: Mapped[str]


class RequestRow(Base):
    __tablename__ = "requests"

    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str]
    book_id: Mapped[str] = mapped_column(ForeignKey("books.id"))
    request_location: Mapped[str]
    status: Mapped[str]
    requested_at: Mapped[str]


class OutboxRow(Base):
    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    at: Mapped[str]


class Book(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: str
    isbn: str | None
    title: str
    author: str
    publisher: str | None
    publication_year: int | None
    description: str | None
    cover_image_url: str | None
    call_number: str | None
    status: str
    shelf_location: str | None
    copies_total: int
    copies_available: int
    version: int
    created_at: str
    updated_at: str


class NewRequest(BaseModel):
    book_id: str
    request_location: str


class Request(NewRequest):
    model_config = ConfigDict(from_attributes=True)

    id: str
    user_id: str
    status: str
    requested_at: str


async def _session() -> AsyncIterator[AsyncSession]:
    async with sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(_session)]
app = FastAPI()


@app.get("/api/v1/books/{book_id}", response_model=Book)
async def get_book(book_id: str, session: Session) -> BookRow:
    book = await session.get(BookRow, book_id)
    if book is None:
        raise HTTPException(404)
    return book


@app.get("/api/v1/books", response_model=list[Book])
async def list_books(
    session: Session, limit: Annotated[int, Query(le=100)] = 20, q: str | None = None
) -> list[BookRow]:
    wanted = select(BookRow).order_by(BookRow.created_at, BookRow.id).limit(limit)
    if q is not None:
        wanted = wanted.where(or_(BookRow.title.ilike(f"%{q}%"), BookRow.author.ilike(f"%{q}%")))
    return list(await session.scalars(wanted))


@app.post("/api/v1/requests", response_model=Request, status_code=201)
async def create(body: NewRequest, session: Session) -> RequestRow:
    if await session.get(BookRow, body.book_id) is None:
        raise HTTPException(404)
    now = datetime.now(UTC).isoformat()
    made = RequestRow(
        id=str(uuid.uuid4()),
        user_id="somebody",
        status="PENDING",
        requested_at=now,
        **body.model_dump(),
    )
    session.add(made)
    data = {"id": made.id, **body.model_dump()}
    session.add(OutboxRow(type="request.created", data=data, at=now))
    await session.commit()
    return made


@app.websocket("/api/v1/ws")
async def pose(socket: WebSocket) -> None:
    await socket.accept()
    x = 0.0
    try:
        while True:
            x += 0.01
            await socket.send_json({"type": "pose", "data": {"x": x, "y": 2.0, "theta": 0.5}})
            await asyncio.sleep(0.1)
    except WebSocketDisconnect:
        return
