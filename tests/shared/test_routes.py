"""The door of every use case: one transaction, one answer, kept for a repeat; what is not declared is not answered."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any
from uuid import UUID

import httpx
import pytest
from conftest import Cluster, settings_of
from fastapi import Depends, FastAPI, Request, Response
from pydantic import Field
from sqlalchemy import Column, Integer, Table, Text, insert, select, update

from moneyer_shared.auth import Caller
from moneyer_shared.clock import utc_now
from moneyer_shared.contracts.documents import Document
from moneyer_shared.database import Database, identifier, service_metadata
from moneyer_shared.errors import Conflict, NotFound, PreconditionFailed
from moneyer_shared.idempotency import Attempt, IdempotencyKey, OptionalIdempotencyKey, idempotency_table
from moneyer_shared.journal import AuditEvent, journal_tables
from moneyer_shared.paging import PAGE, Filtered, page
from moneyer_shared.routes import Routes
from moneyer_shared.settings import ServiceSettings
from moneyer_shared.telemetry import Metrics
from moneyer_shared.web import create_api
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
    meeting: asyncio.Barrier | None = None

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
    if flow.dependencies.meeting is not None:
        await flow.dependencies.meeting.wait()
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


@pytest.fixture
async def dependencies(cluster: Cluster, request: pytest.FixtureRequest) -> AsyncIterator[NotesDependencies]:
    made = Database(await cluster.fresh("policy"))
    async with made.transaction() as connection:
        await connection.run_sync(metadata.create_all)
    yield NotesDependencies(made)
    await made.close()


@pytest.fixture
async def app(dependencies: NotesDependencies, around: Any) -> FastAPI:
    surroundings = around("notes", ServiceSettings(**settings_of("postgresql+asyncpg://nobody@127.0.0.1/none")))

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        yield

    made = create_api(
        name="notes", summary="", routers=[routes.router], verifier=surroundings.verifier, checks={},
        metrics=Metrics(), lifespan=lifespan,
    )  # fmt: skip
    made.state.dependencies = dependencies
    return made


@pytest.fixture
async def call(app: FastAPI, token: Any) -> AsyncIterator[Any]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://notes") as http:

        async def ask(
            method: str, path: str, key: str | None = None, scope: str = f"{READ} {WRITE}", **more: Any
        ) -> Any:
            headers = {"Authorization": f"Bearer {token('notes', 'writer', scope=scope)}"} | more.pop("headers", {})
            headers |= {"Idempotency-Key": key} if key else {}
            return await http.request(method, path, headers=headers, **more)

        yield ask


async def count(dependencies: NotesDependencies, table: Table) -> int:
    async with dependencies.database.transaction() as connection:
        return len((await connection.execute(select(table))).all())


async def test_an_answer_stands_in_the_database_before_it_goes_out(
    dependencies: NotesDependencies, app: FastAPI, token: Any
) -> None:
    seen: list[int] = []

    async def outside(scope: Any, receive: Any, send: Any) -> None:
        async def watch(message: Any) -> None:
            if message["type"] == "http.response.start":
                seen.append(await count(dependencies, notes))
            await send(message)

        await app(scope, receive, watch)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=outside), base_url="http://notes") as http:
        headers = {"Authorization": f"Bearer {token('notes', 'writer', scope=WRITE)}"}
        answer = await http.post("/v1/notes", json={"text": "a"}, headers=headers)
    assert (answer.status_code, seen) == (201, [1])
    made = answer.json()
    assert answer.headers["Location"] == f"/v1/notes/{made['id']}"
    assert answer.headers["ETag"] == '"0"'
    assert await count(dependencies, journal.audit_events) == await count(dependencies, journal.outbox) == 1


async def test_what_is_refused_leaves_nothing_behind(dependencies: NotesDependencies, call: Any) -> None:
    refused = await call("POST", "/v1/notes", json={"text": "refused"}, key="k")
    assert (refused.status_code, refused.headers["content-type"]) == (409, "application/problem+json")
    assert await count(dependencies, notes) == await count(dependencies, journal.outbox) == 0
    assert (await call("POST", "/v1/notes", json={"text": "other"}, key="k")).status_code == 201


@pytest.mark.parametrize("path", ["/v1/notes", "/v1/notes:must", "/v1/notes:translate", "/v1/notes:fetch"])
async def test_a_repeat_is_answered_as_the_first_was(dependencies: NotesDependencies, call: Any, path: str) -> None:
    first, again = [await call("POST", path, json={"text": "a"}, key="k") for _ in range(2)]
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert first.headers.get("Location") == again.headers.get("Location")
    assert await count(dependencies, notes) == 1
    assert len(dependencies.peer) == (1 if path[9:] in {":translate", ":fetch"} else 0)
    other = await call("POST", path, json={"text": "b"}, key="k")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")


async def test_a_body_taken_piece_by_piece_is_repeated_too(dependencies: NotesDependencies, call: Any) -> None:
    async def pieces(*letters: bytes) -> AsyncIterator[bytes]:
        for letter in letters:
            yield letter

    path = "/v1/notes:pieces"
    first, again = [await call("POST", path, content=pieces(b"a", b"b"), key="k") for _ in range(2)]
    assert (first.status_code, first.json()["text"]) == (201, "ab")
    assert first.json() == again.json()
    assert await count(dependencies, notes) == 1
    other = await call("POST", path, content=pieces(b"b", b"a"), key="k")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")


async def test_two_sendings_at_once_happen_once(dependencies: NotesDependencies, call: Any) -> None:
    dependencies.meeting = asyncio.Barrier(2)
    answers = await asyncio.gather(*(call("POST", "/v1/notes:fetch", json={"text": "a"}, key="k") for _ in range(2)))
    assert {answer.status_code for answer in answers} == {201, 409}
    assert [answer.json()["code"] for answer in answers if answer.status_code == 409] == ["idempotency-key-in-flight"]
    assert await count(dependencies, notes) == 1


async def test_a_key_that_must_come_is_asked_for(call: Any) -> None:
    assert (await call("POST", "/v1/notes:must", json={"text": "a"})).status_code == 422


async def test_a_key_that_the_use_case_takes_too_is_missed_once(call: Any) -> None:
    refused = await call("POST", "/v1/notes:under", json={"text": "a"})
    assert (refused.status_code, len(refused.json()["reasons"])) == (422, 1)
    assert (await call("POST", "/v1/notes:under", json={"text": "a"}, key="k")).json()["text"] == "k: a"


async def test_what_is_asked_first_is_asked_outside_of_the_transaction(
    dependencies: NotesDependencies, call: Any
) -> None:
    made = await call("POST", "/v1/notes:translate", json={"text": "a"})
    assert made.json()["text"] == "A"
    assert dependencies.begun == [(Work, False)]


@pytest.mark.parametrize("path", ["/v1/notes", "/v1/notes:fetch"])
async def test_a_document_past_its_model_is_neither_answered_nor_kept(
    dependencies: NotesDependencies, call: Any, path: str
) -> None:
    answer = await call("POST", path, json={"text": "undeclared"}, key="k")
    assert answer.status_code == 500
    assert await count(dependencies, notes) == 0


async def test_a_reader_cannot_write(dependencies: NotesDependencies, call: Any) -> None:
    assert (await call("GET", "/v1/notes/:meddle")).status_code == 500
    assert await count(dependencies, notes) == 0
    assert dependencies.begun == [(Work, True)]


async def test_the_kind_of_work_is_what_the_use_case_takes(dependencies: NotesDependencies, call: Any) -> None:
    await call("POST", "/v1/notes", json={"text": "a"})
    await call("GET", "/v1/notes")
    assert dependencies.begun == [(Careful, False), (Work, True)]


async def test_a_long_list_names_its_next_page(dependencies: NotesDependencies, call: Any) -> None:
    async with dependencies.database.transaction() as connection:
        await connection.execute(insert(notes), [{"text": str(number)} for number in range(PAGE + 1)])
    first = await call("GET", "/v1/notes")
    assert len(first.json()) == PAGE
    further = first.headers["Link"].removeprefix("<").partition(">")[0]
    second = await call("GET", further)
    assert [note["text"] for note in second.json()] == [str(PAGE)]
    assert "Link" not in second.headers
    shelf = await call("GET", "/v1/notes/shelf/all")
    assert (shelf.json()["label"], shelf.json()["notes"]) == ("all", first.json())
    further = shelf.headers["Link"].removeprefix("<").partition(">")[0]
    assert further.startswith("/v1/notes/shelf/all?after=")
    rest = await call("GET", further)
    assert rest.json()["notes"] == second.json()
    assert "Link" not in rest.headers


async def test_a_page_of_which_little_is_told_names_the_next_one_too(
    dependencies: NotesDependencies, call: Any
) -> None:
    async with dependencies.database.transaction() as connection:
        await connection.execute(insert(notes), [{"text": str(number)} for number in range(PAGE + 1)])
    first = await call("GET", "/v1/notes/:short")
    assert [note["text"] for note in first.json()] == list("0123456789")
    second = await call("GET", first.headers["Link"].removeprefix("<").partition(">")[0])
    assert (second.json(), "Link" in second.headers) == ([], False)


async def test_a_change_says_what_it_builds_on(dependencies: NotesDependencies, call: Any) -> None:
    made = (await call("POST", "/v1/notes", json={"text": "a"})).json()
    one = f"/v1/notes/{made['id']}"
    assert (await call("PUT", one, json={"text": "b"})).status_code == 428
    assert (await call("PUT", one, json={"text": "b"}, headers={"If-Match": '"7"'})).status_code == 412
    changed = await call("PUT", one, json={"text": "b"}, headers={"If-Match": '"7", "0"'})
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"1"')
    assert (await call("PUT", one, json={"text": "c"}, headers={"If-Match": "*"})).status_code == 200


async def test_what_waits_for_votes_says_where_it_is_followed(dependencies: NotesDependencies, call: Any) -> None:
    made = await call("POST", "/v1/notes:or-ask", json={"text": "a"})
    assert made.status_code == 201
    assert "Location" not in made.headers
    for _ in range(2):
        asked = await call("POST", "/v1/notes:or-ask", json={"text": "asked"}, key="k")
        assert asked.status_code == 202
        assert asked.headers["Location"] == f"/v1/reviews/{asked.json()['review_id']}"


async def test_nothing_is_answered_with_nothing(dependencies: NotesDependencies, call: Any) -> None:
    made = (await call("POST", "/v1/notes", json={"text": "a"})).json()
    gone = await call("DELETE", f"/v1/notes/{made['id']}")
    assert (gone.status_code, gone.content) == (204, b"")


async def test_what_is_no_json_is_rendered(call: Any) -> None:
    made = (await call("POST", "/v1/notes", json={"text": "a"})).json()
    shown = await call("GET", f"/v1/notes/{made['id']}/text")
    assert (shown.text, shown.headers["content-type"]) == ("a", "text/plain; charset=utf-8")


async def test_who_lacks_the_scope_is_refused_before_the_body_is_read(call: Any, app: FastAPI) -> None:
    assert (await call("POST", "/v1/notes", content=b"{", scope=READ)).status_code == 403
    bad = {"content": b"{", "headers": {"Content-Type": "application/json"}}
    assert (await call("POST", "/v1/notes", **bad)).status_code in {400, 422}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://notes") as http:
        assert (await http.post("/v1/notes", json={"text": "a"})).status_code == 401
        assert (await http.get("/v1/notes/0198f1f0-0000-7000-8000-000000000000")).status_code == 404


def test_a_declaration_is_what_openapi_says(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    made = paths["/v1/notes"]["post"]
    assert made["operationId"] == "writeNote"
    assert made["security"]
    assert made["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Asked"}
    assert made["responses"]["201"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Note"}
    assert [one["name"] for one in made["parameters"]] == ["Idempotency-Key"]
    assert "content" not in paths["/v1/notes/{note_id}"]["delete"]["responses"]["204"]
    assert {one["name"] for one in paths["/v1/notes/{note_id}"]["put"]["parameters"]} == {"note_id", "If-Match"}
