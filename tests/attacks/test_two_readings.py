"""Documents that two readers read in two ways: people would vote on something else than the gate applies."""

import gzip
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from attacks.conftest import Service, routes
from lineage.conftest import event
from lineage.test_registries import PATH, headers
from policy.conftest import World
from policy.examples import charter_document
from typer.testing import CliRunner

from moneyer.cli import app
from moneyer_shared.errors import Invalid

JSON = {"Content-Type": "application/json"}
YAML = {"Content-Type": "application/yaml"}
TWICE = b'{"title": "what is read", "title": "what is applied"}'


async def test_no_route_of_any_service_takes_a_key_twice(services: dict[str, Service]) -> None:
    before = {name: await service.rows() for name, service in services.items()}
    walked = 0
    for route in routes():
        if "application/json" not in route.media:
            continue
        headers = JSON | {"Idempotency-Key": uuid4().hex, "If-Match": '"1.1"'}
        body = TWICE
        if route.path == PATH:
            continue  # signed: see below
        for sent in (body, b'{"deep": [{"er": ' + TWICE + b"}]}"):
            answer = await services[route.service].send(route.method, route.path, content=sent, headers=headers)
            told = (answer.status_code, answer.json()["code"])
            assert told == (400 if "/access/v1/" in route.path else 422, "key-twice"), (route.method, route.path, told)
        walked += 1
    assert walked > 50
    assert {name: await service.rows() for name, service in services.items()} == before


@pytest.mark.parametrize(
    "said",
    [
        b'{"title": NaN}', b'{"title": Infinity}', b'{"title": -Infinity}', b'{"title": 1e999}', b'{"title": 1e-999}',
        b'{"title": "\\ud800"}', b'{"title": "\\u0000"}', b'{"\\u0000": 1}', b'{"title": 9007199254740993}',
        b'{"title": ' + b"9" * 5000 + b"}", b"\xef\xbb\xbf{}", '{"title": "x"}'.encode("utf-16"), b'{"title": "\xff"}',
        b'{"title": 1,}', b'{"title": 01}', b"{'title': 1}", b"{} {}", b'{"title": "\t"}', b"", b"[" * 100_000,
        b'{"a":' * 65 + b"1" + b"}" * 65,
    ],
)  # fmt: skip
async def test_what_json_is_not_is_refused_at_every_door(services: dict[str, Service], said: bytes) -> None:
    """One route of each kind of door: read by the framework, as a document, by AuthZEN, straight, and as events."""
    doors = (
        ("policy", "/v1/populations"), ("policy", "/v1/charters"), ("policy", "/access/v1/evaluation"),
        ("policy", "/v1/decisions"), ("generation", "/v1/sources"), ("evaluation", "/v1/assays"),
        ("lineage", "/api/v1/lineage/batch"), ("lineage", "/v1/deliveries"),
    )  # fmt: skip
    before = {name: await service.rows() for name, service in services.items()}
    for name, path in doors:
        sent = JSON | {"Idempotency-Key": uuid4().hex}
        answer = await services[name].send("POST", path, content=said, headers=sent)
        assert answer.status_code in {400, 422}, (path, answer.status_code)
        assert answer.headers["content-type"] == "application/problem+json"
        framework = [reason["code"] for reason in answer.json().get("reasons", [])]
        assert "too-large" not in framework
        if said and b"9007199254740993" not in said:
            # It is refused for how it is written, not for lack of other members.
            assert answer.json()["code"] not in {"invalid", "charter-invalid", "batch-unreadable"}, (path, answer.text)
    assert {name: await service.rows() for name, service in services.items()} == before


@pytest.mark.parametrize(
    "line",
    [
        "maximum_rows: 010000", "maximum_rows: 0x1F", "maximum_rows: 0o17", "maximum_rows: 1_000", "maximum_rows: 16:40",
        "maximum_rows: 0b11", "maximum_rows: +100", "maximum_rows: 5.0", "maximum_rows: 1e3", "maximum_rows: 1:30",
        "maximum_rows: !!int '100'", "maximum_rows: &a 100", "maximum_rows: 100\nmaximum_rows: 1000000",
        "maximum_rows: 100\n? maximum_rows\n: 1000000", "maximum_rows: 100\n'maximum_rows': 7", "<<: {maximum_rows: 9}",
        "maximum_rows: .inf", "maximum_rows: 9007199254740993", "maximum_rows: 100\nbenefits: [on]",
        "maximum_rows: 100\nbenefits: [No]", "maximum_rows: 100\nbenefits: [Y]", "maximum_rows: 100\nbenefits: [~]",
        "maximum_rows: 100\nbenefits: [TRUE]", "maximum_rows: 100\n? [a, b]\n: 1", "maximum_rows: 100\n1: x",
        "maximum_rows: 100\n---\nmaximum_rows: 7", 'maximum_rows: 100\nbenefits: ["\\0"]',
        "maximum_rows: 100\nbenefits: " + "[" * 70 + "]" * 70,
    ],
)  # fmt: skip
async def test_yaml_says_what_json_would_say_or_is_refused(policy: World, line: str) -> None:
    document = charter_document()
    del document["maximum_rows"]
    text = yaml.safe_dump(document, sort_keys=False) + line + "\n"
    answer = await policy.call("scientist", "POST", "/v1/charters", content=text, headers=YAML)
    assert answer.status_code in {400, 422}, answer.text
    assert await policy.sql("SELECT id FROM charters") == []


