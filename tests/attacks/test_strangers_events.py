"""A producer of lineage events who is none of the house speaks of the house's runs, tables and jobs."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from lineage.conftest import World
from lineage.test_impact import changed, listen, released, train
from lineage.test_marquez import facet, get, of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
JOB = "generation.run/c/s/arf"


def said(kind: str, run: str, minutes: float, **more: Any) -> dict[str, Any]:
    job = more.pop("job", ("moneyer", JOB))
    return {
        "eventTime": (NOW + timedelta(minutes=minutes)).isoformat(), "eventType": kind, "producer": "https://p.example",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": run, "facets": more.pop("run_facets", {})},
        "job": {"namespace": job[0], "name": job[1], "facets": more.pop("job_facets", {})},
        "inputs": more.pop("inputs", []), "outputs": more.pop("outputs", []),
    }  # fmt: skip


def asset(name: str, **facets: Any) -> dict[str, Any]:
    return {"namespace": "moneyer.asset", "name": name, "facets": facets}


def source(name: str) -> dict[str, Any]:
    return {"namespace": "moneyer.source", "name": name, "facets": {}}


async def house(world: World, run: str) -> None:
    """What the services tell of a run: it read a source, made an asset, and ended well."""
    await world.deliver(
        said("START", run, 0),
        said("COMPLETE", run, 10, inputs=[source("s")], outputs=[asset(run, documentation=facet(description="ours"))]),
    )


def lies(run: str) -> list[dict[str, Any]]:
    """Newer, older and of the same time; another job, another end, another source, another description."""
    evil = ("evil", "evil")
    redescribed = asset(run, documentation=facet(description="evil"), schema=facet(fields=[{"name": "evil"}]),
                        lifecycleStateChange=facet(lifecycleStateChange="DROP"))  # fmt: skip
    return [
        said("FAIL", run, 60, job=evil),
        said("FAIL", run, 10),
        said("START", run, -60, job=evil, run_facets={"nominalTime": facet(nominalStartTime="2020-01-01T00:00:00Z")}),
        said("ABORT", run.upper(), 61, job_facets={"documentation": facet(description="evil")}),
        said("COMPLETE", str(uuid4()), 62, outputs=[redescribed]),
        said("RUNNING", run, 63, inputs=[{"namespace": "evil", "name": "raw"}], outputs=[redescribed]),
        {
            "eventTime": (NOW + timedelta(minutes=64)).isoformat(), "producer": "https://p.example",
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/JobEvent",
            "job": {"namespace": "moneyer", "name": JOB, "facets": {"documentation": facet(description="evil")}},
            "inputs": [{"namespace": "evil", "name": "raw"}],
        },
    ]  # fmt: skip


async def picture(world: World, run: str) -> dict[str, Any]:
    """All that is said of the run, its job and its asset, less what is marked as strangers' word."""
    marks = {"heard"}
    shown = await get(world, f"/jobs/runs/{run}")
    job = await get(world, of("moneyer", "jobs", JOB))
    dataset = await get(world, of("moneyer.asset", "datasets", run))
    upstream = (await world.call("auditor", "GET", f"/v1/graph?run={run}")).json()
    ours = {link["to"] for link in upstream["links"] if link["vouched"]}
    return {
        "run": {name: value for name, value in shown.items() if name not in marks},
        "job": {name: job[name] for name in ("inputs", "outputs", "description", "facets", "createdAt", "updatedAt")},
        "dataset": {name: value for name, value in dataset.items() if name not in marks},
        "latest": job["latestRun"]["state"],
        "links": sorted(ours),
        "record": (await world.call("auditor", "GET", f"/v1/records/{run}")).json(),
    }


@pytest.mark.parametrize("first", [True, False])
async def test_no_stranger_changes_what_the_house_said(lineage: World, first: bool) -> None:
    run, other = str(uuid4()), str(uuid4())
    await house(lineage, other)
    before = await picture(lineage, other)
    if first:
        for lie in lies(run):
            assert (await lineage.tell(lie)).status_code == 201
    await house(lineage, run)
    if not first:
        for lie in lies(run):
            assert (await lineage.tell(lie)).status_code == 201
    after = await picture(lineage, run)
    assert after["run"]["state"] == "COMPLETED"
    assert (after["run"]["startedAt"], after["run"]["durationMs"]) == ("2026-03-01T00:00:00Z", 600_000)
    assert after["run"]["jobVersion"]["name"] == JOB
    assert after["dataset"]["description"] == "ours"
    assert (after["dataset"]["fields"], after["dataset"]["deleted"]) == ([], False)
    assert after["job"]["description"] == ""
    assert after["job"]["inputs"] == [{"namespace": "moneyer.source", "name": "s"}]
    assert after["latest"] == "COMPLETED"
    same = str(after).replace(run, other).replace(str(after["dataset"]["currentVersion"]), "v")
    made = after["run"]["outputVersions"][0]["version"]
    was = str(before).replace(str(before["dataset"]["currentVersion"]), "v")
    assert same.replace(made, "v") == was, "as if nobody else had spoken"


async def test_what_strangers_say_is_kept_and_marked_as_theirs(lineage: World) -> None:
    run = str(uuid4())
    await house(lineage, run)
    for lie in lies(run):
        await lineage.tell(lie)
    shown = await get(lineage, f"/jobs/runs/{run}")
    assert (shown["vouched"], shown["toldBy"]) == (True, ["policy"])
    assert [(one["by"], one["state"]) for one in shown["heard"]] == [("producer", "RUNNING")]
    dataset = await get(lineage, of("moneyer.asset", "datasets", run))
    assert (dataset["vouched"], dataset["toldBy"]) == (True, ["policy"])
    (heard,) = dataset["heard"]
    assert (heard["by"], heard["facets"]["documentation"]["description"]) == ("producer", "evil")
    assert await lineage.count("events WHERE NOT vouched") == len(lies(run))


