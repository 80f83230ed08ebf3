"""The gate, permits and budgets over HTTP on a real Postgres: each invariant with its refusal."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from policy.conftest import World

from moneyer_policy.assets.use_cases.keyring import Opening
from moneyer_shared.errors import Gone

MISSING = str(uuid4())


# --- the gate ----------------------------------------------------------------------------------


async def test_a_plan_without_charter_is_denied(world: World) -> None:
    await world.set_up()
    decision = (await world.decide(charter_id=MISSING)).json()
    assert decision["verdict"] == "deny"
    assert decision["permit"] is None
    assert "charter.in-force" in {clause["code"] for clause in decision["clauses"]}


async def test_a_denial_lists_everything_and_is_kept(world: World) -> None:
    await world.set_up()
    decision = (await world.decide(use_case="underwriting", generator="ctgan", rows=60_000)).json()
    codes = {clause["code"] for clause in decision["clauses"]}
    assert codes == {"use-case.listed", "use-case.prohibited", "configuration.approved", "rows.allowed"}
    assert all(clause["expected"] and clause["actual"] and clause["remedy"] for clause in decision["clauses"])
    kept = (await world.call("auditor", "GET", f"/v1/decisions/{decision['id']}")).json()
    assert kept["clauses"] == decision["clauses"]


async def test_an_unapproved_configuration_is_denied(world: World) -> None:
    await world.set_up()
    decision = (await world.decide(parameters={"epsilon": "5.1", "delta": "0.000001", "iterations": 500})).json()
    assert [clause["code"] for clause in decision["clauses"]] == ["parameters.in-range"]


async def test_a_plan_beyond_the_budget_is_denied_and_holds_nothing(world: World) -> None:
    await world.set_up()
    decision = (await world.decide(rho="2")).json()
    assert {clause["code"] for clause in decision["clauses"]} == {"budget.population", "budget.allocation"}
    assert (await world.budget())["epsilon_held"] == "0"
    assert await world.ledger() == []


async def test_a_charter_past_its_revalidation_denies_the_next_plan(world: World) -> None:
    await world.set_up()
    world.now += timedelta(days=31)
    codes = {clause["code"] for clause in (await world.decide()).json()["clauses"]}
    assert codes == {"charter.revalidated", "assessment.valid"}
    world.now += timedelta(days=30)
    codes = {clause["code"] for clause in (await world.decide()).json()["clauses"]}
    assert "charter.in-force" in codes


async def test_a_source_of_another_population_is_denied(world: World) -> None:
    await world.set_up()
    request = world.request()
    request["offer"]["source_key_id"] = MISSING
    assert [clause["code"] for clause in (await world.decide(request)).json()["clauses"]] == ["source.population"]


async def test_the_same_request_is_decided_once(world: World) -> None:
    await world.set_up()
    request = world.request()
    first, second = (await world.decide(request)).json(), (await world.decide(request)).json()
    assert first == second
    assert len(await world.ledger()) == 2, "one reservation in the population's account, one in the charter's"
    request["plan"]["rows"] = 99
    assert (await world.decide(request)).json()["code"] == "idempotency-key-reused"


async def test_a_run_is_decided_once_whatever_the_key(world: World) -> None:
    await world.set_up()
    request = world.request()
    await world.decide(request)
    other = {"Idempotency-Key": "another"}
    again = await world.call("generation", "POST", "/v1/decisions", json=request, headers=other)
    assert (again.status_code, again.json()["code"]) == (409, "run-decided")


async def test_racing_plans_never_overspend(world: World) -> None:
    """Forty plans at once for a budget that holds four; on one event loop, through one pool of connections."""
    await world.set_up()
    fits = 0
    request = world.request(rho="0.015")
    answers = await asyncio.gather(*(world.decide(world.request(rho="0.015")) for _ in range(40)))
    fits = sum(answer.json()["verdict"] == "permit" for answer in answers)
    assert 1 < fits < 40
    assert (await world.decide(request)).json()["verdict"] == "deny"
    assert float((await world.budget())["epsilon_held"]) <= 2
    (row,) = await world.sql("SELECT bool_or(h <= c) AS fits FROM accounts, unnest(held, caps) AS pair(h, c)")
    assert row["fits"]


# --- permits -----------------------------------------------------------------------------------


async def test_redeeming_spends_once_and_hands_out_the_key(world: World) -> None:
    await world.set_up()
    decision = (await world.decide()).json()
    assert (await world.budget())["epsilon_spent"] == "0"
    first = await world.redeem(decision)
    assert first.status_code == 200
    again = await world.redeem(decision)
    assert again.json() == first.json(), "the same run gets the same keys, and is not charged again"
    assert [entry["kind"] for entry in await world.ledger()].count("spend") == 2
    other = await world.redeem(decision, key="another-run")
    assert (other.status_code, other.json()["code"]) == (409, "permit-redeemed")
    await world.settle(decision)
    late = await world.redeem(decision)
    assert (late.status_code, late.json()["code"]) == (409, "permit-redeemed")


async def test_two_redemptions_at_once_spend_once(world: World) -> None:
    await world.set_up()
    decision = (await world.decide()).json()
    answers = await asyncio.gather(*(world.redeem(decision, key=f"run-{i}") for i in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
    assert [entry["kind"] for entry in await world.ledger()].count("spend") == 2


async def test_an_expired_permit_cannot_be_redeemed_and_its_reservation_returns(world: World) -> None:
    await world.set_up()
    decision = (await world.decide()).json()
    held = (await world.budget())["epsilon_held"]
    assert float(held) > 0
    world.now += timedelta(minutes=31)
    refused = await world.redeem(decision)
    assert (refused.status_code, refused.json()["code"]) == (409, "permit-expired")
    assert await world.return_expired() == 1
    assert await world.return_expired() == 0
    assert (await world.budget())["epsilon_held"] == "0"


async def test_an_expired_reservation_makes_room_for_the_next_plan_by_itself(world: World) -> None:
    await world.set_up()
    assert (await world.decide(rho="0.06")).json()["verdict"] == "permit"
    assert (await world.decide(rho="0.06")).json()["verdict"] == "deny"
    world.now += timedelta(minutes=31)
    assert (await world.decide(rho="0.06")).json()["verdict"] == "permit"


async def test_a_redeemed_permit_never_returns(world: World) -> None:
    await world.set_up()
    decision = (await world.decide()).json()
    await world.redeem(decision)
    world.now += timedelta(minutes=31)
    assert await world.return_expired() == 0
    refused = await world.call("generation", "POST", f"/v1/permits/{decision['permit']['id']}:cancel")
    assert refused.json()["code"] == "permit-redeemed"
    assert float((await world.budget())["epsilon_spent"]) > 0


async def test_a_cancelled_reservation_returns_once(world: World) -> None:
    await world.set_up()
    decision = (await world.decide()).json()
    for _ in range(2):
        path = f"/v1/permits/{decision['permit']['id']}:cancel"
        assert (await world.call("generation", "POST", path)).status_code == 204
    assert [entry["kind"] for entry in await world.ledger()] == ["reserve"] * 2 + ["return"] * 2
    assert (await world.redeem(decision)).json()["code"] == "permit-expired"


async def test_a_permit_is_bound_to_its_plan_and_cannot_be_forged(world: World) -> None:
    await world.set_up()
    one, two = (await world.decide()).json(), (await world.decide(rows=50)).json()
    assert (await world.redeem(one, token=two["permit"]["token"])).json()["code"] == "permit-for-another-plan"
    assert (await world.redeem(one, digest=two["plan_digest"])).json()["code"] == "permit-for-another-plan"
    header, claims, signature = one["permit"]["token"].split(".")
    forged = ".".join((header, claims, signature[::-1]))
    assert (await world.redeem(one, token=forged)).json()["code"] == "permit-forged"


async def test_a_source_key_is_handed_out_once(world: World) -> None:
    await world.make_population()
    body = {"resource": f"source:{uuid4()}:{uuid4()}", "population_id": world.population_id}
    assert (await world.call("generation", "POST", "/v1/keys", json=body)).status_code == 201
    assert (await world.call("generation", "POST", "/v1/keys", json=body)).json()["code"] == "key-exists"


async def test_a_source_key_that_nothing_came_to_lie_under_is_given_back(world: World) -> None:
    await world.make_population()
    resource = f"source:{world.source_id}:{uuid4()}"
    body = {"resource": resource, "population_id": world.population_id}
    made = (await world.call("generation", "POST", "/v1/keys", json=body)).json()
    vault = world.dependencies.keyring.vault
    assert vault.share(UUID(made["id"])) is not None
    for _ in range(2):
        answer = await world.call("generation", "POST", "/v1/keys:give-back", json={"resource": resource})
        assert answer.status_code == 204, answer.text
    assert vault.share(UUID(made["id"])) is None
    [row] = await world.sql(f"SELECT wrapped, destroyed_at, shredded_at FROM keys WHERE id = '{made['id']}'")
    assert row["wrapped"] is None
    assert row["destroyed_at"] == row["shredded_at"] is not None
    assert (await world.call("generation", "POST", "/v1/keys", json=body)).json()["code"] == "key-exists"
    leaves = await world.sql("SELECT leaf->>'subject' AS of FROM audit_events WHERE leaf->>'action' = 'key.give-back'")
    assert [leaf["of"] for leaf in leaves] == [resource], "once, however often it is asked"


async def test_a_key_that_was_given_back_is_opened_for_nobody(world: World) -> None:
    await world.set_up()
    assert (await give_back(world)).status_code == 204
    decided = await world.decide()
    if decided.json().get("permit"):
        assert (await world.redeem(decided.json())).json()["code"] == "key-destroyed"
    async with world.dependencies.database.transaction() as connection:
        with pytest.raises(Gone):
            await world.dependencies.keyring.open(connection, [UUID(world.key_id)], Opening(uuid4(), world.now))


async def test_a_key_given_back_before_it_was_made_is_never_made(world: World) -> None:
    """Who asks for a key may be slower than who clears up after them."""
    await world.make_population()
    body = {"resource": f"source:{world.source_id}:{uuid4()}", "population_id": world.population_id}
    for _ in range(2):
        returned = {"resource": body["resource"]}
        assert (await world.call("generation", "POST", "/v1/keys:give-back", json=returned)).status_code == 204
    assert (await world.call("generation", "POST", "/v1/keys", json=body)).json()["code"] == "key-exists"
    assert not await world.sql(f"SELECT id FROM keys WHERE resource = '{body['resource']}'")


async def test_made_and_given_back_at_once_a_key_does_not_stay(world: World) -> None:
    await world.make_population()
    for _ in range(8):
        resource = f"source:{world.source_id}:{uuid4()}"
        body = {"resource": resource, "population_id": world.population_id}
        await asyncio.gather(
            world.call("generation", "POST", "/v1/keys", json=body),
            world.call("generation", "POST", "/v1/keys:give-back", json={"resource": resource}),
        )
        assert not await world.sql(f"SELECT id FROM keys WHERE resource = '{resource}' AND destroyed_at IS NULL")


async def give_back(world: World) -> Any:
    [key] = await world.sql(f"SELECT resource FROM keys WHERE id = '{world.key_id}'")
    return await world.call("generation", "POST", "/v1/keys:give-back", json={"resource": key["resource"]})


async def test_a_source_key_that_a_permit_names_is_not_given_back(world: World) -> None:
    await world.set_up()
    decision = (await world.decide()).json()
    refused = await give_back(world)
    assert (refused.status_code, refused.json()["code"]) == (409, "key-in-use")
    assert (await world.redeem(decision)).status_code == 200


async def test_a_source_key_that_any_decision_names_is_not_given_back(world: World) -> None:
    """A plan under review has no permit yet, and a denied one shows as well that there is such a version."""
    await world.set_up()
    assert (await world.decide(charter_id=MISSING)).json()["permit"] is None
    refused = await give_back(world)
    assert (refused.status_code, refused.json()["code"]) == (409, "key-in-use")


async def test_a_key_that_was_opened_is_not_given_back(world: World) -> None:
    """No permit names the key of a register, or of a version that only a monitor looked at."""
    await world.set_up()
    run_id = UUID((await world.decide()).json()["run_id"])
    body = {"resource": f"register:{uuid4()}:{uuid4()}", "population_id": world.population_id}
    made = (await world.call("generation", "POST", "/v1/keys", json=body)).json()
    async with world.dependencies.database.transaction() as connection:
        await world.dependencies.keyring.open(connection, [UUID(made["id"])], Opening(run_id, world.now))
    refused = await world.call("generation", "POST", "/v1/keys:give-back", json={"resource": body["resource"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "key-in-use")


async def test_keys_lie_wrapped(world: World) -> None:
    await world.set_up()
    decision = (await world.decide()).json()
    keys = (await world.redeem(decision)).json()
    from base64 import b64decode

    for row in await world.sql("SELECT wrapped FROM keys"):
        assert b64decode(keys["source_key"]) not in row["wrapped"]
        assert b64decode(keys["asset_key"]) not in row["wrapped"]


# --- budgets -----------------------------------------------------------------------------------


async def test_allocations_cannot_exceed_the_population(world: World) -> None:
    await world.set_up(epsilon="2", allocated="1.5")
    await world.make_charter()
    path = f"/v1/populations/{world.population_id}/allocations"
    body = {"charter_id": world.charter_id, "epsilon": "0.500000000001", "delta": "0"}
    assert (await world.call("steward", "POST", path, json=body)).json()["code"] == "budget-invalid"
    body["delta"] = "0.000000000000000000000000000001"
    assert (await world.call("steward", "POST", path, json=body)).json()["code"] == "over-allocated"


@pytest.mark.parametrize("epsilon", [0.5, "1e3", "-1", "0", "101", ""])
async def test_amounts_are_exact_decimals_in_text(world: World, epsilon: object) -> None:
    body = {"name": "p", "privacy_unit": "row", "epsilon": epsilon, "delta": "0.000001"}
    refused = await world.call("steward", "POST", "/v1/populations", json=body)
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"


async def test_a_refusal_never_quotes_what_was_sent(world: World) -> None:
    body = {"name": "p", "privacy_unit": "row", "epsilon": "Jane Doe, 1971", "delta": {"Jane": "Doe"}}
    refused = await world.call("steward", "POST", "/v1/populations", json=body)
    assert refused.status_code == 422
    assert {reason["where"] for reason in refused.json()["reasons"]} == {"body.epsilon", "body.delta"}
    assert "Jane" not in refused.text


async def test_the_ledger_and_its_like_are_append_only(world: World) -> None:
    await world.set_up()
    await world.decide()
    for table in ("ledger_entries", "decisions", "votes", "assessments", "releases", "audit_events"):
        for statement in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
            with pytest.raises(asyncpg.RaiseError, match="append-only"):
                await world.sql(statement)


async def test_ledger_sums_equal_balances(world: World) -> None:
    await world.set_up()
    first, second = (await world.decide()).json(), (await world.decide()).json()
    await world.decide()
    await world.redeem(first)
    await world.call("generation", "POST", f"/v1/permits/{second['permit']['id']}:cancel")
    rows = await world.sql(
        """
        SELECT a.held[1] AS held, a.spent[1] AS spent,
               sum(m.renyi[1] * (CASE l.kind WHEN 'reserve' THEN 1 WHEN 'return' THEN -1 ELSE 0 END)) AS reserved,
               sum(m.renyi[1] * (CASE l.kind WHEN 'spend' THEN 1 ELSE 0 END)) AS paid
        FROM accounts a JOIN ledger_entries l ON l.account_id = a.id
        JOIN mechanisms m ON m.digest = l.mechanism GROUP BY a.id, a.held, a.spent
        """
    )
    assert len(rows) == 2
    assert all(row["held"] == row["reserved"] and row["spent"] == row["paid"] for row in rows)


async def test_a_key_is_of_something_that_has_an_id(world: World) -> None:
    await world.make_population()
    body = {"resource": f"source:{'0' * 36}:{'0' * 36}", "population_id": world.population_id}
    refused = await world.call("generation", "POST", "/v1/keys", json=body)
    assert (refused.status_code, refused.json()["reasons"][0]["where"]) == (422, "body.resource")
