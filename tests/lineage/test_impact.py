"""What was built on an asset is known as of any time, and its owners are told what becomes of it."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import cloudevents.core.bindings.http as cloud_http
import httpx
import pytest
from cloudevents.core.formats.json import JSONFormat
from lineage.conftest import World, event
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from moneyer_lineage.dependencies import Work
from moneyer_lineage.models.use_cases import models as use_cases
from moneyer_lineage.models.use_cases.impact import announce
from moneyer_lineage.webhooks.courier import Courier
from moneyer_lineage.webhooks.messenger import UNREACHED
from moneyer_lineage.webhooks.rules.signing import MOST_ATTEMPTS, PAUSES
from moneyer_shared.auth import Caller

LATER = {"because": None, "substitute": None}


def told(world: World, asset: str, *, inputs: list[str] = (), **facets: Any) -> dict[str, Any]:
    """What policy says of an asset now."""
    made = event(asset, list(inputs), [f"moneyer.asset/{asset}"], **facets)
    return made | {"eventTime": world.clock.now.isoformat(), "eventType": "OTHER"}


async def released(world: World) -> str:
    asset = str(uuid4())
    await world.deliver(told(world, asset, inputs=["moneyer.source/s"], moneyer_release={"verdict": "released"}))
    world.clock.turn(minutes=1)
    return asset


async def changed(world: World, asset: str, change: str, **more: str) -> None:
    world.clock.turn(minutes=1)
    facet = LATER | {"change": change} | more
    await world.deliver(told(world, asset, moneyer_assetChange=facet))
    await announce(world.app.state.dependencies)


async def train(world: World, person: str, model: str, assets: list[str], version: str = "1") -> httpx.Response:
    registered = await world.call(person, "PUT", f"/v1/models/{model}", json={})
    assert registered.status_code == 200, registered.text
    body = {"assets": assets, "trained_at": world.clock.now.isoformat()}
    answer = await world.call(person, "PUT", f"/v1/models/{model}/versions/{version}", json=body)
    world.clock.turn(minutes=1)
    return answer


async def listen(world: World, person: str, url: str) -> dict[str, Any]:
    headers = {"Idempotency-Key": str(uuid4())}
    answer = await world.call(person, "POST", "/v1/webhooks", json={"url": url}, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def deliver(world: World) -> int:
    """Deliver all that is due now."""
    tried, courier = 0, Courier(world.app.state.dependencies)
    while number := await courier.set_out():
        await courier.arrive()
        tried += number
    return tried


async def impact(world: World, asset: str, as_of: datetime | None = None) -> dict[str, Any]:
    query = {"asOf": as_of.isoformat()} if as_of else {}
    answer = await world.call("auditor", "GET", f"/v1/assets/{asset}/impact", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def read(request: httpx.Request, secret: str) -> dict[str, Any]:
    """The event of a delivery, verified by Standard Webhooks' own library and read by CloudEvents'.

    The library holds timestamps against the real clock, so the check of the time is made with that of the delivery.
    """
    headers = dict(request.headers)
    sent = int(headers["webhook-timestamp"])
    signed = Webhook(secret).sign(
        headers["webhook-id"], datetime.fromtimestamp(sent).astimezone(), request.content.decode()
    )
    assert signed in headers["webhook-signature"].split(), "the library signs the same"
    message = cloud_http.HTTPMessage(headers=headers, body=request.content)
    found = cloud_http.from_structured(message, JSONFormat())
    return {"type": found.get_type(), "subject": found.get_subject(), "id": found.get_id(), "data": found.get_data()}


async def test_a_withdrawal_reaches_both_owners_past_an_hour_of_downtime_and_shows_in_the_graph(world: World) -> None:
    asset, better = await released(world), await released(world)
    assert (await train(world, "scientist", "churn", [asset])).status_code == 204
    assert (await train(world, "lead-scientist", "credit", [asset])).status_code == 204
    first = await listen(world, "scientist", "https://one.example/hook")
    second = await listen(world, "lead-scientist", "https://two.example/hook")
    before = world.clock.now
    world.outside.says = {"one.example": httpx.ConnectError("down"), "two.example": 503}
    await changed(world, asset, "withdrawn", because="a column was mislabelled", substitute=better)
    down_since = world.clock.now
    while world.clock.now < down_since + timedelta(hours=1):
        await deliver(world)
        world.clock.turn(minutes=1)
    assert len(world.outside.to("one.example")) == len(world.outside.to("two.example")) == 4, "now, 5 s, 5 min, 30 min"
    world.outside.says = {}
    world.clock.turn(hours=3)
    assert await deliver(world) == 2
    assert await deliver(world) == 0
    for host, hook, model in (("one.example", first, "churn"), ("two.example", second, "credit")):
        requests = world.outside.to(host)
        assert len({one.headers["webhook-id"] for one in requests}) == 1, "a receiver can tell a repeat by its id"
        said = read(requests[-1], hook["secret"])
        assert said["type"] == "dev.moneyer.asset.withdrawn"
        assert said["subject"] == asset
        assert said["data"]["models"] == [{"name": model, "version": "1"}], "each hears of their own models alone"
        assert (said["data"]["because"], said["data"]["substitute"]) == ("a column was mislabelled", better)

    asked = {"direction": "downstream", "node": f"dataset:moneyer.asset:{asset}"}
    then = (await world.call("auditor", "GET", "/v1/graph", params=asked | {"asOf": before.isoformat()})).json()
    now = (await world.call("auditor", "GET", "/v1/graph", params=asked)).json()
    models = {"namespace": "moneyer.model", "state": None, "substitute": None}
    assert [one for one in now["datasets"] if one["namespace"] == "moneyer.model"] == [
        models | {"name": "churn@1"},
        models | {"name": "credit@1"},
    ]
    states = [{one["name"]: (one["state"], one["substitute"]) for one in graph["datasets"]} for graph in (then, now)]
    assert [one[asset] for one in states] == [("released", None), ("withdrawn", better)]
    assert (await impact(world, asset, before))["state"] == "released"
    shown = await impact(world, asset)
    assert shown["state"] == "withdrawn"
    assert [(one["model"], one["owner"], one["webhooks"]) for one in shown["models"]] == [
        ("churn", "scientist", 1),
        ("credit", "lead-scientist", 1),
    ]
    log = (await world.call("auditor", "GET", "/v1/log/entries", params={"subject": f"asset:{asset}"})).json()
    acts = [(leaf["action"], leaf["outcome"]) for leaf in (json.loads(entry["leaf"]) for entry in log)]
    assert acts == [("asset.announce", "withdrawn"), ("webhook.deliver", "delivered"), ("webhook.deliver", "delivered")]


async def test_impact_goes_as_far_as_the_data_did(world: World) -> None:
    asset = await released(world)
    derived = str(uuid4())
    await world.deliver(
        told(world, derived, inputs=[f"moneyer.asset/{asset}"], moneyer_release={"verdict": "released"})
    )
    await world.tell(event(str(uuid4()), [f"moneyer.asset/{derived}"], ["lake/features"]))
    world.clock.turn(minutes=1)
    await train(world, "scientist", "churn", [derived])
    found = await impact(world, asset)
    assert found["assets"] == [derived]
    assert [one["model"] for one in found["models"]] == ["churn"]
    assert [(one["namespace"], one["name"]) for one in found["others"]] == [("lake", "features")]


async def test_a_model_registered_after_the_withdrawal_has_its_owner_told_at_once(world: World) -> None:
    asset = await released(world)
    hook = await listen(world, "scientist", "https://one.example/hook")
    await changed(world, asset, "withdrawn", because="late")
    await train(world, "scientist", "churn", [asset])
    assert await deliver(world) == 1
    assert read(world.outside.to("one.example")[0], hook["secret"])["data"]["state"] == "withdrawn"


async def test_a_model_registered_while_it_is_withdrawn_has_its_owner_told(world: World) -> None:
    """The training has not committed when the withdrawal is announced: neither can see the other yet."""
    dependencies, asset, derived = world.app.state.dependencies, await released(world), str(uuid4())
    made = told(world, derived, inputs=[f"moneyer.asset/{asset}"], moneyer_release={"verdict": "released"})
    await world.deliver(made)
    await listen(world, "scientist", "https://one.example/hook")
    await world.call("scientist", "PUT", "/v1/models/churn", json={})
    scientist = Caller("scientist", "scientist", frozenset())
    async with dependencies.begin(Work, scientist) as work:
        await use_cases.train(work, "churn", "1", [derived], world.clock.now)
        world.clock.turn(minutes=1)
        await world.deliver(told(world, asset, moneyer_assetChange=LATER | {"change": "withdrawn"}))
        announcing = asyncio.create_task(announce(dependencies))
        waits = "pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while not announcing.done() and not await world.count(waits):
            await asyncio.sleep(0.02)
    assert await announcing == 1
    assert await deliver(world) == 1


async def test_only_the_house_says_what_becomes_of_an_asset(world: World) -> None:
    """A producer's word is kept and shown in the graph, and moves nothing."""
    asset = await released(world)
    await train(world, "scientist", "churn", [asset])
    await listen(world, "scientist", "https://one.example/hook")
    forged = told(
        world, asset, moneyer_assetChange=LATER | {"change": "withdrawn"}, moneyer_release={"verdict": "rejected"}
    )
    assert (await world.tell(forged)).status_code == 201
    assert await announce(world.app.state.dependencies) == 0
    assert (await impact(world, asset))["state"] == "released"
    record = (await world.call("auditor", "GET", f"/v1/records/{asset}")).json()
    assert record["release"] == {"verdict": "released"}
    assert record["change"] is None
    await world.deliver(forged)
    assert await announce(world.app.state.dependencies) == 1, "what a stranger said first, the house may still say"
    for path in ("/v1/deliveries", "/v1/audit-events"):
        assert (await world.call("producer", "POST", path, json={"items": []})).status_code == 403


