"""Small inputs that cost much: depth, lists of faults, compression, headers, and one thing that breaks every listing."""

import asyncio
import gzip
import io
import json
import zlib
from typing import Any
from uuid import uuid4

import asyncpg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from attacks.conftest import Service
from generation.intake.conftest import CSV, csv, rows
from lineage.conftest import event, leaf
from policy.conftest import World
from policy.examples import charter_document

JSON = {"Content-Type": "application/json"}
YAML = {"Content-Type": "application/yaml"}
PARQUET = {"Content-Type": "application/vnd.apache.parquet"}


def nested(depth: int, kind: str) -> str:
    return '{"a":' * depth + "1" + "}" * depth if kind == "objects" else "[" * depth + "1" + "]" * depth


@pytest.mark.parametrize("depth", [65, 200, 253, 450, 700, 950, 5_000, 100_000])
@pytest.mark.parametrize("kind", ["objects", "lists"])
async def test_depth_is_refused_at_every_door(services: dict[str, Service], depth: int, kind: str) -> None:
    deep = nested(depth, kind)
    before = {name: await service.rows() for name, service in services.items()}
    facet = json.dumps(event(str(uuid4()), odd={"x": 0})).replace(
        '{"x": 0}', deep if kind == "objects" else f'{{"x":{deep}}}'
    )
    audit = json.dumps(leaf(details={"x": 0})).replace('{"x": 0}', f'{{"x":{deep}}}')
    context = f'{{"subject":{{"type":"u","id":"1"}},"action":{{"name":"a"}},"resource":{{"type":"r","id":"1"}},"context":{{"x":{deep}}}}}'
    wrapped = f'{{"x":{deep}}}'
    for name, path, body in (
        ("generation", "/v1/sources", wrapped), ("policy", "/v1/feedback", wrapped), ("policy", "/v1/charters", wrapped),
        ("policy", "/access/v1/evaluation", context), ("lineage", "/api/v1/lineage", facet), ("policy", "/v1/decisions", wrapped),
        ("lineage", "/api/v1/lineage/batch", f"[{facet}]"), ("lineage", "/v1/audit-events", audit),
        ("lineage", "/v1/deliveries", f'{{"items":[{{"id":"{uuid4()}","kind":"openlineage","payload":{facet}}}]}}'),
        ("evaluation", "/v1/assays", wrapped),
    ):  # fmt: skip
        sent = JSON | {"Idempotency-Key": uuid4().hex}
        answer = await services[name].send("POST", path, content=body, headers=sent)
        assert answer.status_code == (400 if "/access/" in path else 422), (path, answer.status_code, answer.text[:200])
        assert answer.json()["code"] == "too-deep", (path, answer.text[:200])
    assert {name: await service.rows() for name, service in services.items()} == before


async def test_depth_in_yaml_is_refused_too(policy: World) -> None:
    for deep in (
        "[" * 1000 + "]" * 1000,
        "{a: " * 1000 + "1" + "}" * 1000,
        "\n" + "".join(" " * n + "- \n" for n in range(200)),
    ):
        answer = await policy.call("scientist", "POST", "/v1/charters", content=f"title: {deep}", headers=YAML)
        assert answer.status_code in {400, 422}


@pytest.mark.parametrize("odd", [nested(253, "objects"), nested(2_000, "lists"), "1e400", "[1e400, -1e400]"])
async def test_no_stored_event_breaks_a_listing(services: dict[str, Service], odd: str) -> None:
    """As one lies there since before depth was bounded: what cannot be shown is shown as such, the rest as ever."""
    lineage = services["lineage"]
    run = str(uuid4())
    assert (await lineage.send("POST", "/api/v1/lineage", json=event(run, ["db/a"], ["db/b"]))).status_code == 201
    connection = await asyncpg.connect(lineage.url)
    await connection.execute("SET session_replication_role = replica")
    tables = await connection.fetch(
        "SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) AS name, column_name FROM information_schema.columns"
        " JOIN information_schema.tables USING (table_schema, table_name) WHERE data_type = 'jsonb'"
        " AND table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"
    )
    for table in tables:
        query = f"UPDATE {table['name']} SET {table['column_name']} = {table['column_name']} || jsonb_build_object('odd', $1::jsonb)"
        try:
            await connection.execute(
                query + f" WHERE jsonb_typeof({table['column_name']}) = 'object'", f'{{"odd": {odd}}}'
            )
        except asyncpg.FeatureNotSupportedError:
            continue
    await connection.close()
    for path in ("/v1/events", "/api/v1/events/lineage", "/api/v1/namespaces/jobs/jobs", "/api/v1/namespaces/db/datasets",
                 f"/api/v1/jobs/runs/{run}"):  # fmt: skip
        answer = await lineage.send("GET", path)
        assert answer.status_code == 200, (path, answer.status_code)
    shown = (await lineage.send("GET", "/v1/events")).text
    assert run in shown
    assert "not shown" in shown or "e400" in odd


