"""A plan on its way: offered to the gate, then queued with its permit in one transaction."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence
from decimal import Decimal
from typing import get_args
from uuid import UUID

from moneyer_generation.dependencies import Flow
from moneyer_generation.documents.generations import (
    Generation,
    GenerationProgress,
    GenerationSearch,
    PlanOffer,
    ShownState,
)
from moneyer_generation.generators.catalogue import engine_named, offered_named
from moneyer_generation.generators.protocol import check_source, complete
from moneyer_generation.planning.capacity import check_capacity
from moneyer_generation.planning.cautions import cautions_of
from moneyer_generation.planning.orders import (
    after_measuring,
    after_replacing,
    check_order,
    earned_over,
    earned_when_blended,
    read_from_rows,
)
from moneyer_generation.rules.run import CANCELLABLE, DECIDED, MOVES, RunState
from moneyer_generation.rules.sharing import RANKS, place
from moneyer_generation.store.runs import ENDED_WITHOUT, NewRun, Run
from moneyer_generation.use_cases.measurements import measured_before
from moneyer_generation.work import Work
from moneyer_shared.canonical import digest
from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.events import PlanFacet, dataset, job_of_runs, job_of_searches, run_event
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.contracts.people import subject_named
from moneyer_shared.contracts.policy import (
    AssetStateName,
    DecisionRequest,
    Mechanism,
    Offer,
    Parameter,
    Plan,
    SourceUnit,
)
from moneyer_shared.errors import Conflict, Forbidden, Invalid, Unavailable
from moneyer_shared.figures import about
from moneyer_shared.journal import AuditEvent
from moneyer_shared.ownership import check_own
from moneyer_shared.paging import Filtered

ENTRY: dict[str, RunState] = {"permit": "queued", "review": "in_review", "deny": "denied"}
"""The state a run begins in, by the gate's verdict."""
NAMESPACE = uuid.UUID("5d2d5f5e-7b3c-4c53-8f0e-6f6c8f0d9a11")
POLL_SECONDS = 0.3
PAUSE_SECONDS = 1.0
"""How long a watcher waits before it asks again, and where somebody is away."""


async def with_asset_states(flow: Flow, runs: Sequence[Run]) -> list[Generation]:
    """Runs as callers see them, each with what its asset is by policy's word, which nobody here remembers better.

    Raises:
        Unavailable: policy does not answer; an asset that may be withdrawn by now is not shown as released.
    """
    states = await _states(flow, {run.id: run.state for run in runs})
    return [Generation.model_validate(run).model_copy(update={"state": states[run.id]}) for run in runs]


async def _states(flow: Flow, runs: Mapping[UUID, ShownState]) -> Mapping[UUID, ShownState]:
    """The state of each of these runs, by policy's word where its asset was decided on."""
    decided = [run_id for run_id, state in runs.items() if state in DECIDED]
    by_policy: Mapping[UUID, ShownState] = {}
    if decided:
        by_policy = await flow.dependencies.policy.asset_states(decided)
    return {**runs, **by_policy}


async def list_generations(flow: Flow, wanted: GenerationSearch) -> list[Generation]:
    """A page of runs, the newest first; where a state is asked for, those of it that are in that state now."""
    requester = subject_named(wanted.requested_by, flow.by)
    async with flow.begin(Work, read_only=True) as work:
        runs = await work.runs.page(
            wanted.after,
            requester=requester,
            states=_kept_as(wanted.state) if wanted.state is not None else None,
            charter=wanted.charter,
            source=wanted.source,
            generator=wanted.generator,
            with_asset=wanted.with_asset,
        )
    shown = await with_asset_states(flow, runs)
    return Filtered([one for one in shown if wanted.state in {None, one.state}], page=shown)


def _kept_as(state: ShownState) -> frozenset[RunState]:
    """The states that a run which is shown in one may be kept in: of an asset that was decided on policy says it."""
    decided: frozenset[RunState] = DECIDED if state in get_args(AssetStateName) else frozenset()
    own: frozenset[RunState] = frozenset(one for one in get_args(RunState) if one == state)
    return own | decided


async def get_generation(flow: Flow, run_id: UUID) -> Generation:
    """One run.

    Raises:
        NotFound: there is none of that id.
    """
    async with flow.begin(Work, read_only=True) as work:
        run = await work.runs.run(run_id)
    (shown,) = await with_asset_states(flow, [run])
    return shown


async def check_generation(flow: Flow, run_id: UUID) -> None:
    """That there is such a run, whatever policy says of its asset.

    Raises:
        NotFound: there is none.
    """
    async with flow.begin(Work, read_only=True) as work:
        await work.runs.progress(run_id)