@pytest.mark.parametrize("change", ("suspended", "resumed", "withdrawn", "substituted", "retired"))
async def test_every_change_is_told_once(world: World, change: str) -> None:
    asset = await released(world)
    await train(world, "scientist", "churn", [asset])
    hook = await listen(world, "scientist", "https://one.example/hook")
    world.clock.turn(minutes=1)
    await world.deliver(told(world, asset, moneyer_assetChange=LATER | {"change": change}))
    assert sum(await asyncio.gather(*(announce(world.app.state.dependencies) for _ in range(3)))) == 1
    assert await deliver(world) == 1
    assert read(world.outside.sent[0], hook["secret"])["type"] == f"dev.moneyer.asset.{change}"


async def test_a_delivery_is_given_up_after_all_its_attempts_and_can_be_asked_for_again(world: World) -> None:
    asset = await released(world)
    await train(world, "scientist", "churn", [asset])
    hook = await listen(world, "scientist", "https://one.example/hook")
    world.outside.says = {"one.example": 500}
    await changed(world, asset, "withdrawn")
    for pause in (*PAUSES, timedelta(hours=100)):
        await deliver(world)
        world.clock.turn(seconds=pause.total_seconds() * 1.1)
    assert len(world.outside.sent) == MOST_ATTEMPTS
    assert await deliver(world) == 0
    (shown,) = (await world.call("scientist", "GET", f"/v1/webhooks/{hook['id']}/deliveries")).json()
    assert shown["given_up_at"]
    assert shown["answer"] == "answered 500"
    world.outside.says = {}
    again = f"/v1/webhooks/{hook['id']}/deliveries/{shown['id']}:retry"
    assert (await world.call("scientist", "POST", again)).status_code == 204
    assert await deliver(world) == 1
    (shown,) = (await world.call("scientist", "GET", f"/v1/webhooks/{hook['id']}/deliveries")).json()
    assert shown["delivered_at"]