async def test_five_thousand_faults_are_not_all_told(services: dict[str, Service]) -> None:
    wrong = [{"name": "!", "description": ""}] * 5_000
    population = {"name": "p", "privacy_unit": "u", "epsilon": "1", "delta": "0", "partitions": ["!"] * 500}
    columns = [{"name": f"c{n}", "domain": {"kind": "integer", "minimum": "x"}} for n in range(500)]
    for name, path, body in (
        ("policy", "/v1/charters", charter_document(use_cases=wrong)),
        ("policy", "/v1/charters", charter_document(sources=["x"] * 5_000)),
        ("policy", "/v1/populations", population),
        ("policy", "/v1/populations", {f"member {n}": n for n in range(5_000)}),
        ("generation", "/v1/sources", {"name": "s", "columns": columns}),
        ("policy", "/access/v1/evaluation", {"subject": 1}),
        ("lineage", "/api/v1/lineage", {"inputs": [1] * 5_000}),
    ):
        answer = await services[name].send("POST", path, json=body, headers={"Idempotency-Key": uuid4().hex})
        assert answer.status_code in {400, 422}
        assert len(answer.content) < 30_000, (path, len(answer.content))
        assert len(answer.json()["reasons"]) <= 21


async def test_a_fault_does_not_say_the_document_back(policy: World) -> None:
    document = charter_document(title="x" * 4001, maximum_rows="y" * 100_000)
    answer = await policy.call("scientist", "POST", "/v1/charters", json=document)
    assert answer.status_code == 422
    assert len(answer.content) < 10_000


async def others_first(service: Service, slow: Any) -> bool:
    """Whether somebody else is answered while a request is read that is refused without a look into the database."""
    asked = asyncio.ensure_future(slow)
    await asyncio.sleep(0)
    others = 0
    while not asked.done():
        answer = await service.bare("GET", "/livez")
        others += answer.status_code == 200 and not asked.done()
        await asyncio.sleep(0.001)
    await asked
    return others > 0


async def test_long_yaml_is_bounded_and_holds_nobody_up(services: dict[str, Service]) -> None:
    policy = services["policy"]
    long = "title:\n" + "- a\n" * 120_000
    answer = await policy.send("POST", "/v1/charters", content=long, headers=YAML)
    assert answer.status_code in {413, 422}
    middling = "title: [" + "a, " * 40_000 + "a]"
    assert await others_first(policy, policy.send("POST", "/v1/charters", content=middling, headers=YAML))


async def test_a_long_document_holds_nobody_up(services: dict[str, Service]) -> None:
    case = {"name": "a", "description": "d", "acceptance": [{"metric": "m", "at_most": "0.5"}] * 100}
    body = charter_document(use_cases=[case | {"name": f"a{n}"} for n in range(150)], retention_days=0)
    policy = services["policy"]
    assert await others_first(policy, policy.send("POST", "/v1/charters", json=body))


@pytest.mark.parametrize("path", ["/api/v1/lineage", "/api/v1/lineage/batch"])
async def test_a_few_compressed_bytes_are_not_eight_million(services: dict[str, Service], path: str) -> None:
    lineage = services["lineage"]
    for bomb in (b"[" + b"1," * 4_000_000 + b"1]", b" " * 50_000_000, b'{"a":"' + b"x" * 9_000_000 + b'"}'):
        sent = gzip.compress(bomb, 9)
        headers = JSON | {"Content-Encoding": "gzip"}
        answer = await lineage.send("POST", path, content=sent, headers=headers)
        assert answer.status_code in {413, 422}, answer.status_code
    assert await lineage.rows() < 50