async def watch_generation(flow: Flow, run_id: UUID) -> AsyncGenerator[GenerationProgress]:
    """How a run goes, whenever that changes, until it ends; whoever watches waits out an outage with it."""
    last = None
    while True:
        try:
            async with flow.begin(Work, read_only=True) as work:
                progress = await work.runs.progress(run_id)
            states = await _states(flow, {run_id: progress.state})
        except Unavailable:
            await asyncio.sleep(PAUSE_SECONDS)
            continue
        shown = progress.model_copy(update={"state": states[run_id]})
        if shown != last:
            yield shown
            last = shown
        if progress.state not in MOVES:
            return
        await asyncio.sleep(POLL_SECONDS)


def run_id_of(requester: str, key: str) -> UUID:
    """The same caller and Idempotency-Key always mean the same run, here and at the gate."""
    return uuid.uuid5(NAMESPACE, f"{requester}\n{key}")


async def request_generation(flow: Flow, plan: Plan, key: str, *, search: UUID | None = None) -> Generation:
    """Ask the gate, then queue the run; ``search`` is the search whose trial it is.

    A denied plan is kept as such, and refused again in the same words.

    Raises:
        Forbidden: the gate denied the plan; reasons lists every failed clause. Or its model is somebody else's.
        Invalid: an unknown generator or parameter, or the key was used for another plan.
    """
    run_id, fingerprint = run_id_of(flow.by, key), digest(plan.model_dump(mode="json"))
    async with flow.begin(Work, read_only=True) as work:
        known = await work.runs.find(run_id)
    if known is None:
        known = await _decide_and_queue(flow, run_id, plan, fingerprint, search)
    if known.fingerprint != fingerprint:
        raise Invalid(
            "This Idempotency-Key was used for another plan; choose a new one.", code="idempotency-key-reused"
        )
    if known.state == "denied":
        raise Forbidden(
            "The gate denied the plan; every failed clause is listed.",
            code="plan-denied",
            reasons=[clause.model_dump(mode="json") for clause in known.decision.clauses],
            decision_id=str(known.decision.id),
        )
    (shown,) = await with_asset_states(flow, [known])
    return shown


async def offer_generation(flow: Flow, plan: Plan) -> PlanOffer:
    """What would be offered for a plan: nothing is asked of the gate, kept or charged.

    Raises:
        Forbidden: its model is somebody else's.
        Invalid: the engine or the source rules it out, or no row can hold what is asked.
    """
    completed, offer, _ = await _own_offer_for(flow, plan)
    return PlanOffer(plan=completed, offer=offer)


async def _decide_and_queue(flow: Flow, run_id: UUID, plan: Plan, fingerprint: str, search: UUID | None) -> Run:
    completed, offer, version_id = await _own_offer_for(flow, plan)
    request = DecisionRequest(run_id=run_id, requester=flow.by, plan=completed, offer=offer)
    decision = await flow.dependencies.policy.decide(request)
    state, rank = ENTRY[decision.verdict], RANKS[plan.priority]
    async with flow.begin(Work) as work:
        turn = await work.runs.next_turn(plan.charter_id, rank)
        new = NewRun(run_id, flow.by, fingerprint, completed, offer, decision, version_id, state, rank, turn)
        if not await work.runs.add(new, work.now):
            return await work.runs.run(run_id)
        await _tell_of_plan(work, new, search)
        run = await work.runs.run(run_id)
        if state != "denied":
            await work.schedule("run", run_id, place=place(turn, rank))
            await flow.keep(work, Generation.model_validate(run))
        return run


async def _own_offer_for(flow: Flow, plan: Plan) -> tuple[Plan, Offer, UUID]:
    if plan.model is not None:
        await _check_model_owner(flow, plan.model)
    return await offer_for(flow, plan)


async def _check_model_owner(flow: Flow, model: UUID) -> None:
    """A kept model is sampled by who asked for the run that fitted it."""
    async with flow.begin(Work, read_only=True) as work:
        check_own((await work.runs.run(model)).requester, flow.by, "This model")


