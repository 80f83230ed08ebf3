"""Releases, grants, the trail and who may do what, over HTTP on a real Postgres."""

from datetime import timedelta
from uuid import uuid4

from policy.conftest import World
from policy.examples import charter_document

MISSING = str(uuid4())


# --- releases and grants -----------------------------------------------------------------------


def estimate(upper: str) -> dict[str, object]:
    return {
        "metric": "membership-auc", "value": "0.5", "lower": "0.45", "upper": upper,
        "n": 100, "method": "m", "confidence": "0.95", "seed": 0,
    }  # fmt: skip


async def release(world: World, run_id: str, upper: str = "0.55") -> object:
    body = {"asset_id": run_id, "assay_id": str(uuid4()), "estimates": [estimate(upper)]}
    return await world.call("evaluation", "POST", "/v1/releases", json=body, headers={"Idempotency-Key": run_id})


async def paid_run(world: World) -> str:
    decision = (await world.decide()).json()
    await world.redeem(decision)
    await world.settle(decision)
    return decision["run_id"]


async def unlock(world: World, asset: str, subject: str) -> object:
    return await world.call("generation", "POST", f"/v1/assets/{asset}:unlock", json={"subject": subject})


async def test_nothing_leaves_before_a_release_and_a_grant(world: World) -> None:
    await world.set_up()
    asset = await paid_run(world)
    assert (await unlock(world, asset, "scientist")).status_code == 404
    decided = await release(world, asset)
    assert decided.json()["verdict"] == "released"
    assert (await unlock(world, asset, "scientist")).status_code == 200, "the release grants the requester"
    assert (await unlock(world, asset, "counsel")).json()["code"] == "no-grant"
    until = (world.now + timedelta(days=1)).isoformat()
    body = {"subject": "counsel", "use_case": "research", "valid_until": until}
    assert (await world.call("steward", "POST", f"/v1/assets/{asset}/grants", json=body)).status_code == 201
    assert (await unlock(world, asset, "counsel")).status_code == 200
    world.now += timedelta(days=2)
    assert (await unlock(world, asset, "counsel")).json()["code"] == "no-grant"
    world.now += timedelta(days=60)
    assert (await unlock(world, asset, "scientist")).status_code == 403


async def test_a_rejected_asset_stays_in_quarantine(world: World) -> None:
    await world.set_up()
    asset = await paid_run(world)
    decided = (await release(world, asset, upper="0.61")).json()
    assert decided["verdict"] == "rejected"
    assert not decided["criteria"][0]["met"]
    assert (await unlock(world, asset, "scientist")).json()["code"] == "not-released"
    until = (world.now + timedelta(days=1)).isoformat()
    body = {"subject": "counsel", "use_case": "research", "valid_until": until}
    assert (await world.call("steward", "POST", f"/v1/assets/{asset}/grants", json=body)).json()[
        "code"
    ] == "not-released"


async def test_an_unpaid_or_decided_asset_is_not_decided(world: World) -> None:
    await world.set_up()
    unpaid = (await world.decide()).json()
    assert (await release(world, unpaid["run_id"])).json()["code"] == "not-redeemed"
    asset = await paid_run(world)
    await release(world, asset)
    body = {"asset_id": asset, "assay_id": str(uuid4()), "estimates": []}
    again = await world.call("evaluation", "POST", "/v1/releases", json=body, headers={"Idempotency-Key": "other"})
    assert again.json()["code"] == "already-decided"


async def test_a_run_that_failed_has_no_asset_to_open_or_release(world: World) -> None:
    await world.set_up()
    decision = (await world.decide()).json()
    await world.redeem(decision)
    await world.settle(decision, "failed")
    path = f"/v1/permits/{decision['permit']['id']}:open-for-assay"
    opened = await world.call("evaluation", "POST", path, json={"asset_id": decision["run_id"]})
    assert opened.json()["code"] == "not-redeemed"
    assert (await release(world, decision["run_id"])).json()["code"] == "not-redeemed"


async def test_evaluation_opens_only_what_was_paid_and_not_decided(world: World) -> None:
    await world.set_up()
    unpaid = (await world.decide()).json()
    path = f"/v1/permits/{unpaid['permit']['id']}:open-for-assay"
    refused = await world.call("evaluation", "POST", path, json={"asset_id": unpaid["run_id"]})
    assert refused.json()["code"] == "not-redeemed"
    keys = (await world.redeem(unpaid)).json()
    opened = (await world.call("evaluation", "POST", path, json={"asset_id": unpaid["run_id"]})).json()
    assert {name: opened[name] for name in ("source_key", "asset_key")} == {
        name: keys[name] for name in ("source_key", "asset_key")
    }
    assert (opened["others"], opened["suite"]) == ({}, None)
    assert (await world.call("evaluation", "POST", path, json={"asset_id": MISSING})).status_code == 409
    await release(world, unpaid["run_id"])
    late = await world.call("evaluation", "POST", path, json={"asset_id": unpaid["run_id"]})
    assert late.json()["code"] == "already-decided"


