"""A plan on its way: offered to the gate, then queued with its permit in one transaction."""

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from moneyer_generation.dependencies import RUN_JOB, Workshop
from moneyer_generation.generators.catalogue import engine_named
from moneyer_generation.generators.protocol import check_source, complete
from moneyer_generation.planning.orders import check_order, earned_when_blended
from moneyer_generation.rules.run import CANCELLABLE
from moneyer_generation.rules.sharing import RANKS, place
from moneyer_generation.rules.telling import told_asset
from moneyer_generation.store import Store
from moneyer_generation.tables import journal
from moneyer_shared.canonical import digest
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.contracts.policy import Decision, DecisionRequest, Mechanism, Offer, Plan, SourceUnit
from moneyer_shared.errors import Conflict, Forbidden, Invalid
from moneyer_shared.idempotency import Attempt, Reply
from moneyer_shared.journal import AuditEvent, dataset, job_of_runs, openlineage_event
from moneyer_shared.ownership import check_own
from moneyer_shared.queue import enqueue

ENTRY = {"permit": "queued", "review": "in_review", "deny": "denied"}
"""The state a run begins in, by the gate's verdict."""
NAMESPACE = uuid.UUID("5d2d5f5e-7b3c-4c53-8f0e-6f6c8f0d9a11")


def show_run(row: Any) -> dict[str, Any]:
    """A run as it goes over the wire; the permit's token stays inside."""
    decision = {name: value for name, value in row.decision.items() if name != "permit"}
    return {
        "id": str(row.id),
        "state": row.state,
        "progress": round(row.progress, 3),
        "requester": row.requester,
        "plan": row.plan,
        "offer": row.offer,
        "decision": decision,
        "asset": told_asset(row.asset),
        "assay_id": str(row.assay_id) if row.assay_id else None,
        "failure": row.failure,
        "charged": row.redeemed,
        "requested_at": row.requested_at.isoformat(),
        "changed_at": row.changed_at.isoformat(),
    }


DECIDED = frozenset({"released", "rejected"})
"""States in which a run has ended and its asset goes on: what that is is policy's to say."""