async def offer_for(flow: Flow, plan: Plan) -> tuple[Plan, Offer, UUID]:
    """The plan with its defaults filled in, what we can do for it, and the source version it learns from.

    Raises:
        Invalid: the engine or the source rules it out.
    """
    if plan.model is not None:
        return await _offer_again(flow, plan, plan.model)
    engine = offered_named(plan.generator)
    given = await _with_defaults(flow, plan)
    completed = plan.model_copy(update={"parameters": complete(engine, given)})
    async with flow.begin(Work, read_only=True) as work:
        declaration = (await work.sources.source(plan.source_id)).declaration
        newest = await work.sources.latest_version(plan.source_id)
        before = await measured_before(work, declaration)
    if declaration.for_linkage:
        raise Invalid("Nothing is learned from a register; it is there for assays to link with.", code="register")
    check_source(engine, declaration)
    about_rows, makes_table = about(newest.version.train_rows), not declaration.unmeasured
    if makes_table:
        check_capacity(engine, declaration, about_rows, flow.dependencies.settings.job_mebibytes)
    guarantee = earned_over(declaration, engine.guarantee(declaration, completed.parameters))
    guarantee = after_replacing(after_measuring(guarantee, before), declaration)
    if guarantee.delta is not None and Decimal(guarantee.delta) * newest.version.train_rows > 1:
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
        source_key_id=newest.key_id,
        population_id=declaration.population_id,
        privacy_unit=unit_offered(declaration),
        cautions=cautions_of(engine, declaration, completed.parameters, about_rows) if makes_table else [],
        data_domains=read_from_rows(declaration),
    )
    return completed, offer, newest.version.id


def unit_offered(declaration: SourceDeclaration) -> SourceUnit:
    unit = declaration.privacy_unit
    return SourceUnit(identified_by=unit.identified_by, maximum_rows=unit.maximum_rows)


async def _offer_again(flow: Flow, plan: Plan, model: UUID) -> tuple[Plan, Offer, UUID]:
    """What sampling a kept model once more earns: what its fit earned, at no further cost where that was private.

    Raises:
        NotFound: there is no such run.
        Invalid: it kept no model, or the plan asks for another generator or other parameters.
    """
    async with flow.begin(Work, read_only=True) as work:
        made = await work.runs.run(model)
        declaration = (await work.sources.source(plan.source_id)).declaration
    if not made.model_sealed or made.state in ENDED_WITHOUT:
        raise Invalid(f"Run {model} kept no model.", code="no-model")
    given = plan.parameters or made.plan.parameters
    if (plan.generator, plan.source_id, given) != (made.plan.generator, made.plan.source_id, made.plan.parameters):
        raise Invalid("A model is sampled with its own generator, parameters and source.", code="model-mismatch")
    check_order(plan, engine_named(plan.generator), declaration, made.offer.guarantee)
    private = made.offer.guarantee.level != "none"
    free = {"mechanism": Mechanism(kind="post-processing")} if private else {}
    offer = made.offer.model_copy(update={"privacy_unit": unit_offered(declaration), **free})
    return plan.model_copy(update={"parameters": given}), offer, made.source_version_id


async def _with_defaults(flow: Flow, plan: Plan) -> dict[str, Parameter]:
    """The plan's parameters, and under them those of the configuration it names."""
    if plan.configuration is None:
        return dict(plan.parameters)
    return await flow.dependencies.policy.configuration_defaults(plan.configuration) | plan.parameters


async def cancel_generation(work: Work, run_id: UUID) -> Generation:
    """Ask for a run to end; its worker, or the one that would have taken it up, ends it.

    Raises:
        Conflict: it has ended, or its table is made.
        Forbidden: it is somebody else's run.
    """
    run = await work.runs.run(run_id)
    check_own(run.requester, work.by, "This run")
    if run.state not in CANCELLABLE:
        raise Conflict(f"A run that is {run.state} cannot be cancelled.", code="not-cancellable")
    await work.runs.ask_to_cancel(run_id, work.now)
    await work.tell(AuditEvent(work.by, Action.RUN_CANCEL, f"run:{run_id}"))
    return Generation.model_validate(await work.runs.run(run_id))


async def _tell_of_plan(work: Work, new: NewRun, search: UUID | None) -> None:
    plan, decision = new.plan, new.decision
    details = {"decision": str(decision.id), "plan_digest": decision.plan_digest}
    event = AuditEvent(work.by, Action.RUN_REQUEST, f"run:{new.id}", decision.verdict, details)
    facet = plan.model_dump(mode="json") | {"guarantee": new.offer.guarantee.model_dump(mode="json")}
    lineage = run_event(
        at=work.now,
        event_type="OTHER",
        run_id=str(new.id),
        job=job_of_runs(facet),
        inputs=[dataset("source", str(plan.source_id))],
        facets=[PlanFacet.model_validate(facet)],
        parent=(str(search), job_of_searches(plan.charter_id, plan.source_id)) if search else None,
    )
    await work.tell(event, lineage=[lineage])