async def test_directives_do_not_change_how_yaml_is_read(policy: World) -> None:
    for head in ("%YAML 1.1\n---\n", "%TAG ! tag:evil,2000:\n---\n"):
        text = head + yaml.safe_dump(charter_document())
        answer = await policy.call("scientist", "POST", "/v1/charters", content=text, headers=YAML)
        assert answer.status_code in {400, 422}, head


@pytest.mark.parametrize("number", [b"5.0", b"1e3", b'"100"', b"true"])
async def test_a_whole_number_is_written_as_one(policy: World, number: bytes) -> None:
    text = json.dumps(charter_document(maximum_rows=77)).encode().replace(b"77", number)
    answer = await policy.call("scientist", "POST", "/v1/charters", content=text, headers=JSON)
    assert answer.status_code == 422, answer.text


async def test_one_vote_cannot_say_yes_and_no(policy: World) -> None:
    made = (await policy.call("scientist", "POST", "/v1/charters", json=charter_document())).json()
    policy.charter_id, policy.digest = made["id"], made["digest"]
    await policy.call("scientist", "POST", f"/v1/charters/{made['id']}:submit")
    await policy.call("admin", "POST", "/v1/committee/members", json={"subject": "counsel", "function": "legal"})
    vote = {"function": "legal", "digest": policy.digest, "reason": "r"}
    text = json.dumps(vote)[:-1] + ', "verdict": "reject", "verdict": "approve"}'
    answer = await policy.call("counsel", "POST", f"/v1/charters/{made['id']}/votes", content=text, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (422, "key-twice")
    assert await policy.sql("SELECT id FROM votes") == []


@pytest.mark.parametrize("way", ["plain", "gzip", "batch", "gzipped batch"])
async def test_an_event_cannot_have_two_jobs(lineage: Any, way: str) -> None:
    text = json.dumps(event(str(uuid4()), ["db/a"], ["db/b"]))
    body = (text[:-1] + ', "job": {"namespace": "jobs", "name": "another"}}').encode()
    path = "/api/v1/lineage/batch" if "batch" in way else "/api/v1/lineage"
    body = b"[" + body + b"]" if "batch" in way else body
    sent = JSON | ({"Content-Encoding": "gzip"} if "gzip" in way else {})
    body = gzip.compress(body) if "gzip" in way else body
    answer = await lineage.call("producer", "POST", path, content=body, headers=sent)
    assert (answer.status_code, answer.json()["code"]) == (422, "key-twice")
    assert await lineage.count("events") == 0


async def test_a_signed_webhook_is_read_one_way(lineage: Any) -> None:
    told = {"entity": "model_version", "action": "created", "timestamp": "2026-03-01T10:00:00+00:00"}
    data = '{"name": "m", "version": "1", "version": "2", "source": "s", "tags": {}}'
    body = (json.dumps(told)[:-1] + f', "data": {data}}}').encode()
    answer = await lineage.call.bare("POST", PATH, content=body, headers=headers(body, lineage.clock.now))
    assert (answer.status_code, answer.json()["code"]) == (422, "key-twice")
    assert await lineage.count("models") == 0


async def test_headers_that_are_read_once_are_sent_once(services: dict[str, Service]) -> None:
    """A proxy in front takes the first, a service behind it the last, or the other way round."""
    body = json.dumps({"name": "p", "privacy_unit": "u", "epsilon": "1", "delta": "0"})
    for name, first, second in (
        ("Idempotency-Key", "one", "two"),
        ("Content-Type", "application/json", "application/yaml"),
        ("Content-Encoding", "identity", "gzip"),
    ):
        bearer = services["policy"].bearer()["Authorization"]
        sent = [("Authorization", bearer), ("Content-Type", "application/json"), (name, first), (name, second)]
        answer = await services["policy"].bare("POST", "/v1/populations", content=body, headers=sent)
        assert (answer.status_code, answer.json()["code"]) == (400, "header-twice"), name
    token = services["policy"].bearer()["Authorization"]
    other = services["policy"].bearer(person="somebody")["Authorization"]
    for sent in ([("Authorization", token), ("Authorization", other)], [("Authorization", f"{token}, {other}")]):
        answer = await services["policy"].bare("GET", "/v1/charters", headers=sent)
        assert answer.status_code in {400, 401}


async def test_a_question_is_asked_once(services: dict[str, Service]) -> None:
    answer = await services["policy"].send("GET", "/v1/charters?owner=a&owner=b")
    assert (answer.status_code, answer.json()["code"]) == (422, "parameter-twice")


@pytest.mark.parametrize("text", [TWICE, b'{"title": NaN}', b"[" * 5000, b"\xff"])
@pytest.mark.parametrize("command", [["charter", "draft"], ["generate"], ["source", "register"]])
def test_the_client_reads_files_as_the_services_do(tmp_path: Path, text: bytes, command: list[str]) -> None:
    path = tmp_path / "document.json"
    path.write_bytes(text)
    done = CliRunner().invoke(app, [*command, str(path)])
    assert isinstance(done.exception, Invalid), done.exception
