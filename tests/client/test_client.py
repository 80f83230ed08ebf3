"""The client: both kinds send the same calls, and refusals carry every reason."""

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from moneyer import AsyncMoneyer, Connection, Moneyer, Refused, calls

CONNECTION = Connection(
    services={name: f"http://{name}.test" for name in ("policy", "generation", "evaluation", "lineage")},
    token_url="http://issuer.test/token",
    client_id="scientist",
    client_secret="secret",
)
Handler = Callable[[httpx.Request], httpx.Response]


def answering(handler: Handler, seen: list[httpx.Request]) -> Handler:
    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if request.url.host == "issuer.test":
            return httpx.Response(200, json={"access_token": "t", "expires_in": 3600})
        return handler(request)

    return answer


def sync_client(handler: Handler, seen: list[httpx.Request]) -> Moneyer:
    client = Moneyer(CONNECTION)
    client._http.close()
    client._http = httpx.Client(transport=httpx.MockTransport(answering(handler, seen)))
    return client


async def async_client(handler: Handler, seen: list[httpx.Request]) -> AsyncMoneyer:
    client = AsyncMoneyer(CONNECTION)
    await client._http.aclose()
    client._http = httpx.AsyncClient(transport=httpx.MockTransport(answering(handler, seen)))
    return client


async def test_both_clients_send_the_same_requests() -> None:
    call = calls.get_graph("dataset:moneyer.asset:asset-1", direction="downstream")
    sync_seen: list[httpx.Request] = []
    async_seen: list[httpx.Request] = []
    with sync_client(lambda _: httpx.Response(200, json={"ok": 1}), sync_seen) as client:
        assert client.send(call) == client.send(call) == {"ok": 1}
    async with await async_client(lambda _: httpx.Response(200, json={"ok": 1}), async_seen) as waiting:
        assert await waiting.send(call) == await waiting.send(call) == {"ok": 1}
    assert [str(request.url) for request in sync_seen] == [str(request.url) for request in async_seen]
    assert len(sync_seen) == 3, "one token for two calls"
    assert sync_seen[1].headers["authorization"] == "Bearer t"
    assert sync_seen[1].url.params["direction"] == "downstream"


async def test_a_refusal_carries_every_reason() -> None:
    problem = {
        "code": "plan-denied",
        "title": "t",
        "detail": "d",
        "reasons": [{"code": "a", "remedy": "r"}, {"code": "b"}],
    }
    with sync_client(lambda _: httpx.Response(403, json=problem), []) as client, pytest.raises(Refused) as refused:
        client.send(calls.list_charters())
    assert (refused.value.status, refused.value.code) == (403, "plan-denied")
    assert [reason["code"] for reason in refused.value.reasons] == ["a", "b"]
    with (
        sync_client(lambda _: httpx.Response(502, text="<html>bad gateway"), []) as client,
        pytest.raises(Refused) as proxy,
    ):
        client.send(calls.list_charters())
    assert proxy.value.status == 502


async def test_watching_reads_the_events_until_they_end() -> None:
    body = 'event: progress\ndata: {"state": "fitting", "progress": 0.5, "failure": null}\n\nevent: progress\ndata: {"state": "released", "progress": 1.0, "failure": null}\n\n'
    with sync_client(lambda _: httpx.Response(200, text=body), []) as client:
        assert [told["state"] for told in client.watch("run")] == ["fitting", "released"]
    async with await async_client(lambda _: httpx.Response(200, text=body), []) as waiting:
        assert [told["state"] async for told in waiting.watch("run")] == ["fitting", "released"]


def test_every_call_goes_to_a_route_that_exists() -> None:
    """Each call, built from its signature, matches a path and method of the committed documents."""
    documents = {
        service: json.loads((Path(__file__).parents[2] / "openapi" / f"{service}.json").read_text())["paths"]
        for service in CONNECTION.services
    }
    made = 0
    for name, function in inspect.getmembers(calls, inspect.isfunction):
        if name not in calls.__all__:
            continue
        call = function(**{parameter: _some(parameter) for parameter in inspect.signature(function).parameters})
        templates = [path for path, methods in documents[call.service].items() if call.method.lower() in methods]
        assert any(_matches(call.path, template) for template in templates), (name, call.path)
        made += 1
    assert made > 60


def _some(parameter: str) -> Any:
    class AnyDocument:
        def model_dump(self, **_: Any) -> dict[str, Any]:
            return {}

    known = {
        "index": 3,
        "document": {},
        "documents": {},
        "declaration": AnyDocument(),
        "plan": AnyDocument(),
        "request": AnyDocument(),
        "content": b"",
        "acceptable": True,
        "call": calls.get_inbox(),
    }
    return known.get(parameter, "x")


def _matches(path: str, template: str) -> bool:
    import re

    return re.fullmatch(re.sub(r"\{[^}]+\}", "[^/:]+", template), path) is not None


def test_the_environment_names_a_moneyer_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("POLICY", "GENERATION", "EVALUATION", "LINEAGE"):
        monkeypatch.setenv(f"MONEYER_{name}_URL", f"https://{name.lower()}.example.org")
    for name in ("TOKEN_URL", "CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.setenv(f"MONEYER_{name}", name)
    assert Connection.from_environment().services["policy"] == "https://policy.example.org"
    monkeypatch.delenv("MONEYER_CLIENT_SECRET")
    with pytest.raises(KeyError, match="MONEYER_CLIENT_SECRET"):
        Connection.from_environment()


def test_a_page_says_where_the_list_goes_on() -> None:
    call = calls.paged(calls.list_charters())
    url = "https://policy.example/v1/charters?state=draft&after=c7"
    more = httpx.Response(200, json=[{"id": "c7"}], headers={"Link": f'<{url}>; rel="next"'})
    assert call.read(more) == calls.Listed([{"id": "c7"}], "c7")
    assert call.read(httpx.Response(200, json=[])).after is None
    assert (call.path, call.query) == (calls.list_charters().path, calls.list_charters().query)


async def test_a_token_is_spoken_with_as_it_is_and_shown_to_nobody() -> None:
    seen: list[httpx.Request] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=[])

    connection = Connection.of_token(CONNECTION.services, "secret-token")
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        await AsyncMoneyer(connection, http=http).send(calls.list_members())
    assert [request.headers["authorization"] for request in seen] == ["Bearer secret-token"], (
        "and nobody was asked for one"
    )
    assert "secret-token" not in repr(connection)
