"""The gate at work: a plan is judged, its budget reserved, and a permit signed, all in one transaction."""

import uuid
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from mintmark_policy.domain import gate
from mintmark_policy.domain.accounting import Account, Cost, Mechanism, cost_of, epsilon_of
from mintmark_policy.domain.charter import read_charter, state_now
from mintmark_policy.store.budgets import BudgetStore
from mintmark_policy.store.charters import CharterStore
from mintmark_policy.store.decisions import DecisionStore, cost_of_permit
from mintmark_policy.tables import journal
from mintmark_policy.use_cases.office import Office
from mintmark_shared.canonical import digest
from mintmark_shared.contracts.policy import DecisionRequest
from mintmark_shared.errors import Conflict
from mintmark_shared.idempotency import Reply, once
from mintmark_shared.journal import AuditEvent, openlineage_event


async def decide(office: Office, request: DecisionRequest, *, by: str, key: str) -> Reply:
    """Judge a plan. The answer is stored as it stands, whatever it is."""
    cost = cost_of(mechanism_of(request))
    now = office.clock()
    async with office.database.transaction() as connection:

        async def effect() -> Reply:
            return await _decide_once(office, connection, request, cost, now)

        return await once(
            connection,
            office.idempotency,
            caller=by,
            key=key,
            request=request.model_dump(mode="json"),
            effect=effect,
        )


def mechanism_of(request: DecisionRequest) -> Mechanism:
    stated = request.offer.mechanism
    return Mechanism(
        kind=stated.kind,
        rho=_decimal(stated.rho),
        epsilon=_decimal(stated.epsilon),
        noise_multiplier=_decimal(stated.noise_multiplier),
        sampling_probability=_decimal(stated.sampling_probability),
        steps=stated.steps,
        group_size=stated.group_size,
    )


def _decimal(text: str | None) -> Decimal | None:
    return Decimal(text) if text is not None else None


async def _decide_once(office: Office, connection: Any, request: DecisionRequest, cost: Cost, now: datetime) -> Reply:
    store, budgets = DecisionStore(connection), BudgetStore(connection)
    if await store.decision_of_run(request.run_id) is not None:
        raise Conflict("This run has been decided on; a new plan needs a new run.", code="run-decided")
    population_id, charter_id = request.offer.population_id, request.plan.charter_id
    accounts = await budgets.lock_for(population_id, charter_id)
    own_ids = [UUID(account.id) for account in accounts if account is not None]
    if await _return_expired(store, budgets, connection, now, own_ids):
        accounts = await budgets.lock_for(population_id, charter_id)
    facts, charter_digest = await _gather(connection, request, cost, now, accounts)
    clauses = gate.judge(gate.GATE, facts)
    plan_digest = digest(request.plan.model_dump(mode="json"))
    decision_id = uuid.uuid4()
    body: dict[str, Any] = {
        "id": str(decision_id),
        "run_id": str(request.run_id),
        "verdict": "deny" if clauses else "permit",
        "clauses": [asdict(clause) for clause in clauses],
        "plan_digest": plan_digest,
        "charter_digest": charter_digest,
        "decided_at": now.isoformat(),
    }
    await store.add_decision(
        {
            "id": decision_id,
            "run_id": request.run_id,
            "requester": request.requester,
            "verdict": body["verdict"],
            "document": body,
            "request": request.model_dump(mode="json"),
            "decided_at": now,
        }
    )
    permit = None if clauses else await _reserve(office, connection, request, cost, body, facts, now)
    await _journal_decision(connection, request, body, now)
    return Reply(201, body | {"permit": permit}, {"Location": f"/v1/decisions/{decision_id}"})


async def _gather(
    connection: Any,
    request: DecisionRequest,
    cost: Cost,
    now: datetime,
    accounts: tuple[Account | None, Account | None],
) -> tuple[gate.Facts, str | None]:
    charters = CharterStore(connection)
    row = await charters.judged_by(request.plan.charter_id)
    charter = read_charter(row.document, row.digest) if row is not None else None
    state = state_now(row.state, charter.expires_at, now) if row is not None and charter else "unknown"
    key = await DecisionStore(connection).key(request.offer.source_key_id)
    plan, guarantee = request.plan, request.offer.guarantee
    facts = gate.Facts(
        now=now,
        requester=request.requester,
        plan=gate.Plan(
            charter_id=str(plan.charter_id),
            use_case=plan.use_case,
            audience=plan.audience,
            source_id=str(plan.source_id),
            generator=plan.generator,
            parameters=plan.parameters,
            rows=plan.rows,
            requested_guarantee=plan.requested_guarantee,
        ),
        offered_guarantee=guarantee.level,
        offered_mechanism=request.offer.mechanism.kind,
        offered_delta=_decimal(guarantee.delta),
        cost=cost,
        charter=charter,
        charter_state=state,
        assessments=await charters.assessments(plan.charter_id),
        source_population=_population_of(key, plan.source_id),
        offered_population=str(request.offer.population_id),
        population=accounts[0],
        allocation=accounts[1],
    )
    return facts, charter.digest if charter else None