async def test_a_table_with_real_rows_is_never_released_without_votes(world: World) -> None:
    """Whatever the assay says, and though the charter wants no votes on other releases."""
    await world.set_up(releases=1, minimum_guarantee="none", blending={"maximum_share": "0.2"})
    asked = world.request(blend={"share": "0.3"}, requested_guarantee="none")
    none = {"level": "none", "unit": "one row", "statement": "real rows"}
    asked["offer"] |= {"guarantee": none, "mechanism": {"kind": "none"}}
    denied = (await world.decide(asked)).json()
    assert [clause["code"] for clause in denied["clauses"]] == ["blend.allowed"]
    explained = await world.post("auditor", f"/v1/decisions/{denied['id']}:explain", 200)
    assert {"path": "blend.share", "value": "0.2"}.items() <= explained["suggestions"][0].items()
    asked["run_id"], asked["plan"]["blend"] = str(uuid4()), {"share": "0.2"}
    decision = (await world.decide(asked)).json()
    assert decision["verdict"] == "permit", decision
    await world.redeem(decision)
    await world.settle(decision)
    held = (await release(world, decision["run_id"])).json()
    assert held["verdict"] == "review"
    review = await world.get(f"/v1/reviews/{held['review_id']}")
    assert review["kind"] == "blended-release"
    assert (await unlock(world, decision["run_id"], "scientist")).json()["code"] == "not-released"
    await world.approve(held["review_id"])
    assert (await unlock(world, decision["run_id"], "scientist")).status_code == 200


async def test_nobody_grants_themself(world: World) -> None:
    await world.set_up()
    asset = await paid_run(world)
    await release(world, asset)
    until = (world.now + timedelta(days=1)).isoformat()
    body = {"subject": "steward", "use_case": "research", "valid_until": until}
    assert (await world.call("steward", "POST", f"/v1/assets/{asset}/grants", json=body)).json()["code"] == "own-matter"


# --- the trail ---------------------------------------------------------------------------------


async def test_business_row_audit_event_and_outbox_row_commit_together(world: World) -> None:
    await world.set_up()
    await world.sql("ALTER TABLE outbox RENAME TO outbox_away")
    assert (await world.decide()).status_code == 500
    await world.sql("ALTER TABLE outbox_away RENAME TO outbox")
    for table in ("decisions", "permits", "ledger_entries"):
        (row,) = await world.sql(f"SELECT count(*) AS n FROM {table}")
        assert row["n"] == 0


async def test_every_audit_event_has_its_outbox_row(world: World) -> None:
    """By the decision path and by every other: events and rows commit together, one for one."""
    await world.set_up()
    await world.redeem((await world.decide()).json())
    (row,) = await world.sql(
        """
        SELECT (SELECT count(*) FROM audit_events) AS events, count(*) AS rows, count(DISTINCT payload ->> 'id') AS ids
        FROM outbox WHERE kind = 'audit'
        """
    )
    assert row["events"] == row["rows"] == row["ids"] > 5


async def test_leaves_carry_no_name(world: World) -> None:
    await world.set_up()
    await world.decide()
    for row in await world.sql("SELECT payload::text AS text FROM outbox WHERE kind = 'audit'"):
        for name in ("scientist", "counsel", "privacy-officer", "steward", "assessor"):
            assert name not in row["text"]


# --- who may -----------------------------------------------------------------------------------


async def test_without_a_token_or_its_scope_nothing_happens(world: World) -> None:
    bare = await world.call.bare("GET", "/v1/charters")
    assert (bare.status_code, bare.json()["code"]) == (401, "unauthenticated")
    assert bare.headers["www-authenticate"] == "Bearer"
    garbage = await world.call.bare("GET", "/v1/charters", headers={"Authorization": "Bearer x.y.z"})
    assert garbage.status_code == 401
    refused = await world.call("auditor", "POST", "/v1/charters", json=charter_document())
    assert (refused.status_code, refused.json()["code"]) == (403, "missing-scope")
    for person in ("scientist", "steward", "admin"):
        assert (await world.call(person, "POST", "/v1/keys", json={})).status_code == 403


async def test_a_token_for_another_service_or_another_kind_is_refused(world: World, token: object) -> None:
    for wrong in ({"audience": "moneyer-lineage"}, {"issuer": "http://other.test"}, {"lifetime": -60}):
        made = token("policy", "auditor", **wrong)
        answer = await world.call.bare("GET", "/v1/charters", headers={"Authorization": f"Bearer {made}"})
        assert answer.status_code == 401, wrong


async def test_health_and_metrics_need_no_token(world: World) -> None:
    assert (await world.call.bare("GET", "/livez")).status_code == 200
    ready = await world.call.bare("GET", "/readyz")
    assert ready.json() == {"database": "ok", "keys": "ok"}
    await world.call("auditor", "GET", "/v1/charters")
    assert 'route="/v1/charters"' in (await world.call.bare("GET", "/metrics")).text
