"""Whoever sends events chooses the order they come in: it must decide nothing."""

from collections.abc import Sequence
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest
from lineage.conftest import World
from lineage.test_marquez import facet, get, of, told

RUN = str(UUID(int=7))


def schema(word: str) -> dict[str, Any]:
    return {"schema": facet(fields=[{"name": word, "type": "TEXT"}]), "documentation": facet(description=word)}


def table(**facets: Any) -> dict[str, Any]:
    return {"namespace": "n", "name": "t", "facets": facets}


async def dataset_told(world: World, events: Sequence[dict[str, Any]]) -> tuple[list[str], str]:
    for event in events:
        assert (await world.tell(event)).status_code == 201
    found = await get(world, of("n", "datasets", "t"))
    return [one["name"] for one in found["fields"]], found["description"]


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_the_newest_event_that_has_a_facet_wins_in_any_order(lineage: World, order: tuple[int, ...]) -> None:
    events = [
        told("COMPLETE", str(UUID(int=1)), "a", 0, outputs=[table(**schema("old"))]),
        told("COMPLETE", str(UUID(int=2)), "b", 5, outputs=[table(**schema("new"))]),
        told("COMPLETE", str(UUID(int=3)), "c", 20, outputs=[table()]),
    ]
    assert await dataset_told(lineage, [events[place] for place in order]) == (["new"], "new")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("end", ["COMPLETE", "FAIL", "ABORT"])
async def test_a_run_that_began_and_ended_at_one_moment_has_ended(
    lineage: World, order: tuple[int, ...], end: str
) -> None:
    events = [told("START", RUN, "j", 0), told(end, RUN, "j", 0)]
    for place in order:
        await lineage.tell(events[place])
    run = await get(lineage, f"/jobs/runs/{RUN}")
    assert run["state"] == {"COMPLETE": "COMPLETED", "FAIL": "FAILED", "ABORT": "ABORTED"}[end]
    assert run["startedAt"] == run["endedAt"] is not None


async def test_two_ends_of_one_moment_are_told_apart_by_what_they_say(lineage: World) -> None:
    first, second = str(UUID(int=1)), str(UUID(int=2))
    for run, ends in ((first, ("COMPLETE", "FAIL")), (second, ("FAIL", "COMPLETE"))):
        for end in ends:
            await lineage.tell(told(end, run, "j", 0))
    states = {(await get(lineage, f"/jobs/runs/{run}"))["state"] for run in (first, second)}
    assert states == {"FAILED"}, "of two ends, the one that promises less"


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_two_jobs_of_one_run_id_do_not_swap(lineage: World, order: tuple[int, ...]) -> None:
    events = [told("START", RUN, "first", 0), told("RUNNING", RUN, "second", 1), told("COMPLETE", RUN, "first", 2)]
    for place in order:
        await lineage.tell(events[place])
    assert (await get(lineage, f"/jobs/runs/{RUN}"))["jobVersion"]["name"] == "first"
    assert (await get(lineage, of("airflow", "jobs", "first") + "/runs"))["totalCount"] == 1


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_what_was_known_by_a_time_does_not_hang_on_when_it_was_heard(
    lineage: World, order: tuple[int, ...]
) -> None:
    """An edge is told of again later: it was known from the first."""
    output = [table()]
    events = [
        told("START", RUN, "j", 0, inputs=[{"namespace": "n", "name": "s"}], outputs=output),
        told("RUNNING", RUN, "j", 30, inputs=[{"namespace": "n", "name": "s"}]),
        told("COMPLETE", RUN, "j", 60, outputs=output),
    ]
    for place in order:
        await lineage.tell(events[place])
    answer = await lineage.call("auditor", "GET", "/v1/graph?node=dataset:n:t&asOf=2026-01-05T12:01:00Z")
    assert answer.status_code == 200, answer.text
    assert {one["name"] for one in answer.json()["datasets"]} == {"s", "t"}


