"""The door of every use case: one transaction, one answer, kept for a repeat; what is not declared is not answered."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from conftest import Cluster, settings_of
from fastapi import FastAPI
from notes import READ, WRITE, Careful, NotesDependencies, count, journal, metadata, notes, routes
from sqlalchemy import insert

from moneyer_shared.database import Database
from moneyer_shared.paging import PAGE
from moneyer_shared.settings import ServiceSettings
from moneyer_shared.telemetry import Metrics
from moneyer_shared.web import create_api
from moneyer_shared.work import Work


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
    dependencies.on_the_way = asyncio.Barrier(2).wait
    answers = await asyncio.gather(*(call("POST", "/v1/notes:fetch", json={"text": "a"}, key="k") for _ in range(2)))
    assert {answer.status_code for answer in answers} == {201, 409}
    assert [answer.json()["code"] for answer in answers if answer.status_code == 409] == ["idempotency-key-in-flight"]
    assert await count(dependencies, notes) == 1


async def test_a_sending_that_another_overtook_keeps_nothing(dependencies: NotesDependencies, call: Any) -> None:
    come, overtaken = asyncio.Event(), asyncio.Event()

    async def the_first_waits() -> None:
        if not come.is_set():
            come.set()
            await overtaken.wait()

    dependencies.on_the_way = the_first_waits
    first = asyncio.create_task(call("POST", "/v1/notes:fetch", json={"text": "a"}, key="k"))
    await come.wait()
    assert (await call("POST", "/v1/notes:fetch", json={"text": "a"}, key="k")).status_code == 201
    overtaken.set()
    assert ((await first).status_code, (await first).json()["code"]) == (409, "idempotency-key-in-flight")
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
