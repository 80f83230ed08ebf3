"""Lineage beside plain SQL in one run: events taken in, a deep walk, a proof of a long log, what dashboards ask.

``--large`` asks for a million edges, ten million leaves and ten million events, which takes half an hour to lay down.
Parts may be named: ``ingest walks proofs dashboards``.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from conftest import Cluster, forget_cluster

from moneyer_lineage.dashboards.rules import Step, Stretch
from moneyer_lineage.dashboards.store import CountStore
from moneyer_lineage.dashboards.use_cases.counting import count_events
from moneyer_lineage.dashboards.use_cases.summary import get_summary
from moneyer_lineage.dependencies import Dependencies, Setup
from moneyer_lineage.log.rules.merkle import Node, leaf_hash, node_hash
from moneyer_lineage.log.rules.notes import CheckpointSigner
from moneyer_lineage.log.use_cases import log_acts, prove_log_entry
from moneyer_lineage.marquez.use_cases import catalogue as marquez
from moneyer_lineage.record.rules.graph import Start
from moneyer_lineage.record.rules.statements import HeardEvent
from moneyer_lineage.record.store.events import EventStore
from moneyer_lineage.record.use_cases.events import heard, take_events
from moneyer_lineage.record.use_cases.graph import graph_of_node
from moneyer_local import postgres
from moneyer_local.processes import Supervisor
from moneyer_shared import migrations
from moneyer_shared.clock import utc_now
from moneyer_shared.database import Database

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
EVENTS, BATCH = 5_000, 250
WALKS, PROOFS, DEPTH = 60, 300, 20
LARGE = "--large" in sys.argv
EDGES, LEAVES, TOLD = (1_000_000, 10_000_000, 10_000_000) if LARGE else (100_000, 500_000, 300_000)
ASKED = 40


def told(number: int) -> HeardEvent:
    at = datetime.now(UTC)
    event = {
        "eventTime": at.isoformat(), "eventType": "COMPLETE", "producer": "https://bench.example", "schemaURL": "https://x",
        "run": {"runId": str(uuid4())}, "job": {"namespace": "bench", "name": f"job-{number % 50}"},
        "inputs": [{"namespace": "bench", "name": f"t-{number % 997}"}],
        "outputs": [{"namespace": "bench", "name": f"t-{number % 991}-out"}],
    }  # fmt: skip
    return heard(event, at, by="bench", vouched=True)


async def ingest(lineage: Dependencies, url: str) -> None:
    events = [told(number) for number in range(EVENTS)]
    began = time.monotonic()
    for start in range(0, EVENTS, BATCH):
        await take_events(lineage, events[start : start + BATCH])
    ours = EVENTS / (time.monotonic() - began)
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE plain (id uuid DEFAULT uuidv7() PRIMARY KEY, event jsonb, at timestamptz)")
    import json

    began = time.monotonic()
    for start in range(0, EVENTS, BATCH):
        rows = [(json.dumps(one.event), one.at) for one in events[start : start + BATCH]]
        await connection.executemany("INSERT INTO plain (event, at) VALUES ($1, $2)", rows)
    plain = EVENTS / (time.monotonic() - began)
    await connection.close()
    print(f"events taken in, batches of {BATCH}: {ours:,.0f}/s (once each, edges, runs, jobs, datasets, versions)")
    print(f"  beside the bare rows in one table: {plain:,.0f}/s; ratio {ours / plain:.2f}", flush=True)


async def timed(name: str, work: Callable[[int], Awaitable[Any]], count: int) -> list[float]:
    spent = []
    for number in range(count):
        began = time.monotonic()
        await work(number)
        spent.append(1000 * (time.monotonic() - began))
    p99 = statistics.quantiles(spent, n=100, method="inclusive")[98]
    print(f"  {name:42} p50 {statistics.median(spent):8.2f} ms   p99 {p99:8.2f} ms", flush=True)
    return spent


# A run reads two tables of the layer before and writes one of its own; layers are as many as a walk is deep, and more.
GROW = """
INSERT INTO edges (digest, run_id, party, direction, namespace, name, job_namespace, job_name, told_by, vouched,
                   first_seen)
SELECT layer || '-' || place || '-' || step, 'r' || layer || '-' || place, 'house', direction, 'g',
       CASE direction WHEN 'output' THEN 't' || layer || '-' || place
                      WHEN 'input' THEN 't' || (layer - 1) || '-' || ((place * step + step) % $2) END,
       'bench', 'job', 'bench', true, now()
FROM generate_series(1, $1) layer, generate_series(0, $2 - 1) place,
     (VALUES ('output', 1), ('input', 3), ('input', 7)) AS side (direction, step)