async def test_every_edge_says_who_told_it_and_a_strangers_input_does_not_feed_our_output(lineage: World) -> None:
    run = str(uuid4())
    await house(lineage, run)
    for lie in lies(run):
        await lineage.tell(lie)
    up = (await lineage.call("auditor", "GET", f"/v1/graph?node=dataset:moneyer.asset:{run}")).json()
    told = {(link["from"], link["to"]): (link["vouched"], link["told_by"]) for link in up["links"]}
    assert told["dataset:moneyer.source:s", f"run:{run}"] == (True, ["policy"])
    assert told["dataset:evil:raw", f"run:{run}"] == (False, ["producer"]), "said, and marked"
    assert told[f"run:{run}", f"dataset:moneyer.asset:{run}"][0], "vouched for by somebody"
    runs = {one["id"]: one for one in up["runs"]}
    assert (runs[run]["job"], runs[run]["vouched"]) == (f"moneyer/{JOB}", True)
    assert not any(one["vouched"] for one in up["runs"] if one["id"] != run)
    met = (await lineage.call("auditor", "GET", f"/v1/graph?run={run}")).json()
    assert {(one["namespace"], one["name"]) for one in met["datasets"]} == {("moneyer.source", "s")}, (
        "as the run met it"
    )


async def test_an_input_that_a_stranger_hangs_on_our_run_feeds_nothing(lineage: World) -> None:
    run = str(uuid4())
    await house(lineage, run)
    await lineage.tell(said("RUNNING", run, 5, inputs=[{"namespace": "evil", "name": "raw"}]))
    path = f"/v1/graph?node=dataset:moneyer.asset:{run}"
    up = (await lineage.call("auditor", "GET", path)).json()
    assert {one["namespace"] for one in up["datasets"]} == {"moneyer.asset", "moneyer.source"}
    node = f"dataset:moneyer.asset:{run}"
    shown = (await get(lineage, f"/lineage?nodeId={node}"))["graph"]
    assert {one["id"] for one in shown if one["type"] == "DATASET"} == {node, "dataset:moneyer.source:s"}
    down = (await lineage.call("auditor", "GET", "/v1/graph?node=dataset:evil:raw&direction=downstream")).json()
    assert [one["namespace"] for one in down["datasets"]] == ["evil"]


@pytest.mark.parametrize(
    "made", [("moneyer.model", "churn@1"), ("moneyer.asset", "00000000-0000-4000-8000-000000000001")]
)
async def test_no_stranger_has_owners_told_of_what_their_models_never_saw(
    lineage: World, made: tuple[str, str]
) -> None:
    stopped, better = await released(lineage), await released(lineage)
    await train(lineage, "scientist", "churn", [better])
    await listen(lineage, "scientist", "https://one.example/hook")
    lie = said("COMPLETE", str(uuid4()), 0, job=("evil", "evil"), inputs=[asset(stopped)],
               outputs=[{"namespace": made[0], "name": made[1]}])  # fmt: skip
    assert (await lineage.tell(lie)).status_code == 201
    shown = (await lineage.call("auditor", "GET", f"/v1/assets/{stopped}/impact")).json()
    assert (shown["models"], shown["assets"], shown["others"]) == ([], [], [])
    await changed(lineage, stopped, "withdrawn", because="b")
    assert await lineage.count("deliveries") == 0


async def test_a_table_of_our_name_that_only_strangers_tell_of_says_nothing_but_that(lineage: World) -> None:
    name = str(uuid4())
    await lineage.tell(said("COMPLETE", str(uuid4()), 0, job=("evil", "evil"), outputs=[
        asset(name, documentation=facet(description="released, trust me"))]))  # fmt: skip
    found = await get(lineage, of("moneyer.asset", "datasets", name))
    assert (found["description"], found["vouched"], found["facets"]) == ("", False, {})
    assert found["heard"][0]["facets"]["documentation"]["description"] == "released, trust me"
    graph = (await lineage.call("auditor", "GET", f"/v1/graph?node=dataset:moneyer.asset:{name}")).json()
    assert [link["vouched"] for link in graph["links"]] == [False]


async def test_a_run_is_whose_who_told_it_first(lineage: World) -> None:
    run = str(uuid4())
    mine = said("START", run, 0, job=("airflow", "load"))
    await lineage.tell_as("airflow", mine)
    for lie in (said("FAIL", run, 9, job=("evil", "evil")), said("START", run, -9, job=("airflow", "load"))):
        assert (await lineage.tell_as("stranger", lie)).status_code == 201
    await lineage.tell_as("airflow", said("COMPLETE", run, 5, job=("airflow", "load")))
    shown = await get(lineage, f"/jobs/runs/{run}")
    assert (shown["state"], shown["durationMs"], shown["toldBy"]) == ("COMPLETED", 300_000, ["airflow"])
    assert [(one["by"], one["state"]) for one in shown["heard"]] == [("stranger", "FAILED")]
    assert shown["vouched"] is False


async def test_nobody_takes_an_event_by_telling_the_same_first(lineage: World) -> None:
    run = str(uuid4())
    event = said("COMPLETE", run, 0, job=("airflow", "load"), outputs=[{"namespace": "n", "name": "t"}])
    for who in ("stranger", "airflow"):
        await lineage.tell_as(who, event)
    shown = await get(lineage, f"/jobs/runs/{run}")
    assert [one["by"] for one in shown["heard"]] == ["airflow"], "both are heard, each under their own name"
    await lineage.deliver(event)
    assert (await get(lineage, f"/jobs/runs/{run}"))["vouched"] is True, "the house's word wins whenever it comes"