async def test_a_process_that_dies_while_it_delivers_has_it_delivered_again(world: World) -> None:
    asset = await released(world)
    await train(world, "scientist", "churn", [asset])
    await listen(world, "scientist", "https://one.example/hook")
    await changed(world, asset, "withdrawn")
    world.outside.says = {"one.example": asyncio.CancelledError()}
    with pytest.raises(asyncio.CancelledError):
        await deliver(world)
    world.outside.says = {}
    assert await deliver(world) == 0, "somebody may still be at it"
    world.clock.turn(minutes=2)
    assert await deliver(world) == 1
    first, second = world.outside.sent
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


async def test_a_receiver_that_is_gone_is_called_no_more(world: World) -> None:
    asset = await released(world)
    await train(world, "scientist", "churn", [asset])
    await listen(world, "scientist", "https://one.example/hook")
    world.outside.says = {"one.example": 410}
    await changed(world, asset, "suspended")
    assert await deliver(world) == 1
    await changed(world, asset, "resumed")
    assert await deliver(world) == 0
    (shown,) = (await world.call("scientist", "GET", "/v1/webhooks")).json()
    assert shown["ended_because"] == "its receiver answered 410 Gone"


async def test_for_a_day_after_a_rotation_both_secrets_sign(world: World) -> None:
    asset = await released(world)
    await train(world, "scientist", "churn", [asset])
    old = await listen(world, "scientist", "https://one.example/hook")
    turn = f"/v1/webhooks/{old['id']}:rotate"
    new = (await world.call("scientist", "POST", turn, json={"generation": 1})).json()
    assert new["secret"] != old["secret"]
    assert (await world.call("scientist", "POST", turn, json={"generation": 1})).status_code == 409
    await changed(world, asset, "suspended")
    await deliver(world)
    for secret in (old["secret"], new["secret"]):
        read(world.outside.sent[-1], secret)
    world.clock.turn(hours=24)
    await changed(world, asset, "resumed")
    await deliver(world)
    read(world.outside.sent[-1], new["secret"])
    with pytest.raises(AssertionError):
        read(world.outside.sent[-1], old["secret"])