async def test_every_job_name_is_of_what_repeats_and_edges_follow_the_run(lineage: World) -> None:
    """One job, three days: what a day made came from that day's input alone."""
    for day in (1, 2, 3):
        made = told(
            "COMPLETE", str(UUID(int=day)), "daily", day,
            inputs=[{"namespace": "raw", "name": f"day{day}"}], outputs=[{"namespace": "out", "name": f"day{day}"}],
        )  # fmt: skip
        await lineage.tell(made)
    graph = (await get(lineage, "/lineage?nodeId=dataset:out:day1&depth=20"))["graph"]
    assert {one["id"] for one in graph} == {"dataset:out:day1", "dataset:raw:day1", "job:airflow:daily"}
    (job,) = (one for one in graph if one["type"] == "JOB")
    assert [edge["origin"] for edge in job["inEdges"]] == ["dataset:raw:day1"]
    shown = await get(lineage, of("airflow", "jobs", "daily"))
    assert (shown["inputs"], shown["outputs"]) == (
        [{"namespace": "raw", "name": "day3"}], [{"namespace": "out", "name": "day3"}],
    ), "a job reads and writes what its newest finished run did"  # fmt: skip


@pytest.mark.parametrize(
    "spell",
    [str.upper, lambda run: f"urn:uuid:{run}", lambda run: "{" + run + "}", lambda run: run.replace("-", "")],
)
async def test_one_run_is_one_however_its_id_is_written(lineage: World, spell: Any) -> None:
    run = str(uuid4())
    assert (await lineage.tell(told("START", spell(run), "j", 0))).status_code == 201
    assert (await lineage.tell(told("COMPLETE", run, "j", 10, outputs=[table()]))).status_code == 201
    assert (await get(lineage, of("airflow", "jobs", "j") + "/runs"))["totalCount"] == 1
    for written in (run, spell(run)):
        assert (await get(lineage, f"/jobs/runs/{written}"))["durationMs"] == 600_000
        answer = await lineage.call(
            "auditor", "GET", "/v1/graph", params={"node": f"run:{written}", "direction": "downstream"}
        )
        assert answer.status_code == 200, answer.text
        assert [one["id"] for one in answer.json()["runs"]] == [run]


@pytest.mark.parametrize(
    ("namespace", "name"),
    [
        ("T", "1 a/b"), ("models", "prod:churn@3"), ("a:b", "c"), ("a", "b:c"), ("a", "b%3Ac"), ("a:", ":c"),
        ("jdbc:h2:mem:x y", "p:q:r"), ("n", "100%25"), ("n", "100%"), (":", ":"),
    ],
)  # fmt: skip
async def test_every_id_that_the_graph_gives_is_found_again(lineage: World, namespace: str, name: str) -> None:
    run = str(uuid4())
    made = {"namespace": namespace, "name": name}
    await lineage.tell(told("COMPLETE", run, name, 0, space=namespace, inputs=[table()], outputs=[made]))
    down = await lineage.call("auditor", "GET", "/v1/graph?node=dataset:n:t&direction=downstream")
    ends = {link["to"] for link in down.json()["links"] if link["from"] == f"run:{run}"}
    ids = {one["id"] for one in (await get(lineage, "/lineage?nodeId=dataset:n:t"))["graph"]}
    (node,) = ends
    assert node in ids
    for asked in ids:
        answer = await lineage.call("auditor", "GET", "/v1/graph", params={"node": asked})
        assert answer.status_code == 200, (asked, answer.text)
        answer = await lineage.call("auditor", "GET", "/api/v1/lineage", params={"nodeId": asked})
        assert answer.status_code == 200, (asked, answer.text)
        assert asked in {one["id"] for one in answer.json()["graph"]}
    plain = await lineage.call("auditor", "GET", "/v1/graph", params={"node": f"dataset:{namespace}:{name}"})
    assert plain.status_code == 200, "as somebody would write it by hand"
