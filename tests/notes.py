"""A small service, as the door's tests have it: notes that are written, read, edited and asked of a peer."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response
from pydantic import Field
from sqlalchemy import Column, Integer, Table, Text, insert, select, update

from moneyer_shared.auth import Caller
from moneyer_shared.clock import utc_now
from moneyer_shared.contracts.documents import Document
from moneyer_shared.database import Database, identifier, service_metadata
from moneyer_shared.errors import Conflict, NotFound, PreconditionFailed
from moneyer_shared.idempotency import Attempt, IdempotencyKey, OptionalIdempotencyKey, idempotency_table
from moneyer_shared.journal import AuditEvent, journal_tables
from moneyer_shared.paging import Filtered, page
from moneyer_shared.routes import Routes
from moneyer_shared.work import IfMatch, W, Work, Workflow

metadata = service_metadata()
journal = journal_tables(metadata, "notes")
idempotency_table(metadata)
notes = Table("notes", metadata, identifier(), Column("text", Text), Column("revision", Integer, default=0))


class Asked(Document):
    text: Annotated[str, Field(min_length=1)]


class Note(Document):
    id: UUID
    text: str
    revision: int


class NoteOrReview(Document):
    id: UUID | None = None
    review_id: UUID | None = None


@dataclass(frozen=True)
class Careful(Work):
    """A kind of work of this service's own."""


@dataclass
class NotesDependencies:
    database: Database
    begun: list[tuple[type[Work], bool]] = field(default_factory=list)
    peer: list[str] = field(default_factory=list)
    on_the_way: Callable[[], Awaitable[object]] | None = None

    @asynccontextmanager
    async def begin(self, kind: type[W], caller: Caller, *, read_only: bool = False) -> AsyncIterator[W]:
        self.begun.append((kind, read_only))
        async with self.database.transaction(read_only=read_only) as connection:
            yield kind(connection, utc_now(), caller, journal)


async def _one(work: Work, note_id: UUID) -> Note:
    row = (await work.connection.execute(select(notes).where(notes.c.id == note_id))).one_or_none()
    if row is None:
        raise NotFound(f"There is no note {note_id}.")
    return Note.model_validate(row, from_attributes=True)


async def write_note(work: Careful, asked: Asked) -> Note:
    made = await work.connection.scalar(insert(notes).values(text=asked.text).returning(notes.c.id))
    await work.tell(AuditEvent(work.by, "note.write", f"note:{made}"))
    if asked.text == "refused":
        raise Conflict("Not this.")
    note = await _one(work, made)
    return Note.model_construct(id=made, text=7, revision=0) if asked.text == "undeclared" else note


async def write_or_ask(work: Careful, asked: Asked) -> NoteOrReview:
    note = await write_note(work, asked)
    return NoteOrReview(review_id=note.id) if asked.text == "asked" else NoteOrReview(id=note.id)


async def read_note(work: Work, note_id: UUID) -> Note:
    return await _one(work, note_id)


async def meddle(work: Work) -> Note:
    made = await work.connection.scalar(insert(notes).values(text="by reading").returning(notes.c.id))
    return await _one(work, made)


async def list_notes(work: Work, after: UUID | None = None) -> list[Note]:
    rows = await page(work.connection, select(notes), notes.c.id, after=after)
    return [Note.model_validate(row, from_attributes=True) for row in rows]


class Shelf(Document):
    label: str
    notes: list[Note]


async def show_shelf(work: Work, after: UUID | None = None) -> Shelf:
    return Shelf(label="all", notes=await list_notes(work, after))


async def list_short_notes(work: Work, after: UUID | None = None) -> list[Note]:
    rows = await list_notes(work, after)
    return Filtered([note for note in rows if len(note.text) == 1], page=rows)


async def edit_note(work: Work, note_id: UUID, asked: Asked, version: IfMatch) -> Note:
    known = await _one(work, note_id)
    if not version.meets(tag(known)):
        raise PreconditionFailed("It changed.")
    values = {"text": asked.text, "revision": known.revision + 1}
    await work.connection.execute(update(notes).where(notes.c.id == note_id).values(values))
    return await _one(work, note_id)


