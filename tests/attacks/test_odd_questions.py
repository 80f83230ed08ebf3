"""Questions and documents that are read in two ways or end in a 500, told by whoever holds a weak token."""

import base64
import gzip
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
import yaml
from attacks.test_strangers_events import said
from lineage.test_impact import released
from policy.conftest import charter_document

YAML = {"Content-Type": "application/yaml"}


@pytest.mark.parametrize("sought", ["%\\", "_\\", "%a\\"])
async def test_a_pattern_that_ends_in_an_escape_is_no_outage(lineage: Any, sought: str) -> None:
    await lineage.tell(said("COMPLETE", str(uuid4()), 0, job=("jobs", "a")))
    answer = await lineage.call("auditor", "GET", f"/api/v1/search?q={quote(sought)}")
    assert answer.status_code in {200, 422}


@pytest.mark.parametrize("bound", ["1e-20000", "1e-100000"])
async def test_a_bound_that_no_database_keeps_is_refused(lineage: Any, bound: str) -> None:
    answer = await lineage.call("auditor", "GET", f"/v1/outcomes?metric=m&at_most={bound}")
    assert answer.status_code == 422


@pytest.mark.parametrize("bound", ["1_0", "%201", "%EF%BC%91", "%2B1"])
async def test_a_bound_is_written_as_every_number_is(lineage: Any, bound: str) -> None:
    answer = await lineage.call("auditor", "GET", f"/v1/outcomes?metric=m&at_most={bound}")
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "question",
    [
        "/v1/outcomes?metric=a&metric=b", "/v1/outcomes?verdict=released&verdict=rejected",
        "/v1/outcomes?metric=a&at_most=1&at_most=2", "/v1/outcomes/summary?generator=a&generator=b",
        "/v1/series/events?step=hour&step=day", "/v1/figures/m?step=hour&step=day", "/v1/performance?metric=a&metric=b",
    ],
)  # fmt: skip
async def test_what_is_asked_through_a_model_is_asked_once_too(lineage: Any, question: str) -> None:
    answer = await lineage.call("auditor", "GET", question)
    assert answer.status_code == 422
    assert answer.json()["code"] == "parameter-twice"


@pytest.mark.parametrize("name", ["中文", 'a>; rel="x", <b'])
async def test_a_link_is_a_link_whatever_a_model_is_called(lineage: Any, name: str) -> None:
    asset, path = await released(lineage), f"/v1/models/{quote(name)}"
    await lineage.call("scientist", "PUT", path, json={})
    trained = {"assets": [asset], "trained_at": "2026-01-01T00:00:00Z"}
    await lineage.call("scientist", "PUT", f"{path}/versions/1", json=trained)
    figures = [{"metric": f"m{n}", "measured_at": "2026-01-01T00:00:00Z", "value": 1.0} for n in range(600)]
    told = await lineage.call("scientist", "POST", f"{path}/versions/1/metrics", json={"figures": figures})
    assert told.status_code == 200
    answer = await lineage.call("auditor", "GET", f"{path}/versions/1/metrics")
    assert answer.status_code == 200
    assert quote(name) in answer.headers["link"]


@pytest.mark.parametrize("owner", [["a"], {"a": 1}, 7, "\u202eevil\n"])
async def test_what_a_registry_says_is_of_its_shape_or_refused(lineage: Any, owner: Any) -> None:
    """Whoever tags a model in a registry chooses who reads as its owner: never a name that no token can have."""
    data = {"name": f"m-{uuid4()}", "tags": {"moneyer.owner": owner}}
    event = {"entity": "registered_model", "action": "created", "timestamp": "2026-01-01T00:00:00Z", "data": data}
    body, at = json.dumps(event).encode(), str(int(lineage.clock().timestamp()))
    signature = base64.b64encode(hmac.digest(b"hush", f"d.{at}.".encode() + body, hashlib.sha256)).decode()
    sent = {
        "X-MLflow-Signature": f"v1,{signature}", "X-MLflow-Delivery-Id": "d", "X-MLflow-Timestamp": at,
        "Content-Type": "application/json",
    }  # fmt: skip
    answer = await lineage.call.bare("POST", "/v1/registries/plant/mlflow", content=body, headers=sent)
    assert answer.status_code == 422


@pytest.mark.parametrize("ends", ["\x85", "\u2028", "\u2029"])
async def test_what_ends_a_line_to_some_readers_of_yaml_is_refused(policy: Any, ends: str) -> None:
    """To YAML 1.2, and to every editor, the second member is a part of the comment."""
    document = charter_document()
    del document["maximum_rows"]
    text = yaml.safe_dump(document, sort_keys=False)
    text += f"# at most as agreed{ends}maximum_rows: 1000000\n"
    answer = await policy.call("scientist", "POST", "/v1/charters", content=text.encode(), headers=YAML)
    assert answer.status_code in {400, 422}, answer.text


@pytest.mark.parametrize("side", ["inputs", "outputs"])
async def test_an_event_of_more_tables_than_any_run_has_is_refused(lineage: Any, side: str) -> None:
    """A quarter of a megabyte, packed, was half a minute of work for one request."""
    tables = [{"namespace": "n", "name": f"t{n}"} for n in range(100_000)]
    body = gzip.compress(json.dumps(said("COMPLETE", str(uuid4()), 1, job=("j", "j")) | {side: tables}).encode())
    sent = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    answer = await lineage.call("producer", "POST", "/api/v1/lineage", content=body, headers=sent)
    assert answer.status_code == 422
    assert await lineage.count("events") == 0