async def test_the_library_itself_takes_a_delivery_and_refuses_a_changed_one(world: World) -> None:
    world.clock.turn(hours=-1)
    asset = await released(world)
    await train(world, "scientist", "churn", [asset])
    hook = await listen(world, "scientist", "https://one.example/hook")
    facet = LATER | {"change": "withdrawn"}
    await world.deliver(told(world, asset, moneyer_assetChange=facet))
    await announce(world.app.state.dependencies)
    world.clock.now = datetime.now(UTC)  # the library reads the real one
    await deliver(world)
    request = world.outside.sent[0]
    assert Webhook(hook["secret"]).verify(request.content, dict(request.headers))["subject"] == asset
    with pytest.raises(WebhookVerificationError):
        Webhook(hook["secret"]).verify(request.content.replace(b"withdrawn", b"resumed"), dict(request.headers))


# --- whom the house lets itself be made to call --------------------------------------------------


@pytest.mark.parametrize(
    "url",
    (
        "ftp://one.example/", "https://user:word@one.example/", "https://one.example/#part", "https:///nowhere",
        "http://one.example/", "https://127.0.0.1/", "https://inside.example/", "https://both.example/",
        "https://xn--/", "https://a..b/", f"https://{'a' * 64}.example/",
        "https://mapped.example/", "http://half.example/", "https://nat.example/", "https://meta.example/latest",
    ),
)  # fmt: skip
async def test_a_webhook_that_leads_inside_is_refused(world: World, url: str) -> None:
    world.outside.names = {
        "127.0.0.1": ["127.0.0.1"],
        "inside.example": ["192.168.1.7"],
        "both.example": ["93.184.216.34", "::1"],
        "mapped.example": ["::ffff:127.0.0.1"],
        "half.example": ["10.1.2.3", "93.184.216.34"],
        "nat.example": ["64:ff9b::7f00:1"],
        "meta.example": ["169.254.169.254"],
    }
    headers = {"Idempotency-Key": str(uuid4())}
    answer = await world.call("scientist", "POST", "/v1/webhooks", json={"url": url}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "webhook-url")
    assert await world.count("webhooks") == 0


async def test_a_name_that_leads_inside_later_is_not_called(world: World) -> None:
    """DNS rebinding: what was public at the registration is looked up and checked again at every call."""
    asset = await released(world)
    await train(world, "scientist", "churn", [asset])
    hook = await listen(world, "scientist", "https://turns.example/hook")
    world.outside.names = {"turns.example": ["169.254.169.254"]}
    await changed(world, asset, "withdrawn")
    await deliver(world)
    assert world.outside.sent == []
    (shown,) = (await world.call("scientist", "GET", f"/v1/webhooks/{hook['id']}/deliveries")).json()
    assert shown["answer"] == UNREACHED