def members(content: bytes, size: int) -> bytes:
    return b"".join(gzip.compress(content[start : start + size]) for start in range(0, len(content), size))


WHOLE = "whole", "in members"
BROKEN = "junk", "zeros", "short crc", "no crc", "wrong crc", "half", "second half", "another stream"


def packed(content: bytes, how: str) -> bytes:
    one = gzip.compress(content)
    return {
        "whole": one, "in members": members(content, 700), "junk": one + b"junk" * 300, "zeros": one + bytes(512),
        "short crc": one[:-3], "no crc": one[:-8], "wrong crc": one[:-8] + bytes(4) + one[-4:], "half": one[: len(one) // 2],
        "second half": one + one[: len(one) // 2], "another stream": one + zlib.compress(content),
    }[how]  # fmt: skip


@pytest.mark.parametrize("how", [*WHOLE, *BROKEN])
async def test_a_compressed_body_is_read_whole_or_refused(services: dict[str, Service], intake: Any, how: str) -> None:
    lineage = services["lineage"]
    batch = json.dumps([event(str(uuid4()), ["db/a"], ["db/b"]) for _ in range(6)]).encode()
    headers = JSON | {"Content-Encoding": "gzip"}
    answer = await lineage.send("POST", "/api/v1/lineage/batch", content=packed(batch, how), headers=headers)
    assert answer.status_code == (200 if how in WHOLE else 422), (how, answer.text)
    if how in WHOLE:
        assert answer.json()["summary"]["successful"] == 6
    answer = await intake.upload(packed(csv(rows(60)), how), CSV | {"Content-Encoding": "gzip"})
    assert answer.status_code == (201 if how in WHOLE else 422), (how, answer.text)
    if how in WHOLE:
        assert answer.json()["train_rows"] + answer.json()["holdout_rows"] == 60


async def test_a_header_of_twenty_thousand_columns_is_counted_not_compared(
    services: dict[str, Service], intake: Any
) -> None:
    header = ",".join(f"c{n}" for n in range(20_000)).encode()
    answer = await intake.upload(header + b"\n" + b",".join([b"1"] * 20_000) + b"\n", CSV)
    assert answer.status_code == 422
    assert len(answer.content) < 10_000
    table = pa.table({f"c{n}": [1] for n in range(20_000)})
    sink = io.BytesIO()
    pq.write_table(table, sink)
    assert sink.tell() > 200_000 or (await intake.upload(sink.getvalue(), PARQUET)).status_code == 422


def parquet_bomb(size: int, **options: Any) -> bytes:
    table = pa.table({"person": ["x" * size], "sex": ["f"], "age": [1], "income": [1.0]})
    sink = io.BytesIO()
    pq.write_table(table, sink, store_schema=False, **options)
    return sink.getvalue()


@pytest.mark.parametrize("codec", ["snappy", "gzip", "zstd", "brotli", "lz4"])
@pytest.mark.parametrize("dictionary", [True, False])
async def test_a_small_parquet_file_does_not_hold_a_large_value(intake: Any, codec: str, dictionary: bool) -> None:
    bomb = parquet_bomb(2**25, compression=codec, use_dictionary=dictionary)
    answer = await intake.upload(bomb, PARQUET)
    assert answer.status_code == 413, (len(bomb), answer.text)
    assert await intake.nothing_was_stored()


async def test_one_text_said_by_every_row_is_counted_for_every_row(intake: Any) -> None:
    """The footer tells the size of the encoding; a dictionary of one text stands for as many as there are rows."""
    text = "x" * 2**15
    table = pa.table({"person": [text] * 900, "sex": ["f"] * 900, "age": [1] * 900, "income": [1.0] * 900})
    sink = io.BytesIO()
    pq.write_table(table, sink, store_schema=False, compression="zstd")
    assert sink.tell() < 10_000
    answer = await intake.upload(sink.getvalue(), PARQUET)
    assert answer.status_code in {413, 422}, answer.text
    assert await intake.nothing_was_stored()
