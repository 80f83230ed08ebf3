"""What other people's producers send: one event is never lost for a member nobody needs, nor a batch for one event."""

import gzip
import json
import random
from typing import Any
from uuid import uuid4

import pytest
from lineage.conftest import World, event


def told(**changes: Any) -> dict[str, Any]:
    return event(str(uuid4()), ["n/a"], ["n/b"]) | changes


def with_facets(**facets: Any) -> dict[str, Any]:
    return event(str(uuid4()), ["n/a"], ["n/b"], **facets)


async def batch(world: World, events: list[Any]) -> Any:
    answer = await world.call("producer", "POST", "/api/v1/lineage/batch", json=events)
    assert answer.status_code == 200, answer.text
    return answer.json()


NAMED_TOO_LONG = [
    {"outputs": [{"namespace": "\U0001d11e" * 475, "name": "\U0001d11f" * 475}]},
    {"inputs": [{"namespace": "n" * 1900, "name": "m" * 1900}]},
    {"job": {"namespace": "n" * 1900, "name": "m" * 1900}},
    {"run": None, "job": None, "dataset": {"namespace": "n" * 1900, "name": "m" * 1900}},
]


@pytest.mark.parametrize("change", NAMED_TOO_LONG)
async def test_a_name_longer_than_an_index_entry_is_named_and_the_others_are_kept(
    lineage: World, change: dict[str, Any]
) -> None:
    alone = await lineage.tell(told(**change))
    assert alone.status_code == 422
    assert "2000 bytes" in alone.text
    found = await batch(lineage, [told(), told(**change), *[told() for _ in range(4)]])
    assert (found["summary"]["successful"], [one["index"] for one in found["failed_events"]]) == (5, [1])
    assert "2000 bytes" in found["failed_events"][0]["reason"]


@pytest.mark.parametrize("sign", ["a", "\u00e9", "\U0001d11e"])
async def test_a_name_as_long_as_may_be_is_kept_and_found(lineage: World, sign: str) -> None:
    dice = random.Random(7)
    letters = [chr(ord(sign) + dice.randrange(20)) for _ in range(1000 // len(sign.encode()))]
    name = {"namespace": "".join(letters), "name": "".join(reversed(letters))}
    made = told(outputs=[name], job={"namespace": name["name"], "name": name["namespace"]})
    assert (await lineage.tell(made)).status_code == 201
    node = f"dataset:{name['namespace']}:{name['name']}"
    assert (await lineage.call("auditor", "GET", "/v1/graph", params={"node": node})).status_code == 200


LEFT_OUT = [
    {"parent": {"run": {}, "job": {"namespace": "n", "name": "j"}}}, {"parent": None}, {"parent": {"run": None}}, {"parent": []},
    {"parent": {"run": {"runId": "x" * 3000}}}, {"parent": {"run": {"runId": 7}}}, {"nominalTime": None}, {"nominalTime": "x"},
    {"nominalTime": {"nominalStartTime": None}}, {"anything": [1]}, {"anything": None},
]  # fmt: skip


@pytest.mark.parametrize("facets", LEFT_OUT)
async def test_an_empty_facet_is_left_out_and_its_event_kept(lineage: World, facets: dict[str, Any]) -> None:
    one = with_facets(**facets)
    assert (await lineage.tell(one)).status_code == 201
    run = await lineage.call("auditor", "GET", f"/api/v1/jobs/runs/{one['run']['runId']}")
    assert run.status_code == 200
    kept = (await lineage.call("auditor", "GET", "/v1/events")).json()
    assert kept[0]["event"] == one, "as it came"


@pytest.mark.parametrize(
    "facets", [None, [], "x", 7, {"schema": None}, {"schema": {"fields": None}}, {"columnLineage": {"fields": None}}]
)
async def test_so_is_any_of_a_run_job_or_dataset(lineage: World, facets: Any) -> None:
    one = told()
    for owner in (one["run"], one["job"], *one["inputs"], *one["outputs"]):
        owner["facets"] = facets
    assert (await lineage.tell(one)).status_code == 201
    for path in ("/api/v1/namespaces/n/datasets/b", "/api/v1/namespaces/jobs/jobs/job", "/v1/graph?node=dataset:n:b",
                 "/api/v1/column-lineage?nodeId=dataset:n:b"):  # fmt: skip
        assert (await lineage.call("auditor", "GET", path)).status_code == 200, path


@pytest.mark.parametrize("time", [1767225600, 1767225600.25, 1767225600000, "1767225600", "1767225600.25", True, None])
async def test_a_time_is_text(lineage: World, time: Any) -> None:
    assert (await lineage.tell(told(eventTime=time))).status_code == 422
    assert (await batch(lineage, [told(), told(eventTime=time)]))["summary"]["successful"] == 1


@pytest.mark.parametrize("path", ["/api/v1/lineage", "/api/v1/lineage/batch"])
@pytest.mark.parametrize("packed", [False, True])
async def test_a_body_beyond_the_limit_says_which_and_what_to_leave_out(
    lineage: World, path: str, packed: bool
) -> None:
    one = with_facets(**{"spark.logicalPlan": {"plan": "x" * (9 * 2**20)}})
    content = json.dumps([told(), one] if path.endswith("batch") else one).encode()
    headers = {"Content-Type": "application/json"} | ({"Content-Encoding": "gzip"} if packed else {})
    body = gzip.compress(content, 1) if packed else content
    answer = await lineage.call("producer", "POST", path, content=body, headers=headers)
    assert answer.status_code == 413
    for said in ("8388608", "spark.logicalPlan", "nothing of this one was kept"):
        assert said in answer.json()["detail"]
    assert await lineage.count("events") == 0