def _population_of(key: Any, source_id: UUID) -> str | None:
    """The population a source's key was made for; None if it is unknown, another source's, or destroyed."""
    if key is None or key.wrapped is None or not key.resource.startswith(f"source:{source_id}:"):
        return None
    return str(key.population_id)


async def _reserve(
    office: Office,
    connection: Any,
    request: DecisionRequest,
    cost: Cost,
    decision: dict[str, Any],
    facts: gate.Facts,
    now: datetime,
) -> dict[str, Any]:
    assert facts.population is not None
    assert facts.allocation is not None
    permit_id = uuid.uuid4()
    expires_at = now + office.permit_lifetime
    await DecisionStore(connection).add_permit(
        {
            "id": permit_id,
            "decision_id": UUID(decision["id"]),
            "run_id": request.run_id,
            "requester": request.requester,
            "plan_digest": decision["plan_digest"],
            "charter_digest": decision["charter_digest"],
            "charter_id": request.plan.charter_id,
            "population_account_id": UUID(facts.population.id),
            "charter_account_id": UUID(facts.allocation.id),
            "renyi": list(cost.renyi),
            "releases": cost.releases,
            "source_key_id": request.offer.source_key_id,
            "state": "reserved",
            "made_at": now,
            "expires_at": expires_at,
        }
    )
    accounts = (UUID(facts.population.id), UUID(facts.allocation.id))
    await BudgetStore(connection).move("reserve", accounts, permit_id, cost, now)
    token = office.signer.sign(
        permit_id=str(permit_id),
        run_id=str(request.run_id),
        plan_digest=decision["plan_digest"],
        made_at=now,
        expires_at=expires_at,
    )
    return {"id": str(permit_id), "token": token, "expires_at": expires_at.isoformat()}


async def return_expired(office: Office) -> int:
    """Give back reservations nobody redeemed in time; returns how many."""
    now = office.clock()
    async with office.database.transaction() as connection:
        return await _return_expired(DecisionStore(connection), BudgetStore(connection), connection, now, None)


async def _return_expired(
    store: DecisionStore,
    budgets: BudgetStore,
    connection: Any,
    now: datetime,
    account_ids: Sequence[UUID] | None,
) -> int:
    rows = await store.expired(now, account_ids=account_ids)
    for row in rows:
        await give_back(store, budgets, connection, row, now, outcome="expired", by="policy")
    return len(rows)


async def give_back(
    store: DecisionStore,
    budgets: BudgetStore,
    connection: Any,
    row: Any,
    now: datetime,
    *,
    outcome: str,
    by: str,
) -> None:
    """Return an unredeemed reservation. Callers hold the permit's row and have seen it reserved (I5)."""
    await store.set_permit(row.id, state="returned", outcome=outcome)
    accounts = (row.population_account_id, row.charter_account_id)
    await budgets.move("return", accounts, row.id, cost_of_permit(row), now)
    await journal.record(connection, now, AuditEvent(by, "permit.return", f"permit:{row.id}", outcome))


async def _journal_decision(connection: Any, request: DecisionRequest, body: dict[str, Any], now: datetime) -> None:
    failed = [clause["code"] for clause in body["clauses"]]
    event = AuditEvent(
        request.requester,
        "plan.decide",
        f"run:{request.run_id}",
        body["verdict"],
        {"decision": body["id"], "plan_digest": body["plan_digest"], "failed": failed,
         "charter_digest": body["charter_digest"]},
    )  # fmt: skip
    facet = body | {"failed": failed}
    facet.pop("clauses")
    lineage = openlineage_event(
        at=now,
        event_type="OTHER",
        run_id=str(request.run_id),
        job="generation.run",
        facets={"mintmark_policyDecision": facet},
    )
    await journal.record(connection, now, event, lineage=[lineage])


def describe_charge(cost: Cost, delta: Decimal) -> dict[str, Any]:
    """A charge as the record tells it: ε at the budget's δ, and releases counted."""
    return {
        "epsilon": str(epsilon_of(cost.renyi, delta)),
        "delta": str(delta.normalize()),
        "releases": cost.releases,
    }