async def test_the_address_that_was_checked_is_the_one_called(world: World) -> None:
    asset = await released(world)
    await train(world, "scientist", "churn", [asset])
    world.outside.names = {"plant.example": ["10.1.2.3"]}
    await listen(world, "scientist", "http://plant.example:8080/hook?x=1")
    await changed(world, asset, "withdrawn")
    await deliver(world)
    (request,) = world.outside.sent
    assert str(request.url) == "http://10.1.2.3:8080/hook?x=1"
    assert request.headers["host"] == "plant.example:8080"
    assert request.extensions["sni_hostname"] == "plant.example"


async def test_webhooks_are_ones_own(world: World) -> None:
    hook = await listen(world, "scientist", "https://one.example/hook")
    assert (await world.call("lead-scientist", "GET", "/v1/webhooks")).json() == []
    for method, path, body in (
        ("POST", f"{hook['id']}:rotate", {"generation": 1}),
        ("GET", f"{hook['id']}/deliveries", None),
        ("DELETE", hook["id"], None),
        ("POST", f"{hook['id']}/deliveries/{uuid4()}:retry", None),
    ):
        answer = await world.call("lead-scientist", method, f"/v1/webhooks/{path}", json=body)
        assert answer.status_code == 404, path
    assert (await world.call("scientist", "DELETE", f"/v1/webhooks/{hook['id']}")).status_code == 204
    (shown,) = (await world.call("scientist", "GET", "/v1/webhooks")).json()
    assert shown["ended_because"] == "removed by its owner"


async def test_asking_twice_makes_one_webhook_and_no_secret_is_kept(world: World) -> None:
    headers, body = {"Idempotency-Key": "once"}, {"url": "https://one.example/hook"}
    first, second = [await world.call("scientist", "POST", "/v1/webhooks", json=body, headers=headers) for _ in "ab"]
    assert first.json() == second.json()
    assert await world.count("webhooks") == 1
    assert await world.count("idempotency_keys WHERE body::text LIKE '%whsec_%'") == 0
    assert await world.count("webhooks WHERE webhooks::text LIKE '%whsec_%'") == 0


async def test_a_records_deliveries_are_listed_and_lie_downstream(world: World) -> None:
    asset = await released(world)
    facets = []
    for number in range(2):
        delivery = str(uuid4())
        facet = {"id": delivery, "state": "done", "kind": "s3", "digest": f"sha256:{number}", "rows": 1200}
        made = told(world, delivery, inputs=[f"moneyer.asset/{asset}"], moneyer_delivery=facet)
        made["outputs"] = [{"namespace": "moneyer.delivery", "name": delivery}]
        made["run"]["facets"]["parent"] = {"run": {"runId": asset}, "job": {"namespace": "moneyer", "name": "j"}}
        await world.deliver(made)
        facets.append(facet)
        world.clock.turn(minutes=1)
    record = (await world.call("auditor", "GET", f"/v1/records/{asset}")).json()
    assert [one["id"] for one in record["deliveries"]] == [one["id"] for one in facets], "all, the oldest first"
    assert record["release"] == {"verdict": "released"}
    assert record["failure"] is None
    impact = (await world.call("auditor", "GET", f"/v1/assets/{asset}/impact")).json()
    assert {(one["namespace"], one["name"]) for one in impact["others"]} == {
        ("moneyer.delivery", one["id"]) for one in facets
    }
    stranger = told(world, str(uuid4()), inputs=[f"moneyer.asset/{asset}"], moneyer_delivery=facets[0])
    stranger["run"]["facets"]["parent"] = {"run": {"runId": asset}, "job": {"namespace": "x", "name": "j"}}
    await world.call("producer", "POST", "/v1/lineage", json=stranger)
    record = (await world.call("auditor", "GET", f"/v1/records/{asset}")).json()
    assert len(record["deliveries"]) == 2, "the house alone says what was delivered"