async def show_now(works: Workshop, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Runs as they go over the wire, each with what its asset is by policy's word, which nobody here remembers better.

    Raises:
        Unavailable: policy does not answer; an asset that may be withdrawn by now is not shown as released.
    """
    decided = [row.id for row in rows if row.state in DECIDED]
    states = await works.policy.asset_states(decided) if decided else {}
    return [show_run(row) | {"state": states.get(row.id, row.state)} for row in rows]


def run_id_of(requester: str, key: str) -> UUID:
    """The same caller and Idempotency-Key always mean the same run, here and at the gate."""
    return uuid.uuid5(NAMESPACE, f"{requester}\n{key}")


async def request_run(works: Workshop, plan: Plan, *, by: str, key: str, search: UUID | None = None) -> Reply:
    """Ask the gate, then queue the run; ``search`` is the search whose trial it is.

    A denied plan is kept as such, and refused again in the same words.

    Raises:
        Forbidden: the gate denied the plan; reasons lists every failed clause. Or its model is somebody else's.
        Invalid: an unknown generator or parameter, or the key was used for another plan.
    """
    run_id, fingerprint = run_id_of(by, key), digest(plan.model_dump(mode="json"))
    attempt = Attempt(key, fingerprint)
    if answer := await attempt.answered_before(works.database, by):
        return answer
    async with works.database.transaction() as connection:
        known = await Store(connection).find_run(run_id)
    if known is None:
        known = await _decide_and_queue(works, run_id, plan, attempt, by, search)
    if known.fingerprint != fingerprint:
        raise Invalid(
            "This Idempotency-Key was used for another plan; choose a new one.", code="idempotency-key-reused"
        )
    if known.state == "denied":
        raise Forbidden(
            "The gate denied the plan; every failed clause is listed.",
            code="plan-denied",
            reasons=known.decision["clauses"],
            decision_id=known.decision["id"],
        )
    (shown,) = await show_now(works, [known])
    return _begun(shown)


async def _decide_and_queue(
    works: Workshop, run_id: UUID, plan: Plan, attempt: Attempt, by: str, search: UUID | None
) -> Any:
    if plan.model is not None:
        await _check_model_owner(works, plan.model, by)
    completed, offer, version_id = await offer_for(works, plan)
    request = DecisionRequest(run_id=run_id, requester=by, plan=completed, offer=offer)
    decision = await works.policy.decide(request)
    now = works.clock()
    async with works.database.transaction() as connection:
        store = Store(connection)
        state, rank = ENTRY[decision.verdict], RANKS[plan.priority]
        turn = await store.next_turn(plan.charter_id, rank)
        new = await store.add_run(
            {
                "id": run_id,
                "requester": by,
                "fingerprint": attempt.fingerprint,
                "plan": completed.model_dump(mode="json"),
                "offer": offer.model_dump(mode="json"),
                "decision": decision.model_dump(mode="json"),
                "source_version_id": version_id,
                "state": state,
                "guarantee": offer.guarantee.level,
                "charter_id": plan.charter_id,
                "rank": rank,
                "turn": turn,
                "model_sealed": plan.model is not None,
                "requested_at": now,
                "changed_at": now,
            }
        )
        if new and state != "denied":
            await enqueue(connection, RUN_JOB, run_id, place=place(turn, rank))
        if new:
            await _journal_plan(connection, now, by, run_id, completed, offer, decision, search)
        row = await store.run(run_id)
        if new and state != "denied":
            await attempt.keep(connection, by, _begun(show_run(row)))
        return row


def _begun(shown: dict[str, Any]) -> Reply:
    return Reply(202, shown, {"Location": f"/v1/generations/{shown['id']}", "Retry-After": "2"})


async def _check_model_owner(works: Workshop, model: UUID, by: str) -> None:
    """A kept model is sampled by who asked for the run that fitted it."""
    async with works.database.transaction() as connection:
        check_own((await Store(connection).run(model)).requester, by, "This model")


async def offer_for(works: Workshop, plan: Plan) -> tuple[Plan, Offer, UUID]:
    """The plan with its defaults filled in, what we can do for it, and the source version it learns from.

    Raises:
        Invalid: the engine or the source rules it out.
    """
    if plan.model is not None:
        return await _offer_again(works, plan, plan.model)
    engine = engine_named(plan.generator)
    given = await _with_defaults(works, plan)
    completed = plan.model_copy(update={"parameters": complete(engine, given)})
    async with works.database.transaction() as connection:
        store = Store(connection)
        source = await store.source(plan.source_id)
        version = await store.latest_version(plan.source_id)
    declaration = SourceDeclaration.model_validate(source.declaration)
    if declaration.for_linkage:
        raise Invalid("Nothing is learned from a register; it is there for assays to link with.", code="register")
    check_source(engine, declaration)
    guarantee = engine.guarantee(declaration, completed.parameters)
    if guarantee.delta is not None and Decimal(guarantee.delta) * version.train_rows > 1:
        raise Invalid(
            "delta must not be larger than 1 / (number of rows): it would allow a whole row to leak.",
            code="delta-too-large",
        )
    check_order(plan, engine, declaration, guarantee)
    blended = plan.blend is not None
    offer = Offer(
        engine_version=engine.version,
        guarantee=earned_when_blended(declaration) if blended else guarantee,
        mechanism=Mechanism(kind="none") if blended else engine.mechanism(declaration, completed.parameters),
        source_key_id=version.key_id,
        population_id=declaration.population_id,
        privacy_unit=unit_offered(declaration),
    )
    return completed, offer, version.id


def unit_offered(declaration: SourceDeclaration) -> SourceUnit:
    unit = declaration.privacy_unit
    return SourceUnit(identified_by=unit.identified_by, maximum_rows=unit.maximum_rows)


async def _offer_again(works: Workshop, plan: Plan, model: UUID) -> tuple[Plan, Offer, UUID]:
    """What sampling a kept model once more earns: what its fit earned, at no further cost where that was private.

    Raises:
        NotFound: there is no such run.
        Invalid: it kept no model, or the plan asks for another generator or other parameters.
    """
    async with works.database.transaction() as connection:
        store = Store(connection)
        made = await store.run(model)
        source = await store.source(plan.source_id)
    if not made.model_sealed or made.state in {"failed", "cancelled"}:
        raise Invalid(f"Run {model} kept no model.", code="no-model")
    given = plan.parameters or made.plan["parameters"]
    if (plan.generator, str(plan.source_id), given) != (
        made.plan["generator"], made.plan["source_id"], made.plan["parameters"],
    ):  # fmt: skip
        raise Invalid("A model is sampled with its own generator, parameters and source.", code="model-mismatch")
    first = Offer.model_validate(made.offer)
    declaration = SourceDeclaration.model_validate(source.declaration)
    check_order(plan, engine_named(plan.generator), declaration, first.guarantee)
    private = first.guarantee.level != "none"
    free = {"mechanism": Mechanism(kind="post-processing")} if private else {}
    offer = first.model_copy(update={"privacy_unit": unit_offered(declaration), **free})
    return plan.model_copy(update={"parameters": given}), offer, made.source_version_id


async def _with_defaults(works: Workshop, plan: Plan) -> dict[str, Any]:
    """The plan's parameters, and under them those of the configuration it names."""
    if plan.configuration is None:
        return dict(plan.parameters)
    return await works.policy.configuration_defaults(plan.configuration) | plan.parameters


async def cancel(works: Workshop, run_id: UUID, *, by: str) -> dict[str, Any]:
    """Ask for a run to end; its worker, or the one that would have taken it up, ends it.

    Raises:
        Conflict: it has ended, or its table is made.
        Forbidden: it is somebody else's run.
    """
    now = works.clock()
    async with works.database.transaction() as connection:
        store = Store(connection)
        run = await store.run(run_id)
        check_own(run.requester, by, "This run")
        if run.state not in CANCELLABLE:
            raise Conflict(f"A run that is {run.state} cannot be cancelled.", code="not-cancellable")
        await store.ask_to_cancel(run_id, now)
        await journal.record(connection, now, AuditEvent(by, "run.cancel", f"run:{run_id}"))
        return show_run(await store.run(run_id))


async def _journal_plan(
    connection: Any,
    now: Any,
    by: str,
    run_id: UUID,
    plan: Plan,
    offer: Offer,
    decision: Decision,
    search: UUID | None,
) -> None:
    details = {"decision": str(decision.id), "plan_digest": decision.plan_digest}
    event = AuditEvent(by, "run.request", f"run:{run_id}", decision.verdict, details)
    facet = plan.model_dump(mode="json") | {"guarantee": offer.guarantee.model_dump(mode="json")}
    lineage = openlineage_event(
        at=now,
        event_type="OTHER",
        run_id=str(run_id),
        job=job_of_runs(facet),
        inputs=[dataset("source", str(plan.source_id))],
        facets={"moneyer_plan": facet},
        parent_run_id=str(search) if search else None,
        parent_job=f"generation.search/{plan.charter_id}/{plan.source_id}",
    )
    await journal.record(connection, now, event, lineage=[lineage])