ON CONFLICT DO NOTHING
"""
PLAIN = """
WITH RECURSIVE walk (name, depth) AS (
    SELECT CAST($1 AS text), 0
  UNION
    SELECT there.name, walk.depth + 1 FROM walk
    JOIN edges here ON here.namespace = 'g' AND here.name = walk.name AND here.direction = 'output'
    JOIN edges there ON there.run_id = here.run_id AND there.direction = 'input' WHERE walk.depth < $2
)
SELECT DISTINCT name FROM walk
"""


async def walks(lineage: Dependencies, url: str) -> None:
    layers = 25
    wide = EDGES // (3 * layers)
    connection = await asyncpg.connect(url)
    await connection.execute(GROW, layers, wide, timeout=900)
    await connection.execute("ANALYZE edges")
    count = await connection.fetchval("SELECT count(*) FROM edges WHERE namespace = 'g'")
    print(f"a walk of depth {DEPTH} over {count:,} edges:")

    async def ours(number: int) -> None:
        start = Start.of(f"dataset:g:t{layers}-{number * 37 % wide}")
        walk = partial(graph_of_node, start=start, direction="upstream", depth=DEPTH, as_of=None)
        await lineage.run(walk)

    async def plain(number: int) -> None:
        await connection.fetch(PLAIN, f"t{layers}-{number * 37 % wide}", DEPTH)

    mine = await timed("moneyer", ours, WALKS)
    theirs = await timed("one recursive statement", plain, WALKS)
    print(f"  ratio of medians: {statistics.median(theirs) / statistics.median(mine):.1f}", flush=True)
    await connection.close()


async def lay_down(connection: Any) -> list[bytes]:
    """A log of so many leaves, its subtrees, and a checkpoint, copied in rather than appended one by one."""
    level = [leaf_hash(b'{"n":%d}' % number) for number in range(LEAVES)]
    now = datetime.now(UTC)
    rows = ((number, uuid4(), b'{"n":%d}' % number, f"s:{number % 1000}", now) for number in range(LEAVES))
    await connection.copy_records_to_table("leaves", records=rows, timeout=900)
    height = 0
    tops: list[tuple[Node, bytes]] = []
    while level:
        records = ((height, place, value) for place, value in enumerate(level))
        await connection.copy_records_to_table("nodes", records=records, timeout=900)
        if len(level) % 2:
            tops.append((Node(height, len(level) - 1), level[-1]))
        level = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
        height += 1
    root = tops[0][1]
    for _, value in tops[1:]:
        root = node_hash(value, root)
    note = CheckpointSigner(KEY, "bench").sign(LEAVES, root)
    await connection.execute("INSERT INTO checkpoints VALUES ($1, $2, $3, now())", LEAVES, root, note)
    await connection.execute("ANALYZE leaves")
    await connection.execute("ANALYZE nodes")
    return [root]


async def proofs(lineage: Dependencies, url: str) -> None:
    connection = await asyncpg.connect(url)
    await lay_down(connection)
    print(f"an inclusion proof among {LEAVES:,} leaves:")

    async def ours(number: int) -> None:
        await lineage.run(partial(prove_log_entry, index=number * 7919 % LEAVES))

    async def plain(number: int) -> None:
        await connection.fetchrow("SELECT leaf FROM leaves WHERE position = $1", number * 7919 % LEAVES)

    mine = await timed("moneyer", ours, PROOFS)
    theirs = await timed("the bare leaf by its primary key", plain, PROOFS)
    print(f"  ratio of medians: {statistics.median(mine) / statistics.median(theirs):.1f}", flush=True)
    await connection.close()


# Two years of events, a third of them decisions; a dataset, a state and an outcome for every tenth.
TELL = """
INSERT INTO events (digest, event, run_id, event_time, received_at, vouched)
SELECT 'bench-' || n,
       jsonb_build_object(
           'eventType', (ARRAY['START', 'COMPLETE', 'FAIL'])[1 + n % 3],
           'job', jsonb_build_object('namespace', 'bench', 'name', 'job-' || n % 50),
           'run', jsonb_build_object('runId', 'r-' || n / 3, 'facets', CASE WHEN n % 3 = 0 THEN jsonb_build_object(
               'moneyer_policyDecision', jsonb_build_object(
                   'verdict', (ARRAY['permit', 'deny'])[1 + n % 2],
                   'failed', CASE WHEN n % 2 = 1 THEN '["rows.allowed"]' ELSE '[]' END::jsonb)) ELSE '{}' END)),
       'r-' || n / 3, now() - random() * interval '700 days', now(), true
FROM generate_series($1::bigint, $2::bigint) n
"""
DATASETS = """
INSERT INTO datasets (namespace, name, layers, created_at, updated_at)
SELECT 'moneyer.asset', 'a-' || n, '{"house": {"first": ["2026-01-01T00:00:00.000000+00:00 0 ", null, null],
                                               "last": ["2026-01-01T00:00:00.000000+00:00 0 ", null, null]}}',
       now() - random() * interval '700 days', now()
FROM generate_series(1, $1::int) n
"""
STATES = """
INSERT INTO asset_states
SELECT 'a-' || n, (ARRAY['released', 'rejected', 'withdrawn'])[1 + n % 3] FROM generate_series(1, $1::int) n
"""
OUTCOMES = """
INSERT INTO outcomes (asset_id, ranks, generator, guarantee, decision, verdict, epsilon, figures, created_at,
                      updated_at)
