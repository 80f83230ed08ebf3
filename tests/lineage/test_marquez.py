"""What Marquez's web interface asks, answered in the shapes it reads; and every event comes back out as it came in."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from lineage.conftest import World
from lineage.marquez_api import ANSWERS, FORMATS

from moneyer_lineage.marquez.documents import column_lineage_of
from moneyer_lineage.record.rules.pictures import dataset_picture, run_picture
from moneyer_lineage.record.rules.projection import project
from moneyer_lineage.record.rules.statements import HOUSE, HeardEvent

BASE = datetime(2026, 1, 5, 12, tzinfo=UTC)
SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
FACETS = (
    "schema", "documentation", "jobType", "nominalTime", "sourceCodeLocation", "lifecycleStateChange", "columnLineage",
    "moneyer_plan", "moneyer_policyDecision", "moneyer_charge", "moneyer_evaluation", "moneyer_release",
    "moneyer_failure",
)  # fmt: skip
SHAPED = (
    "fields", "description", "processingType", "nominalStartTime", "url", "guarantee", "level", "rows", "parameters",
    "generator", "failed", "verdict", "epsilon", "estimates", "metric", "value", "lower", "upper", "asset_id", "purpose",
    "because", "inputFields", "namespace", "name", "field", "transformations",
)  # fmt: skip
AIRFLOW, DBT = "https://airflow.example", "https://dbt.example"


def facet(**body: Any) -> dict[str, Any]:
    return {"_producer": AIRFLOW, "_schemaURL": "https://openlineage.io/spec/facets/1-0-0/F.json"} | body


def table(namespace: str, name: str, **facets: Any) -> dict[str, Any]:
    fields = [{"name": "id", "type": "BIGINT"}, {"name": "amount", "type": "NUMERIC", "description": "in euros"}]
    return {"namespace": namespace, "name": name, "facets": {"schema": facet(fields=fields)} | facets}


def told(kind: str, run: str, job: str, minutes: float, **more: Any) -> dict[str, Any]:
    return {
        "eventTime": (BASE + timedelta(minutes=minutes)).isoformat(),
        "eventType": kind,
        "producer": AIRFLOW,
        "schemaURL": SCHEMA,
        "run": {"runId": run, "facets": more.pop("run_facets", {})},
        "job": {"namespace": more.pop("space", "airflow"), "name": job, "facets": more.pop("job_facets", {})},
        "inputs": more.pop("inputs", []),
        "outputs": more.pop("outputs", []),
    }


def corpus() -> list[dict[str, Any]]:
    """Events as an Airflow of two tasks and a dbt run tell them, a failure and a dataset event among them."""
    load, clean, model, failed = (str(UUID(int=number + 1)) for number in range(4))
    raw = table("s3://landing", "orders/2026/01.parquet")
    orders = table("postgres://db:5432", "shop.public.orders")
    daily = table(
        "postgres://db:5432", "shop.mart.daily",
        columnLineage=facet(
            fields={
                "amount": {
                    "inputFields": [
                        {
                            "namespace": "postgres://db:5432", "name": "shop.public.orders", "field": "amount",
                            "transformations": [{"type": "DIRECT", "subtype": "AGGREGATION", "description": "sum"}],
                        }
                    ]
                }
            }
        ),
    )  # fmt: skip
    nominal = {"nominalTime": facet(nominalStartTime="2026-01-05T00:00:00Z", nominalEndTime="2026-01-06T00:00:00Z")}
    batch = {"jobType": facet(processingType="BATCH", integration="AIRFLOW", jobType="TASK")}
    documented = batch | {
        "documentation": facet(description="Loads orders."),
        "sourceCodeLocation": facet(type="git", url="https://git.example/x"),
    }
    parent = {"parent": facet(run={"runId": load}, job={"namespace": "airflow", "name": "shop"})}
    return [
        told("START", load, "shop.load", 0, inputs=[raw], run_facets=nominal, job_facets=documented),
        told("RUNNING", load, "shop.load", 1, inputs=[raw]),
        told("COMPLETE", load, "shop.load", 2, inputs=[raw], outputs=[orders]),
        told("START", clean, "shop.clean", 3, inputs=[orders], run_facets=parent),
        told("COMPLETE", clean, "shop.clean", 4, inputs=[orders], outputs=[orders]),
        told("START", model, "dbt-run-shop", 5, space="dbt", inputs=[orders]) | {"producer": DBT},
        told("COMPLETE", model, "dbt-run-shop", 6, space="dbt", inputs=[orders], outputs=[daily]) | {"producer": DBT},
        told("START", failed, "shop.load", 60, inputs=[raw]),
        told("FAIL", failed, "shop.load", 61, run_facets={"errorMessage": facet(message="no", programmingLanguage="PY")}),
        {
            "eventTime": (BASE + timedelta(minutes=70)).isoformat(), "producer": AIRFLOW,
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/DatasetEvent",
            "dataset": table("postgres://db:5432", "shop.public.orders", documentation=facet(description="All orders.")),
        },
    ]  # fmt: skip


@pytest.fixture
async def shop(world: World) -> World:
    for event in corpus():
        answer = await world.tell(event)
        assert answer.status_code == 201, answer.text
    return world


async def get(world: World, path: str, status: int = 200) -> Any:
    answer = await world.call("auditor", "GET", f"/api/v1{path}", follow_redirects=True)
    assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text}"
    return answer.json()


def of(namespace: str, kind: str, name: str = "") -> str:
    """A path as the interface builds it: names wholly encoded, slashes too."""
    tail = f"/{quote(name, safe='')}" if name else ""
    return f"/namespaces/{quote(namespace, safe='')}/{kind}{tail}"


# Which members the interface reads, and of which types; None where it takes a null.
RUN: dict[str, Any] = {
    "id": str, "createdAt": str, "updatedAt": str, "nominalStartTime": (str, type(None)), "state": str,
    "nominalEndTime": (str, type(None)), "startedAt": (str, type(None)), "endedAt": (str, type(None)),
    "durationMs": (int, type(None)), "args": dict, "facets": dict, "jobVersion": dict,
}  # fmt: skip
DATASET: dict[str, Any] = {
    "id": dict, "type": str, "name": str, "physicalName": str, "createdAt": str, "updatedAt": str, "namespace": str,
    "sourceName": str, "fields": list, "tags": list, "lastModifiedAt": (str, type(None)), "description": str,
    "facets": dict, "deleted": bool, "columnLineage": list, "currentVersion": (str, type(None)),
}  # fmt: skip
JOB: dict[str, Any] = {
    "id": dict, "type": str, "name": str, "createdAt": str, "updatedAt": str, "inputs": list, "outputs": list,
    "namespace": str, "location": str, "description": str, "latestRun": (dict, type(None)), "tags": list,
}  # fmt: skip
VERSION: dict[str, Any] = {
    "id": dict, "type": str, "name": str, "physicalName": str, "createdAt": str, "version": str, "namespace": str,
    "sourceName": str, "fields": list, "tags": list, "lifecycleState": str, "description": str, "facets": dict,
    "createdByRun": dict,
}  # fmt: skip
NAMESPACE = {"name": str, "createdAt": str, "updatedAt": str, "ownerName": str, "description": str, "isHidden": bool}
NODE = {"id": str, "type": str, "data": dict, "inEdges": list, "outEdges": list}
RESULT = {"name": str, "namespace": str, "nodeId": str, "type": str, "updatedAt": str}
FIELD = {
    "namespace": str, "dataset": str, "field": str, "fieldType": (str, type(None)), "inputFields": list,
    "datasetVersion": (str, type(None)), "transformationDescription": (str, type(None)), "transformationType": (str, type(None)),
}  # fmt: skip


def shaped(found: Any, shape: dict[str, Any]) -> Any:
    for name, kind in shape.items():
        assert name in found, name
        assert isinstance(found[name], kind), (name, found[name])
    return found


def all_shaped(found: list[Any], shape: dict[str, Any]) -> list[Any]:
    assert found
    return [shaped(one, shape) for one in found]


async def test_every_call_of_the_interface_is_answered_in_its_shape(shop: World) -> None:
    spaces = all_shaped((await get(shop, "/namespaces"))["namespaces"], NAMESPACE)
    assert {one["name"] for one in spaces} == {"airflow", "dbt", "s3://landing", "postgres://db:5432"}
    jobs = await get(shop, of("airflow", "jobs") + "?limit=25&offset=0")
    assert jobs["totalCount"] == 2
    all_shaped(jobs["jobs"], JOB)
    assert (await get(shop, "/jobs?limit=2"))["totalCount"] == 3
    load = shaped(await get(shop, of("airflow", "jobs", "shop.load")), JOB)
    assert (load["description"], load["location"], load["type"]) == ("Loads orders.", "https://git.example/x", "BATCH")
    assert load["inputs"] == [{"namespace": "s3://landing", "name": "orders/2026/01.parquet"}]
    assert load["latestRun"]["state"] == "FAILED"
    runs = await get(shop, of("airflow", "jobs", "shop.load") + "/runs?limit=10&offset=0")
    assert [run["state"] for run in all_shaped(runs["runs"], RUN)] == ["FAILED", "COMPLETED"]
    first = runs["runs"][1]
    assert (first["durationMs"], first["nominalStartTime"]) == (120_000, "2026-01-05T00:00:00Z")
    facets = await get(shop, f"/jobs/runs/{first['id']}/facets?type=run")
    assert set(facets["facets"]) == {"nominalTime"}
    assert set((await get(shop, f"/jobs/runs/{first['id']}/facets?type=job"))["facets"]) >= {"jobType", "documentation"}
    shaped(await get(shop, f"/jobs/runs/{first['id']}"), RUN)
    datasets = await get(shop, of("postgres://db:5432", "datasets") + "?limit=20&offset=0")
    assert datasets["totalCount"] == 2
    all_shaped(datasets["datasets"], DATASET)
    orders = shaped(await get(shop, of("postgres://db:5432", "datasets", "shop.public.orders")), DATASET)
    assert orders["description"] == "All orders."
    assert [field["name"] for field in orders["fields"]] == ["id", "amount"]
    parquet = await get(shop, of("s3://landing", "datasets", "orders/2026/01.parquet"))
    assert parquet["name"] == "orders/2026/01.parquet", "names hold slashes"
    versions = await get(shop, of("postgres://db:5432", "datasets", "shop.public.orders") + "/versions?limit=100")
    assert versions["totalCount"] == 2
    assert [one["createdByRun"]["jobVersion"]["name"] for one in all_shaped(versions["versions"], VERSION)] == [
        "shop.clean", "shop.load",
    ]  # fmt: skip
    assert versions["versions"][0]["version"] == orders["currentVersion"]
    found = await get(shop, "/search/?q=orders&sort=NAME&limit=100&filter=DATASET")
    assert found["totalCount"] == 2
    assert all_shaped(found["results"], RESULT)[0]["nodeId"].startswith("dataset:")
    assert (await get(shop, "/search/?q=shop%25&sort=updated_at&limit=1"))["totalCount"] == 4
    assert [
        len(await get(shop, f"/stats/{kind}?period=WEEK&timezone=UTC")) for kind in ("jobs", "datasets", "sources")
    ] == [7, 7, 7]
    assert len(await get(shop, "/stats/lineage-events?period=DAY&timezone=UTC")) == 24
    all_shaped((await get(shop, "/sources"))["sources"], {"type": str, "name": str, "connectionUrl": str})


async def test_every_get_of_the_published_document_is_answered_as_it_says(shop: World) -> None:
    dataset = of("postgres://db:5432", "datasets", "shop.public.orders")
    runs = (await get(shop, of("airflow", "jobs", "shop.clean") + "/runs"))["runs"]
    named = {
        "namespace": quote("postgres://db:5432", safe=""), "dataset": quote("shop.public.orders"),
        "version": (await get(shop, dataset))["currentVersion"], "space": "airflow", "job": "shop.clean",
        "job_version": (await get(shop, of("airflow", "jobs", "shop.clean")))["currentVersion"], "run": runs[0]["id"],
    }  # fmt: skip
    await shop.call("producer", "PUT", "/api/v1/tags/PII", json={"description": "about people"})
    for path, schema in ANSWERS.items():
        answer = await get(shop, path.format(**named))
        Draft202012Validator(schema, format_checker=FORMATS).validate(answer)
        assert answer[schema["required"][0]], f"{path}: an empty list has every shape"


async def test_what_nobody_told_of_is_not_found(shop: World) -> None:
    nothing = str(uuid4())
    for path in (
        "/namespaces/nothing", "/sources/nothing", of("airflow", "jobs", "nothing") + "/versions",
        of("airflow", "jobs", "shop.clean") + f"/versions/{nothing}", of("airflow", "datasets", "nothing") + "/versions",
        of("postgres://db:5432", "datasets", "shop.public.orders") + f"/versions/{nothing}",
    ):  # fmt: skip
        await get(shop, path, 404)


async def test_a_run_names_the_versions_it_made(shop: World) -> None:
    (run,) = (await get(shop, of("airflow", "jobs", "shop.clean") + "/runs"))["runs"]
    orders = await get(shop, of("postgres://db:5432", "datasets", "shop.public.orders"))
    made = {"namespace": "postgres://db:5432", "name": "shop.public.orders", "version": orders["currentVersion"]}
    assert run["outputVersions"] == [made]
    assert (await get(shop, f"/jobs/runs/{run['id']}"))["outputVersions"] == [made]


async def test_lineage_is_walked_both_ways_with_edges(shop: World) -> None:
    nodes = {
        one["id"]: shaped(one, NODE)
        for one in (await get(shop, "/lineage/?nodeId=job:airflow:shop.clean&depth=20"))["graph"]
    }
    assert set(nodes) == {
        "job:airflow:shop.load", "job:airflow:shop.clean", "job:dbt:dbt-run-shop",
        "dataset:s3://landing:orders/2026/01.parquet", "dataset:postgres://db:5432:shop.public.orders",
        "dataset:postgres://db:5432:shop.mart.daily",
    }  # fmt: skip
    orders = nodes["dataset:postgres://db:5432:shop.public.orders"]
    assert {edge["origin"] for edge in orders["inEdges"]} == {"job:airflow:shop.load", "job:airflow:shop.clean"}
    assert {edge["destination"] for edge in orders["outEdges"]} == {"job:airflow:shop.clean", "job:dbt:dbt-run-shop"}
    shaped(orders["data"], DATASET)
    shaped(nodes["job:dbt:dbt-run-shop"]["data"], JOB)
    near = (await get(shop, "/lineage?nodeId=job:airflow:shop.load&depth=1"))["graph"]
    assert len(near) == 3
    await get(shop, "/lineage?nodeId=job:airflow:nothing", 404)
    await get(shop, "/lineage?nodeId=nothing", 422)


async def test_columns_are_followed_to_their_fields(shop: World) -> None:
    node = quote("dataset:postgres://db:5432:shop.mart.daily", safe=":/")
    graph = (await get(shop, f"/column-lineage?nodeId={node}&depth=5&withDownstream=true"))["graph"]
    ends = {one["id"]: one for one in graph}
    daily = ends["datasetField:postgres://db:5432:shop.mart.daily:amount"]
    source = "datasetField:postgres://db:5432:shop.public.orders:amount"
    assert [edge["origin"] for edge in daily["inEdges"]] == [source]
    assert shaped(daily["data"], FIELD)["inputFields"][0]["transformationDescription"] == "sum"
    assert ends[source]["outEdges"][0]["destination"] == daily["id"]
    field = await get(shop, f"/column-lineage?nodeId={node.replace('dataset:', 'datasetField:')}:amount&depth=1")
    assert {one["id"] for one in field["graph"]} >= {daily["id"]}


async def test_tags_are_put_on_datasets_and_fields_and_taken_off(shop: World) -> None:
    path = "/api/v1" + of("postgres://db:5432", "datasets", "shop.public.orders")
    for method, where, expected in (
        ("POST", "/tags/PII", (["PII"], [])), ("POST", "/fields/amount/tags/MONEY", (["PII"], ["MONEY"])),
        ("POST", "/tags/PII", (["PII"], ["MONEY"])), ("DELETE", "/tags/PII", ([], ["MONEY"])),
        ("DELETE", "/fields/amount/tags/MONEY", ([], [])),
    ):  # fmt: skip
        answer = await shop.call("producer", method, path + where)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert (found["tags"], found["fields"][1]["tags"]) == expected
    described = await shop.call("producer", "PUT", "/api/v1/tags/PII", json={"description": "about people"})
    assert described.json() == {"name": "PII", "description": "about people"}
    assert {one["name"] for one in (await get(shop, "/tags"))["tags"]} == {"PII", "MONEY"}
    assert (await shop.call("auditor", "POST", path + "/tags/PII")).status_code == 403


async def test_events_come_back_out_equal(shop: World) -> None:
    found = await get(shop, "/events/lineage?limit=100&before=&after=&sortDirection=asc")
    assert found["totalCount"] == len(corpus())
    assert found["events"] == corpus()
    some = await get(shop, "/events/lineage?limit=2&before=2026-01-05T12:05:00Z&after=2026-01-05T12:02:00%2B00:00")
    assert [one["eventType"] for one in some["events"]] == ["COMPLETE", "START"]
    assert some["totalCount"] == 3
    await get(shop, "/events/lineage?after=yesterday", 422)


nothing_known = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(SHAPED), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(FACETS), nothing_known, max_size=6))
def test_facets_of_any_shape_are_folded_or_left_out(facets: dict[str, Any]) -> None:
    """Whoever writes them as they like gets an event kept, and nobody an error."""
    one = told("COMPLETE", str(UUID(int=1)), "j", 0, outputs=[{"namespace": "n", "name": "t", "facets": facets}])
    one["run"]["facets"] = one["job"]["facets"] = facets
    made = project([HeardEvent(one, BASE, "d" * 64, "policy", vouched=True)])
    assert made.runs.keys() == {str(UUID(int=1))}
    shown = dataset_picture("n", "t", made.datasets["n", "t"], {})
    assert all(column["inputFields"] is not None for column in column_lineage_of(shown.facets))
    assert run_picture(str(UUID(int=1)), made.runs[str(UUID(int=1))], HOUSE).state == "COMPLETED"


async def test_a_batch_is_taken_but_for_what_does_not_fit(world: World) -> None:
    batch = [*corpus(), {"producer": "p"}, corpus()[0] | {"eventTime": "yesterday"}]
    answer = await world.call("producer", "POST", "/api/v1/lineage/batch", json=batch)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["status"] == "partial_success"
    assert found["summary"] == {
        "received": 12, "successful": 10, "failed": 2, "retriable": 0, "non_retriable": 2,
    }  # fmt: skip
    assert [one["index"] for one in found["failed_events"]] == [10, 11]
    again = (await world.call("producer", "POST", "/api/v1/lineage/batch", json=corpus())).json()
    assert again["status"] == "success"
    assert (await get(world, "/events/lineage"))["totalCount"] == 10, "each is kept once"
    for body in ([], {"a": 1}):
        assert (await world.call("producer", "POST", "/api/v1/lineage/batch", json=body)).status_code == 422


async def test_names_with_every_sign_are_found_again(world: World) -> None:
    for name in ("a/b", "a%2Fb", "a%b", "ä ö/ü", "a?b#c"):
        told_of = told("COMPLETE", str(uuid4()), name, 0, outputs=[table("n/s", name)])
        assert (await world.tell(told_of)).status_code == 201
        assert (await get(world, of("n/s", "datasets", name)))["name"] == name
        assert (await get(world, of("airflow", "jobs", name) + "/runs"))["totalCount"] == 1


async def test_late_events_do_not_turn_time_back(world: World) -> None:
    """Told backwards, one by one, the picture is the same as told in order."""
    for event in reversed(corpus()):
        assert (await world.tell(event)).status_code == 201
    load = await get(world, of("airflow", "jobs", "shop.load"))
    assert load["latestRun"]["state"] == "FAILED"
    assert load["description"] == "Loads orders."
    runs = (await get(world, of("airflow", "jobs", "shop.load") + "/runs"))["runs"]
    assert [(run["state"], run["durationMs"]) for run in runs] == [("FAILED", 60_000), ("COMPLETED", 120_000)]
    orders = await get(world, of("postgres://db:5432", "datasets", "shop.public.orders"))
    assert orders["description"] == "All orders."


async def test_what_a_later_event_leaves_out_stays(world: World) -> None:
    """A dataset told of again without its schema keeps the one it has."""
    first = told("COMPLETE", str(uuid4()), "j", 0, outputs=[table("n", "t")])
    bare = told("COMPLETE", str(uuid4()), "j", 1, outputs=[{"namespace": "n", "name": "t"}])
    for event in (first, bare):
        assert (await world.tell(event)).status_code == 201
    found = await get(world, of("n", "datasets", "t"))
    assert [field["name"] for field in found["fields"]] == ["id", "amount"]
    assert (await get(world, of("n", "datasets", "t") + "/versions"))["totalCount"] == 2


async def test_two_batches_of_the_same_things_do_not_wait_for_each_other_in_a_ring(world: World) -> None:
    def batch(number: int) -> list[dict[str, Any]]:
        names = [f"t{i}" for i in range(20)]
        random.Random(number).shuffle(names)
        return [
            {
                "id": str(uuid4()),
                "kind": "openlineage",
                "payload": told("COMPLETE", str(uuid4()), name, number, outputs=[table("n", name)]),
            }
            for name in names
        ]

    for _ in range(3):
        answers = await asyncio.gather(
            *(world.call("policy", "POST", "/v1/deliveries", json={"items": batch(number)}) for number in range(6))
        )
        assert {answer.status_code for answer in answers} == {200}
    assert (await get(world, of("airflow", "jobs")))["totalCount"] == 20
