"""What events say, folded: to the same in whatever order and however often they come, and whose word counts."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import asyncpg
from alembic import command
from conftest import Cluster
from hypothesis import given
from hypothesis import strategies as st
from lineage.conftest import World

from moneyer_lineage.record.rules.graph import Start, field_id, node_id
from moneyer_lineage.record.rules.pictures import chosen, chosen_of_run, dataset_picture, run_picture
from moneyer_lineage.record.rules.projection import Projection, project
from moneyer_lineage.record.rules.statements import HOUSE, HeardEvent, Layers, join, layers_of
from moneyer_lineage.record.use_cases.events import fold_anew, heard
from moneyer_shared import migrations

BASE = datetime(2026, 1, 5, 12, tzinfo=UTC)
RUNS = [str(UUID(int=number)) for number in (1, 2)]

facets = st.dictionaries(
    st.sampled_from(["schema", "documentation", "lifecycleStateChange"]),
    st.fixed_dictionaries({"description": st.sampled_from("abc")}),
    max_size=2,
)
tables = st.lists(
    st.fixed_dictionaries({
        "namespace": st.sampled_from(["n", "moneyer.asset"]), "name": st.sampled_from("tu"), "facets": facets,
    }), max_size=2,
)  # fmt: skip


@st.composite
def events(draw: Any, by: str | None = None) -> HeardEvent:
    at = BASE + timedelta(minutes=draw(st.integers(0, 2)))
    event = {
        "eventTime": at.isoformat(), "eventType": draw(st.sampled_from(["START", "RUNNING", "COMPLETE", "FAIL", "ABORT"])),
        "run": {"runId": draw(st.sampled_from(RUNS)), "facets": draw(facets)},
        "job": {"namespace": draw(st.sampled_from(["airflow", "moneyer"])), "name": draw(st.sampled_from("jk")),
                "facets": draw(facets)},
        "inputs": draw(tables), "outputs": draw(tables),
    }  # fmt: skip
    teller = by or draw(st.sampled_from(["policy", "airflow"]))
    return heard(event, at, by=teller, vouched=teller == "policy")


def folded(told: Sequence[HeardEvent]) -> list[Any]:
    """One by one, as they come; layers as their database hands them out."""
    known: list[dict[Any, Layers]] = [{}, {}, {}, {}]
    for one in told:
        made: Projection = project([one])
        for kept, fresh in zip(known, (made.runs, made.jobs, made.datasets, made.versions), strict=True):
            for key, layers in fresh.items():
                kept[key] = layers_of(json.loads(json.dumps(join(kept.get(key, {}), layers))))
    return known


@given(st.lists(events(), min_size=1, max_size=4), st.integers(0, 3))
def test_all_orders_of_arrival_make_the_same_picture(told: list[HeardEvent], again: int) -> None:
    whole = folded(told)
    together = project(told)
    assert whole == [together.runs, together.jobs, together.datasets, together.versions], "at once or one by one"
    for order in permutations(told):
        repeated = [*order, order[again % len(order)]]
        assert folded(repeated) == whole


@given(st.lists(events("policy"), min_size=1, max_size=3), st.lists(events("stranger"), max_size=4), st.randoms())
def test_nothing_a_stranger_says_changes_what_the_house_said(
    ours: list[HeardEvent], theirs: list[HeardEvent], mixed: Any
) -> None:
    alone, everything = folded(ours), [*ours, *theirs]
    mixed.shuffle(everything)
    runs, jobs, datasets, versions = folded(everything)
    for known, before in zip((jobs, datasets, versions), alone[1:], strict=True):
        for key, layers in before.items():
            assert chosen("n", known[key]).layer == chosen("n", layers).layer
    for run, layers in alone[0].items():
        after, was = run_picture(run, runs[run], "by stranger"), run_picture(run, layers, HOUSE)
        assert vars(after) | {"heard": []} == vars(was)
    for (namespace, name), layers in datasets.items():
        shown = dataset_picture(namespace, name, layers, {})
        assert namespace != "moneyer.asset" or shown.vouched or not shown.facets, (
            "theirs only, so nothing of it is shown"
        )
        assert {one.by for one in shown.heard} <= {"stranger"}


@given(st.lists(events("airflow"), min_size=1, max_size=3), st.lists(events("stranger"), max_size=4))
def test_a_run_is_whose_who_told_it_first(first: list[HeardEvent], later: list[HeardEvent]) -> None:
    alone, (runs, *_) = folded(first)[0], folded([*first, *later])
    for run, layers in alone.items():
        assert chosen_of_run(runs[run], "by airflow").layer == chosen_of_run(layers, "by airflow").layer


names = st.text(min_size=1, max_size=12) | st.text(st.sampled_from(":%253Aa"), min_size=1, max_size=12)


@given(st.sampled_from(["dataset", "job"]), names, names)
def test_every_node_reads_its_own_id(kind: str, namespace: str, name: str) -> None:
    start = Start.of(node_id(kind, namespace, name))
    assert (start.kind, start.readings[0]) == (kind, (namespace, name))


@given(names, names, names, names)
def test_no_two_nodes_share_an_id(namespace: str, name: str, other: str, another: str) -> None:
    same = (namespace, name) == (other, another)
    assert (node_id("dataset", namespace, name) == node_id("dataset", other, another)) == same
    prefix, _, last = field_id(namespace, name, other).rpartition(":")
    assert prefix.removeprefix("datasetField") == node_id("dataset", namespace, name).removeprefix("dataset")
    assert ":" not in last


async def test_what_was_kept_before_is_folded_anew_and_set_right(cluster: Cluster, world: World) -> None:
    """Stored as an earlier version did: a time that the driver keeps as infinite, a run id in capitals, tags."""
    await cluster.execute("CREATE DATABASE before_tellers")
    url = cluster.url("before_tellers", "postgresql+asyncpg")
    await asyncio.to_thread(command.upgrade, migrations.configuration("moneyer_lineage", url), "0004")
    connection = await asyncpg.connect(cluster.url("before_tellers"))
    run = "aaaaaaaa-0000-4000-8000-00000000000a"
    for number, (kind, time, written) in enumerate(
        (("START", "2026-01-05T12:00:00Z", run.upper()), ("COMPLETE", "2026-01-05T12:10:00Z", run),
         ("OTHER", "-infinity", f"urn:uuid:{run}"))
    ):  # fmt: skip
        event = {
            "eventType": kind, "run": {"runId": written}, "job": {"namespace": "a", "name": "j"},
            "outputs": [{"namespace": "n", "name": "t", "facets": {"documentation": {"description": kind}}}],
        }  # fmt: skip
        await connection.execute(
            "INSERT INTO events (digest, event, run_id, event_time, received_at, vouched) "
            f"VALUES ($1, $2, $3, '{time}', now(), false)", f"d{number}", json.dumps(event), written,
        )  # fmt: skip
    await connection.execute(
        "INSERT INTO datasets (namespace, name, facets, tags, created_at, updated_at) VALUES ('n', 't', '{}', "
        "'{\"\": [\"PII\"]}', '2026-01-05T12:00Z', '2026-01-05T12:10Z')"
    )
    await asyncio.to_thread(migrations.upgrade, "moneyer_lineage", url)
    assert {row[0] for row in await connection.fetch("SELECT DISTINCT run_id FROM events")} == {run}
    assert await connection.fetchval("SELECT min(event_time) FROM events") == datetime(100, 1, 1, tzinfo=UTC)
    assert not await connection.fetchval("SELECT is_whole FROM folded")
    dependencies = world.app.state.dependencies
    object.__setattr__(dependencies, "database", type(dependencies.database)(url))
    assert (await world.call.bare("GET", "/readyz")).status_code == 503, "the record is not whole yet"
    while await fold_anew(dependencies):
        pass
    assert await connection.fetchval("SELECT is_whole FROM folded")
    found = (await world.call("auditor", "GET", f"/api/v1/jobs/runs/{run}")).json()
    assert (found["state"], found["durationMs"], found["toldBy"]) == ("COMPLETED", 600_000, [])
    table = (await world.call("auditor", "GET", "/api/v1/namespaces/n/datasets/t")).json()
    assert (table["description"], table["tags"]) == ("COMPLETE", ["PII"])
    await dependencies.database.close()
    await connection.close()
