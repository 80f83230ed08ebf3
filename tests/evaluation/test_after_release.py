"""What happens to an asset once it is out: assayed again, watched for drift, its generator's claim put to the test."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import numpy as np
import pyarrow as pa
import pytest
from evaluation.conftest import World
from evaluation.test_measures import DECLARATION, population

from moneyer_evaluation.use_cases.assays import carry_assay
from moneyer_evaluation.use_cases.looks import queue_due_looks, take_look
from moneyer_evaluation.work import Work
from moneyer_shared.contracts.generation import Arrivals, HeldVersion, MissedPull, SourceDeclaration
from moneyer_shared.errors import Conflict, Gone, Unavailable
from moneyer_shared.queue import Later

TRAIN, HOLDOUT, OTHER = population(800, 1), population(800, 2), population(800, 3)


async def reassay(world: World, status: int = 202, **body: Any) -> Any:
    return await world.send("POST", "/v1/reassays", status, {"suite": "copies-1"} | body)


# --- re-assays ------------------------------------------------------------------------------


async def test_a_new_attacker_is_set_on_everything_that_is_out(world: World) -> None:
    leaky, clean = await world.assayed(TRAIN, HOLDOUT, TRAIN), await world.assayed(TRAIN, HOLDOUT, OTHER)
    world.peers.verdict = "rejected"
    kept_in = await world.assayed(TRAIN, HOLDOUT, OTHER)
    made = await reassay(world, suite="shadow-1")
    assert set(made["assays"]) == {str(leaky), str(clean)}
    assert str(kept_in) not in made["assays"]
    for assay_id in made["assays"].values():
        await carry_assay(world.flow, UUID(assay_id))
    shown = await world.get(f"/v1/assays/{made['assays'][str(leaky)]}")
    assert (shown["purpose"], shown["suite"], shown["verdict"], shown["state"]) == (
        "re-assay",
        "shadow-1",
        "stands",
        "done",
    )
    (estimate,) = shown["estimates"]
    assert (estimate["metric"], estimate["measure"]) == ("membership-shadow-auc", "shadow-1")
    assert float(estimate["lower"]) > 0.9
    told = {found.asset_id: found for found in world.peers.found}
    assert told[leaky].cause == "re-assay"
    assert float(told[clean].estimates[0].lower) <= 0.5
    assert all(opened.purpose == "re-assay" for opened in world.peers.opened[3:])
    page = await world._call("GET", f"/v1/assays/{made['assays'][str(leaky)]}/report")
    assert "Stands" in page.text


async def test_one_asset_can_be_looked_at_as_often_as_asked(world: World) -> None:
    asset = await world.assayed(TRAIN, HOLDOUT, OTHER)
    first, second = [(await reassay(world, assets=[str(asset)]))["assays"][str(asset)] for _ in range(2)]
    assert first != second
    key = uuid4().hex
    one, same = [await world.send("POST", "/v1/reassays", 202, {"suite": "copies-1"}, key=key) for _ in range(2)]
    assert one == same, "asked again with the same key it is the same"
    assert len(await world.get(f"/v1/assays?asset={asset}")) == 4


async def test_an_asset_that_is_no_longer_out_ends_its_reassay_with_that_reason(world: World) -> None:
    asset = await world.assayed(TRAIN, HOLDOUT, OTHER)
    assay_id = (await reassay(world, assets=[str(asset)]))["assays"][str(asset)]
    world.peers.refuses = Conflict("Only a released asset is assayed again.", code="not-released")
    await carry_assay(world.flow, UUID(assay_id))
    shown = await world.get(f"/v1/assays/{assay_id}")
    assert (shown["state"], shown["failure"]) == ("failed", "Policy refused the keys: not-released.")


async def test_the_assay_of_a_paid_table_waits_while_something_is_suspended(world: World) -> None:
    """A vote may start it again; a look at what is out already is asked for again instead."""
    suspended = Conflict("Source s is suspended: no key is opened.", code="suspended")
    world.peers.refuses = suspended
    with pytest.raises(Later):
        await world.assayed(TRAIN, HOLDOUT, OTHER)
    (waiting,) = await world.get("/v1/assays")
    assert (waiting["state"], waiting["failure"]) == ("measuring", None)
    await carry_assay(world.flow, UUID(waiting["id"]))
    assert (await world.get(f"/v1/assays/{waiting['id']}"))["state"] == "done"
    again = (await reassay(world, assets=[waiting["asset_id"]]))["assays"][waiting["asset_id"]]
    world.peers.refuses = suspended
    await carry_assay(world.flow, UUID(again))
    assert (await world.get(f"/v1/assays/{again}"))["failure"] == "Policy refused the keys: suspended."


async def test_a_monitor_looks_again_when_what_was_suspended_is_resumed(world: World) -> None:
    asset = await world.assayed(TRAIN, HOLDOUT, OTHER)
    made = await monitor(world, asset, kind="source")
    hold(world, older(500, 1), DECLARATION)
    open_keys = world.peers.assay_keys

    async def suspended(*_: Any) -> Any:
        raise Conflict("Source s is suspended: no key is opened.", code="suspended")

    world.peers.assay_keys = suspended
    assert await looks(world, made) == []
    assert (await world.get(f"/v1/monitors/{made['id']}"))["state"] == "active"
    world.peers.assay_keys = open_keys
    assert len(await looks(world, made)) == 1


async def test_what_there_is_not_is_refused_with_where_to_look(world: World) -> None:
    assert (await reassay(world, 422, suite="nothing-9"))["code"] == "suite-unknown"
    assert (await reassay(world, 404, assets=[str(uuid4())]))["code"] == "not-found"
    names = [one["name"] for one in await world.get("/v1/suites")]
    assert {"standard-1", "privacy-1"} <= set(names)
    measures = {one["id"]: one for one in await world.get("/v1/measures")}
    assert all(one["knows"] for one in measures.values() if one["family"] == "privacy"), "an attacker is who knows what"


async def test_a_charters_suite_that_is_not_there_fails_the_assay(world: World) -> None:
    world.peers.suite = "nothing-9"
    asset = await world.assayed(TRAIN, HOLDOUT, OTHER, suite=None)
    (shown,) = await world.get(f"/v1/assays?asset={asset}")
    assert shown["state"] == "failed"
    assert "nothing-9" in shown["failure"]


# --- a register an attacker holds -----------------------------------------------------------

REGISTER = SourceDeclaration.model_validate(
    DECLARATION.model_dump()
    | {"name": "register", "for_linkage": True, "target": None}
    | {"columns": [column.model_dump() | {"role": "plain"} for column in DECLARATION.columns if column.name in {"age", "region", "ill"}]}
)  # fmt: skip


def hold(world: World, table: pa.Table, declaration: SourceDeclaration) -> None:
    version = uuid4()
    half = table.num_rows // 2
    names = [
        world.seal(f"{version}/{place}", part, declaration)
        for place, part in enumerate((table.slice(0, half), table.slice(half)))
    ]
    world.peers.held = HeldVersion.model_validate(
        {
            "source_id": world.source_id, "version_id": version, "declaration": declaration, "key_id": uuid4(),
            "train_object": names[0], "holdout_object": names[1], "uploaded_at": "2026-01-01T00:00:00Z",
        }
    )  # fmt: skip


async def test_an_asset_is_linked_with_an_uploaded_table(world: World) -> None:
    """The register names everybody; the asset that holds the train rows gives their incomes away, another does not."""
    train, holdout = population(500, 1), population(500, 2)
    everybody = pa.concat_tables([train, holdout]).drop_columns(["income"])
    hold(world, everybody, REGISTER)
    found = {}
    for name, asset in (("leaky", train), ("clean", population(500, 3))):
        asset_id = await world.assayed(train, holdout, asset)
        body = {"suite": "external-linkage-1", "assets": [str(asset_id)], "register_id": str(uuid4())}
        assay_id = (await reassay(world, **body))["assays"][str(asset_id)]
        await carry_assay(world.flow, UUID(assay_id))
        (found[name],) = (await world.get(f"/v1/assays/{assay_id}"))["estimates"]
    assert float(found["leaky"]["lower"]) > 0.3
    assert float(found["clean"]["lower"]) <= 0 <= float(found["clean"]["upper"])
    assert found["leaky"]["details"]["shared"] == ["age", "region", "ill"]
    assert world.peers.opened[-1].others == [world.peers.held.key_id]


async def test_a_source_to_learn_from_is_no_register(world: World) -> None:
    hold(world, population(100, 1), DECLARATION)
    asset = await world.assayed(TRAIN, HOLDOUT, OTHER)
    refused = await reassay(world, 422, assets=[str(asset)], register_id=str(uuid4()))
    assert refused["code"] == "source-not-a-register"


# --- published shares -----------------------------------------------------------------------


async def declare(world: World, shares: dict[str, Any], status: int = 201) -> Any:
    body = {"source": "a census office", "as_of": "2025-12-31", "shares": shares}
    return await world.send("POST", f"/v1/populations/{DECLARATION.population_id}/shares", status, body)


EVEN = {"region": dict.fromkeys("abcdef", "0.166666")}


async def test_assays_hold_groups_against_published_shares(world: World) -> None:
    assert (await declare(world, EVEN))["version"] == 1
    assert (await declare(world, {"region": {"a": "0.5", "b": "0.1"}}))["version"] == 2
    assert [one["version"] for one in await world.get(f"/v1/populations/{DECLARATION.population_id}/shares")] == [2, 1]
    asset = await world.assayed(TRAIN, HOLDOUT, OTHER, suite="reference-shares-1")
    ((estimate,),) = [one["estimates"] for one in await world.get(f"/v1/assays?asset={asset}")]
    assert estimate["metric"] == "reference-share-gap-max"
    assert float(estimate["lower"]) > 0.2
    assert estimate["details"]["advice"][0].startswith("ask for a stratum of region=a")
    refused = await declare(world, {"region": {"a": "0.9", "b": "0.2"}}, 422)
    assert refused["code"] == "shares-above-one"


# --- monitors -------------------------------------------------------------------------------


async def monitor(world: World, asset: UUID, status: int = 201, **terms: Any) -> Any:
    body = {"name": "watch", "asset_id": str(asset), "terms": terms, "every_hours": 24}
    return await world.send("POST", "/v1/monitors", status, body)


async def looks(world: World, made: Any) -> list[Any]:
    await take_look(world.flow, UUID(made["id"]))
    found: list[Any] = await world.get(f"/v1/monitors/{made['id']}/looks")
    return found


def older(rows: int, seed: int) -> pa.Table:
    """People who have aged: another population."""
    table = population(rows, seed)
    return table.set_column(0, "age", pa.array(np.minimum(99, table["age"].to_numpy() + 25)))


async def test_a_newer_upload_that_is_another_population_opens_a_review(world: World) -> None:
    asset = await world.assayed(TRAIN, HOLDOUT, OTHER)
    made = await monitor(world, asset, kind="source")
    hold(world, population(1500, 7), DECLARATION)
    (calm,) = await looks(world, made)
    assert (calm["number"], calm["breaches"]) == (1, [])
    assert len(await looks(world, made)) == 1, "nothing is new, so nothing is looked at"
    hold(world, older(1500, 8), DECLARATION)
    latest = (await looks(world, made))[0]
    assert {one["metric"] for one in latest["breaches"]} == {"psi-max", "tvd-max", "drift-auc"}
    assert latest["review_id"] is not None
    (found,) = world.peers.found
    assert (found.cause, found.asset_id, str(found.evidence)) == ("drift", asset, latest["id"])
    assert float(latest["estimates"][0]["confidence"]) > float(calm["estimates"][0]["confidence"]), (
        "later looks are stricter"
    )


def held_own(world: World, asset: UUID) -> None:
    """The version that the asset itself was made from is the newest."""
    world.peers.held = HeldVersion.model_validate(
        {
            "source_id": world.source_id, "version_id": uuid4(), "declaration": DECLARATION, "key_id": uuid4(),
            "train_object": f"{asset}/train", "holdout_object": f"{asset}/holdout", "uploaded_at": "2026-01-01T00:00:00Z",
        }
    )  # fmt: skip


def come(world: World, table: pa.Table) -> str:
    """Another version, after those that came before."""
    hold(world, table, DECLARATION)
    held = world.peers.held
    assert held is not None
    world.peers.came.append(held)
    return str(held.version_id)


async def all_looks(world: World, made: Any) -> list[Any]:
    """What a monitor saw once its queued looks are carried: each look that saw something queues one more."""
    count = -1
    found = await looks(world, made)
    while len(found) != count:
        count, found = len(found), await looks(world, made)
    return found


async def test_each_version_that_comes_is_looked_at_once_and_named(world: World) -> None:
    """A schedule may bring several between two looks; none is passed over, and none is looked at twice."""
    asset = await world.assayed(TRAIN, HOLDOUT, OTHER)
    made = await monitor(world, asset, kind="source")
    held_own(world, asset)
    assert await all_looks(world, made) == [], "what it was made from is nothing new"
    came = [come(world, population(400, seed)) for seed in (11, 12, 13)]
    found = await all_looks(world, made)
    assert [one["seen"] for one in reversed(found)] == came
    assert [one["number"] for one in reversed(found)] == [1, 2, 3]
    assert len(await all_looks(world, made)) == 3
    assert (await world.get(f"/v1/monitors/{made['id']}"))["looks"] == 3


async def test_a_watch_begins_with_the_newest_version(world: World) -> None:
    asset = await world.assayed(TRAIN, HOLDOUT, OTHER)
    _, newest = come(world, population(400, 21)), come(world, population(400, 22))
    made = await monitor(world, asset, kind="source")
    assert [one["seen"] for one in await all_looks(world, made)] == [newest]


async def test_a_look_that_saw_something_queues_another_in_its_own_transaction(world: World) -> None:
    asset = await world.assayed(TRAIN, HOLDOUT, OTHER)
    made = await monitor(world, asset, kind="source")
    come(world, population(400, 31))
    assert await jobs(world) == 0
    await looks(world, made)
    assert await jobs(world) == 1
    await looks(world, made)
    assert await jobs(world) == 1, "nothing is new, so nothing more is queued"


async def jobs(world: World) -> int:
    connection = await asyncpg.connect(world.url)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'look'"))
    finally:
        await connection.close()


async def test_a_pull_that_brought_nothing_is_seen_at_the_monitor_until_one_does(world: World) -> None:
    asset = await world.assayed(TRAIN, HOLDOUT, OTHER)
    made = await monitor(world, asset, kind="source")
    held_own(world, asset)
    world.peers.missed = MissedPull.model_validate(
        {"pull_id": uuid4(), "ended_at": "2026-01-02T00:00:00Z", "because": "schema-moved"}
    )
    for _ in range(2):
        assert await looks(world, made) == []
        shown = (await world.get(f"/v1/monitors/{made['id']}"))["missed"]
        assert (shown["pull_id"], shown["because"]) == (str(world.peers.missed.pull_id), "schema-moved")
    assert [leaf["outcome"] for leaf in await leaves(world, "monitor.look")] == ["nothing-came"], "told once"
    world.peers.missed = None
    come(world, population(400, 41))
    assert len(await all_looks(world, made)) == 1
    assert (await world.get(f"/v1/monitors/{made['id']}"))["missed"] is None


async def leaves(world: World, action: str) -> list[Any]:
    connection = await asyncpg.connect(world.url)
    try:
        rows = await connection.fetch("SELECT leaf FROM audit_events WHERE leaf->>'action' = $1", action)
        return [json.loads(row["leaf"]) for row in rows]
    finally:
        await connection.close()


async def test_a_breach_is_told_once_though_policy_was_away(world: World) -> None:
    asset = await world.assayed(TRAIN, HOLDOUT, OTHER)
    made = await monitor(world, asset, kind="scores")
    for mean in (0.3, 0.7):
        await post(world, made, np.clip(np.random.default_rng(0).normal(mean, 0.1, 500), 0, 1).tolist())
    world.peers.refuses = Unavailable("away")
    with pytest.raises(Unavailable):
        await take_look(world.flow, UUID(made["id"]))
    assert world.peers.found == []
    (found,) = await looks(world, made)
    assert found["review_id"] is not None
    await looks(world, made)
    assert len(world.peers.found) == 1


async def post(world: World, made: Any, scores: Sequence[float], status: int = 202) -> Any:
    return await world.send("POST", f"/v1/monitors/{made['id']}/scores", status, {"scores": list(scores)})


async def test_scores_of_the_same_model_on_the_same_people_are_calm(world: World) -> None:
    asset = await world.assayed(TRAIN, HOLDOUT, OTHER)
    made, random = await monitor(world, asset, kind="scores"), np.random.default_rng(1)
    for _ in range(4):
        await post(world, made, random.beta(2, 5, 800).tolist())
        found = await looks(world, made)
        assert not any(one["breaches"] for one in found)
    assert len(found) == 3, "the first batch is what the others are held against"
    assert (await post(world, made, [0.5, 1.5], 422))["code"] == "score-out-of-range"
    other = await monitor(world, asset, kind="shares")
    assert (await post(world, other, [0.5], 409))["code"] == "not-a-score-monitor"


async def test_fresh_shares_are_looked_at_as_they_come(world: World) -> None:
    asset = await world.assayed(TRAIN, HOLDOUT, population(3000, 3))
    made = await monitor(world, asset, kind="shares")
    assert await looks(world, made) == [], "nobody published any"
    await declare(world, EVEN)
    assert (await looks(world, made))[0]["breaches"] == []
    await declare(world, {"region": {"a": "0.7"}})
    assert {one["metric"] for one in (await looks(world, made))[0]["breaches"]} == {"psi-max", "tvd-max"}


async def due(world: World) -> int:
    async with world.flow.begin(Work) as work:
        return await queue_due_looks(work)


async def test_what_is_due_is_queued_once_and_again_a_day_later(world: World) -> None:
    asset = await world.assayed(TRAIN, HOLDOUT, OTHER)
    made = await monitor(world, asset, kind="source")
    assert await due(world) == 1
    assert await due(world) == 0
    paused = await world.send("POST", f"/v1/monitors/{made['id']}:pause", 200)
    assert paused["state"] == "paused"
    hold(world, older(500, 1), DECLARATION)
    assert await looks(world, made) == []
    assert (await world.send("POST", f"/v1/monitors/{made['id']}:resume", 200))["state"] == "active"
    assert await due(world) == 1
    assert len(await looks(world, made)) == 1


async def test_a_monitor_of_a_retired_asset_pauses_itself(world: World) -> None:
    asset = await world.assayed(TRAIN, HOLDOUT, OTHER)
    made = await monitor(world, asset, kind="source")
    hold(world, older(500, 1), DECLARATION)
    arrivals = world.peers.arrivals

    async def gone(source_id: UUID, after: UUID | None) -> Arrivals:
        arrived = await arrivals(source_id, after)
        world.peers.refuses = Gone("The keys of this permit are gone.", code="key-destroyed")
        return arrived

    world.peers.arrivals = gone
    assert await looks(world, made) == []
    assert (await world.get(f"/v1/monitors/{made['id']}"))["state"] == "paused"
    assert (await monitor(world, uuid4(), 404, kind="source"))["code"] == "not-found"


# --- audits of a guarantee ------------------------------------------------------------------


def audit(scores: tuple[list[float], list[float]], epsilon: str = "1") -> dict[str, Any]:
    return {
        "id": str(uuid4()), "generator": "dpmm-fixed", "engine_version": "1", "parameters": {"epsilon": epsilon},
        "guarantee": "proven", "epsilon": epsilon, "delta": "0.000001", "inside": scores[0], "outside": scores[1],
    }  # fmt: skip


async def test_a_claim_that_runs_disprove_condemns_the_generator(world: World) -> None:
    random = np.random.default_rng(0)
    same = (random.normal(0, 1, 100).tolist(), random.normal(0, 1, 100).tolist())
    told = (random.normal(9, 1, 100).tolist(), random.normal(0, 1, 100).tolist())
    stands = await world.send("POST", "/v1/guarantee-audits", 201, audit(same))
    assert (stands["verdict"], world.peers.condemned) == ("stands", [])
    body, key = audit(told), uuid4().hex
    world.peers.refuses = Unavailable("away")
    await world.send("POST", "/v1/guarantee-audits", 503, body, key=key)
    condemned = await world.send("POST", "/v1/guarantee-audits", 201, body, key=key)
    assert condemned["verdict"] == "condemned"
    assert float(condemned["estimate"]["lower"]) > 1
    (told_policy,) = world.peers.condemned
    assert (told_policy.generator, told_policy.claimed) == ("dpmm-fixed", "1")
    assert len(await world.get("/v1/guarantee-audits?generator=dpmm-fixed")) == 2
    assert "inside" not in condemned, "the scores stay in the record"
