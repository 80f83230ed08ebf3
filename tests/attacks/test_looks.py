"""A requester counts people by assays that cost nothing: the same paid model, another shape, as often as one likes."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

from policy.conftest import World, labelled
from policy.test_models import again, paid
from policy.test_release_api import release

PINNED = {"strata": [{"name": "one", "share": "1", "where": [{"column": "sex", "one_of": ["m"]}]}]}


async def verdicts(world: World, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [(await world.decide(request)).json() for request in requests]


def codes(decision: dict[str, Any]) -> list[str]:
    return [clause["code"] for clause in decision["clauses"]]


async def assay_keys(world: World, decision: dict[str, Any], **more: Any) -> Any:
    path = f"/v1/permits/{decision['permit']['id']}:open-for-assay"
    return await world.call("evaluation", "POST", path, json={"asset_id": decision["run_id"]} | more)


async def test_a_paid_model_is_not_shaped_and_assayed_without_end(policy: World) -> None:
    await policy.set_up(looks=4)
    first, _ = await paid(policy)
    answers = await verdicts(policy, [again(policy, first, rows=1, shape=PINNED) for _ in range(6)])
    assert [answer["verdict"] for answer in answers] == ["permit"] * 3 + ["deny"] * 3
    (clause,) = answers[-1]["clauses"]
    assert clause["code"] == "looks.exhausted"
    assert clause["expected"] == "at most 4 looks at the source under this charter"
    assert clause["actual"] == "4 are taken"
    assert "vote" in clause["remedy"]


async def test_the_house_has_a_limit_where_the_charter_says_none(policy: World) -> None:
    await policy.set_up(looks=None)
    first, _ = await paid(policy)
    answers = await verdicts(policy, [again(policy, first) for _ in range(20)])
    assert [answer["verdict"] for answer in answers].count("permit") == 19


async def test_cheap_fits_are_looks_too(policy: World) -> None:
    await policy.set_up(looks=2)
    answers = await verdicts(policy, [policy.request(rho="0.0000001") for _ in range(3)])
    assert codes(answers[-1]) == ["looks.exhausted"]


async def test_a_crowd_takes_no_more_looks_than_there_are(policy: World) -> None:
    await policy.set_up(looks=5)
    first, _ = await paid(policy)
    answers = await asyncio.gather(*(policy.decide(again(policy, first)) for _ in range(30)))
    assert [answer.json()["verdict"] for answer in answers].count("permit") == 4
    (taken,) = await policy.sql("SELECT held FROM look_accounts")
    assert taken["held"] == 5


async def test_two_processes_take_no_more_looks_than_there_are(policy: World, policy_sibling: World) -> None:
    await policy.set_up(looks=5)
    first, _ = await paid(policy)
    for name in ("charter_id", "source_id", "key_id", "population_id"):
        setattr(policy_sibling, name, getattr(policy, name))
    asked = [side.decide(again(policy, first)) for _ in range(15) for side in (policy, policy_sibling)]
    answers = await asyncio.gather(*asked)
    assert [answer.json()["verdict"] for answer in answers].count("permit") == 4


async def test_a_look_comes_back_only_if_nothing_was_opened(policy: World) -> None:
    await policy.set_up(looks=2)
    first, _ = await paid(policy)
    given = (await policy.decide(again(policy, first))).json()
    assert codes((await policy.decide(again(policy, first))).json()) == ["looks.exhausted"]
    await policy.call("generation", "POST", f"/v1/permits/{given['permit']['id']}:cancel")
    once_more = again(policy, first)
    decision = (await policy.decide(once_more)).json()
    assert decision["verdict"] == "permit", "a reservation that was given back is free again"
    await policy.redeem(decision, key=once_more["run_id"])
    assert (await assay_keys(policy, decision)).status_code == 200
    await policy.settle(decision, "failed")
    assert codes((await policy.decide(again(policy, first))).json()) == ["looks.exhausted"], "it was looked at"


async def test_a_run_that_made_no_table_took_no_look(policy: World) -> None:
    await policy.set_up(looks=1)
    request = policy.request()
    decision = (await policy.decide(request)).json()
    await policy.redeem(decision)
    await policy.settle(decision, "failed")
    assert (await policy.decide()).json()["verdict"] == "permit"


async def test_only_a_vote_raises_the_number(policy: World) -> None:
    await policy.set_up(looks=1)
    first, _ = await paid(policy)
    until = (policy.now + timedelta(days=3)).isoformat()
    body = {"rule": "looks.exhausted", "reason": "more", "valid_until": until}
    refused = await policy.call("scientist", "POST", f"/v1/charters/{policy.charter_id}/exceptions", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "rule-not-waivable")
    await policy.replace_charter(looks=3)
    answers = await verdicts(policy, [again(policy, first) for _ in range(3)])
    assert [answer["verdict"] for answer in answers] == ["permit", "permit", "deny"], (
        "what was taken before still counts"
    )


async def test_looks_after_the_release_stand_in_the_ledger(policy: World) -> None:
    await policy.set_up(looks=3)
    decision = (await policy.decide()).json()
    await policy.redeem(decision)
    await assay_keys(policy, decision)
    await policy.settle(decision)
    await release(policy, decision["run_id"])
    for _ in range(2):
        assert (await assay_keys(policy, decision, purpose="re-assay")).status_code == 200
    shown = await policy.get(f"/v1/charters/{policy.charter_id}/looks")
    (account,) = shown
    assert (account["source_id"], account["limit"], account["taken"]) == (policy.source_id, 3, 1)
    assert [entry["kind"] for entry in account["entries"]] == ["reserve", "open", "again", "again"]


async def test_the_ledger_of_looks_cannot_be_rewritten(policy: World) -> None:
    await policy.set_up(looks=1)
    await paid(policy)
    for statement in ("DELETE FROM look_entries", "UPDATE look_entries SET kind = 'return'"):
        try:
            await policy.sql(statement)
        except Exception as refused:
            assert "append-only" in str(refused)
        else:
            raise AssertionError(statement)


async def test_another_source_or_charter_has_looks_of_its_own(policy: World) -> None:
    await policy.set_up(looks=1, allocated="1", delta="0.000004")
    await paid(policy)
    charter = policy.charter_id
    await policy.make_charter(looks=1)
    body = {"charter_id": policy.charter_id, "epsilon": "1", "delta": "0.000004"}
    await policy.post("steward", f"/v1/populations/{policy.population_id}/allocations", 201, body)
    assert charter != policy.charter_id
    assert (await policy.decide()).json()["verdict"] == "permit"


async def test_a_dry_question_tells_that_looks_are_used_up(policy: World) -> None:
    await policy.set_up(looks=1)
    first, _ = await paid(policy)
    denied = (await policy.decide(again(policy, first))).json()
    explained = await policy.post("auditor", f"/v1/decisions/{denied['id']}:explain", 200)
    assert [clause["code"] for clause in explained["clauses"]] == ["looks.exhausted"]


async def test_a_run_of_unknown_source_takes_no_account(policy: World) -> None:
    await policy.set_up()
    denied = (await policy.decide(policy.request(source_id=str(uuid4())))).json()
    assert denied["verdict"] == "deny"
    assert await policy.sql("SELECT * FROM look_accounts WHERE held > 0") == []


async def test_who_may_only_ask_whether_is_not_told_how_often_others_looked(policy: World) -> None:
    await policy.set_up(looks=1)
    await policy.decide()
    made = labelled(policy.request())
    question = {
        "subject": {"type": "user", "id": "scientist"},
        "action": {"name": "generate"},
        "resource": {"type": "source", "id": policy.source_id},
        "context": {"plan": made["plan"], "offer": made["offer"]},
    }
    answer = (await policy.call("platform", "POST", "/access/v1/evaluation", json=question)).json()
    (reason,) = answer["context"]["reasons"]
    assert (reason["code"], reason["actual"]) == ("looks.exhausted", "it does not hold")