def tag(note: Note) -> str:
    return f'"{note.revision}"'


async def remove_note(work: Work, note_id: UUID) -> None:
    await work.connection.execute(notes.delete().where(notes.c.id == note_id))


async def ask_peer(flow: Workflow[NotesDependencies], asked: Asked) -> str:
    flow.dependencies.peer.append(asked.text)
    return asked.text.upper()


async def translate_note(work: Work, asked: Asked, *, said: str) -> Note:
    return await write_note(Careful(work.connection, work.now, work.caller, work.journal), Asked(text=said))


async def fetch_note(flow: Workflow[NotesDependencies], asked: Asked) -> Note:
    flow.dependencies.peer.append(asked.text)
    if flow.dependencies.on_the_way is not None:
        await flow.dependencies.on_the_way()
    async with flow.begin(Careful) as work:
        note = await write_note(work, asked)
        await flow.keep(work, note)
    return note


async def write_pieces(work: Careful, text: str) -> Note:
    return await write_note(work, Asked(text=text))


async def write_under(work: Careful, key: str, asked: Asked) -> Note:
    return await write_note(work, Asked(text=f"{key}: {asked.text}"))


async def in_pieces(request: Request) -> str:
    return b"".join([piece async for piece in request.stream()]).decode()


Pieces = Annotated[str, Depends(in_pieces)]


async def attempt_of_pieces(text: Pieces, key: OptionalIdempotencyKey = None) -> Attempt:
    return Attempt(key, text if key else "")


async def print_note(work: Work, note_id: UUID) -> str:
    return (await _one(work, note_id)).text


def as_text(text: str) -> Response:
    return Response(text, media_type="text/plain")


routes = Routes(prefix="/v1/notes", tag="notes")
READ, WRITE = "notes:read", "notes:write"
ONE = "/v1/notes/{id}"
routes.add("POST", "", write_note, "Write", scope=WRITE, status=201, once="may", location=ONE, etag=tag)
routes.add("POST", ":must", write_note, "Write", scope=WRITE, status=201, once="must", operation="writeKeyed")
routes.add(
    "POST",
    ":or-ask",
    write_or_ask,
    "Write or ask",
    scope=WRITE,
    status=201,
    once="may",
    waits="/v1/reviews/{review_id}",
)
routes.add("POST", ":translate", translate_note, "Translate", scope=WRITE, status=201, once="may", first=ask_peer)
routes.add("POST", ":fetch", fetch_note, "Fetch", scope=WRITE, status=201, once="may", location=ONE)
routes.add("POST", ":under", write_under, "Write", scope=WRITE, status=201, given={"key": IdempotencyKey}, once="must")
routes.add(
    "POST", ":pieces", write_pieces, "Write", scope=WRITE, status=201, given={"text": Pieces},
    once=Annotated[Attempt, Depends(attempt_of_pieces)],
)  # fmt: skip
routes.add("GET", "", list_notes, "Notes", scope=READ, page="id")
routes.add("GET", "/shelf/all", show_shelf, "Notes on a shelf", scope=READ, page="notes.id")


routes.add("GET", "/:short", list_short_notes, "Short notes", scope=READ, page="id")
routes.add("GET", "/:meddle", meddle, "Meddle", scope=READ)
routes.add("GET", "/{note_id}", read_note, "One", scope=None, etag=tag)
routes.add("GET", "/{note_id}/text", print_note, "Its text", scope=READ, render=as_text)
routes.add("PUT", "/{note_id}", edit_note, "Edit", scope=WRITE, etag=tag)
routes.add("DELETE", "/{note_id}", remove_note, "Remove", scope=WRITE, status=204)


async def count(dependencies: NotesDependencies, table: Table) -> int:
    async with dependencies.database.transaction() as connection:
        return len((await connection.execute(select(table))).all())