SELECT 'a-' || n, '{}', 'g-' || n % 7, 'proven', 'permit', 'released', '1',
       jsonb_build_object('utility-gap', jsonb_build_object('value', random()::text)),
       now() - random() * interval '700 days', now()
FROM generate_series(1, $1::int) n
"""
BY_HAND = """
SELECT date_trunc('day', event_time, 'UTC'), event #>> '{run,facets,moneyer_policyDecision,verdict}', count(*)
FROM events WHERE vouched AND event_time >= now() - interval '30 days' GROUP BY 1, 2
"""


async def tell_millions(lineage: Dependencies, connection: Any) -> None:
    """Lay down events by month, count them as the service does, and what belongs to them."""
    now = datetime.now(UTC)
    months = [
        datetime(year, month, 1, tzinfo=UTC) for year in range(now.year - 2, now.year + 1) for month in range(1, 13)
    ]
    for month in months:
        await connection.execute("SELECT open_month($1)", month)
    for start in range(0, TOLD, 250_000):
        await connection.execute(TELL, start + 1, min(start + 250_000, TOLD), timeout=900)
    for statement in (DATASETS, STATES, OUTCOMES):
        await connection.execute(statement, TOLD // 10, timeout=900)
    await connection.execute("VACUUM ANALYZE", timeout=900)
    began = time.monotonic()
    while await count_events(lineage):
        pass
    print(f"{TOLD:,} events counted at {TOLD / (time.monotonic() - began):,.0f}/s", flush=True)


async def dashboards(lineage: Dependencies, url: str) -> None:
    connection = await asyncpg.connect(url)
    await tell_millions(lineage, connection)
    print(f"what dashboards ask of {TOLD:,} events in {TOLD // 10:,} runs of assets:")

    async def series(step: Step, count: int) -> None:
        stretch = Stretch.last(count, datetime.now(UTC), step)
        async with lineage.database.transaction() as session:
            found = await CountStore(session).series("decisions", stretch.since, stretch.end, step)
        assert sum(found.values()) > TOLD / 1000

    async def medians(_: int) -> None:
        stretch = Stretch.last(30, datetime.now(UTC), "day")
        async with lineage.database.transaction() as session:
            await CountStore(session).figures("utility-gap", stretch.since, stretch.end, "day")

    async def page(_: int) -> None:
        async with lineage.database.transaction() as session:
            store = EventStore(session)
            last = (await store.page(None, None, None))[-1]
            await store.page(None, None, last.id)

    async def listed(_: int) -> None:
        await lineage.run(partial(marquez.list_lineage_events, limit=25))

    mine = await timed("decisions by day, 30 days", lambda _: series("day", 30), ASKED)
    await timed("decisions by week, two years", lambda _: series("week", 104), ASKED)
    await timed("medians of a figure by day, 30 days", medians, ASKED)
    await timed("the summary", lambda _: lineage.run(get_summary), ASKED)
    await timed("two pages of events", page, ASKED)
    await timed("Marquez: events, and how many", listed, ASKED)
    await timed(
        "Marquez: events of a week by type",
        lambda _: lineage.run(partial(marquez.count_lineage_events, period="WEEK")),
        ASKED,
    )
    await timed(
        "Marquez: growth of datasets",
        lambda _: lineage.run(partial(marquez.count_growth, kind="datasets", period="WEEK")),
        ASKED,
    )
    await timed("Marquez: namespaces", lambda _: lineage.run(marquez.list_namespaces), ASKED)
    theirs = await timed("decisions by day, counted from events", lambda _: connection.fetch(BY_HAND), 5)
    await timed("how many events, counted", lambda _: connection.fetch("SELECT count(*) FROM events"), 5)
    print(f"  ratio of medians: {statistics.median(theirs) / statistics.median(mine):.0f}", flush=True)
    await connection.close()


PARTS = (ingest, walks, proofs, dashboards)


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        located = postgres.locate(root, 20_000 + os.getpid() % 10_000)
        postgres.prepare(located, "bench")
        supervisor = Supervisor(lambda _: None)
        await supervisor.start(postgres.server(located, root / "postgres.log"))
        cluster = Cluster(root, located.port, "bench")
        try:
            await cluster.execute("CREATE DATABASE lineage")
            url = cluster.url("lineage", "postgresql+asyncpg")
            await asyncio.to_thread(migrations.upgrade, "moneyer_lineage", url)
            database = Database(url)
            lineage = Dependencies(
                database,
                utc_now,
                Setup("bench", b"", "bench"),
                CheckpointSigner(KEY, "bench"),
                None,
                None,
                None,
                log_acts,
            )  # type: ignore[arg-type]
            named = set(sys.argv[1:]) - {"--large"}
            for part in PARTS:
                if not named or part.__name__ in named:
                    await part(lineage, cluster.url("lineage"))
            await database.close()
        finally:
            await supervisor.stop()
            forget_cluster(root)


if __name__ == "__main__":
    asyncio.run(main())
