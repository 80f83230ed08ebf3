"""What a worker does with a run: one small step after another, each safe to find half-done."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from datetime import timedelta
from typing import Unpack
from uuid import UUID

from pydantic import BaseModel

from moneyer_generation.dependencies import Flow
from moneyer_generation.documents.assets import AssetFile
from moneyer_generation.documents.measurements import Measurement
from moneyer_generation.execution.children import ChildFailed, ticking
from moneyer_generation.execution.protocol import Job, Message
from moneyer_generation.rules.run import RunState, next_step, outcome_of
from moneyer_generation.store.runs import Run, RunChanges, progress_of
from moneyer_generation.work import Work
from moneyer_shared import custody
from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.evaluation import AssayRequest
from moneyer_shared.contracts.events import (
    DeliveredFacet,
    FailureFacet,
    GenerationFacet,
    MeasurementFacet,
    dataset,
    job_of_runs,
    run_event,
)
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.contracts.policy import SUSPENDED, Permit, RedeemRequest, Redemption, SettleRequest
from moneyer_shared.errors import MoneyerError, Unavailable
from moneyer_shared.journal import AuditEvent
from moneyer_shared.queue import Later, Superseded

logger = logging.getLogger("moneyer.run")
PROGRESS_STEP = 0.01
TICK_SECONDS = 0.5
VOTES_TAKE = timedelta(seconds=5)
RESUMING_TAKES = timedelta(seconds=30)
PAID = " What was charged stays charged, for real rows were looked at."
StepFunction = Callable[[Flow, Run], Awaitable[Run | None]]


async def carry_run(flow: Flow, run_id: UUID) -> None:
    """Carry a run as far as it goes.

    Raises:
        Later: the assay is not finished.
        Unavailable: a service does not answer; take the run up again.
        Superseded: another worker took it up.
    """
    async with flow.begin(Work) as work:
        run = await work.runs.take_up(run_id, work.now)
    while True:
        run = await _with_sealed_model(flow, run)
        step = next_step(progress_of(run))
        logger.info("run", extra={"fields": {"run": str(run.id), "state": run.state, "step": step}})
        if step == "rest":
            return
        following = await STEPS[step](flow, run)
        if following is None:
            return
        run = following


async def _with_sealed_model(flow: Flow, run: Run) -> Run:
    """A model sealed just before a crash counts, though the state does not say so yet."""
    waits = run.state == "fitting" and not run.model_sealed
    if waits and custody.exists(flow.dependencies.objects, model_object(run.id)):
        return await _save(flow, run, model_sealed=True)
    return run


def model_object(run_id: UUID) -> str:
    return f"models/{run_id}.sealed"


def asset_object(run_id: UUID) -> str:
    return f"assets/{run_id}.parquet"


async def _save(flow: Flow, run: Run, **changes: Unpack[RunChanges]) -> Run:
    async with flow.begin(Work) as work:
        return await work.runs.save(run, work.now, **changes)


async def _save_and_tell(
    flow: Flow, run: Run, event_type: str, facet: BaseModel | None, **changes: Unpack[RunChanges]
) -> Run:
    """Save a move with its audit event and its OpenLineage event, in one transaction (I4)."""
    async with flow.begin(Work) as work:
        saved = await work.runs.save(run, work.now, **changes)
        lineage = run_event(
            at=work.now,
            event_type=event_type,
            run_id=str(run.id),
            job=job_of_runs(run.plan.model_dump(mode="json")),
            inputs=[dataset("source", str(run.plan.source_id))],
            outputs=[dataset("asset", str(run.id))] if saved.asset else [],
            facets=[facet] if facet else [],
        )
        await work.tell(AuditEvent(work.by, Action.RUN_MOVE, f"run:{run.id}", saved.state), lineage=[lineage])
        return saved


async def _fail(flow: Flow, run: Run, why: str) -> Run:
    return await _save_and_tell(flow, run, "FAIL", FailureFacet(because=why), state="failed", failure=why)


async def fail_interrupted(flow: Flow, run: Run) -> Run:
    return await _fail(
        flow,
        run,
        "The worker was lost while a private mechanism ran. A charge pays for one execution, so it is not "
        "run again; plan anew if a table is still needed.",
    )


async def cancel(flow: Flow, run: Run) -> Run:
    """End a run on request: unredeemed, its reservation returns; redeemed, its charge stands (I5)."""
    if not run.redeemed and run.state != "in_review":
        try:
            await flow.dependencies.policy.cancel(_permit(run).id)
        except Unavailable:
            raise
        except MoneyerError as error:
            # Redeemed, and the worker was lost before it could say so: the charge stands.
            if error.problem_code != "permit-redeemed":
                raise
            run = await _save(flow, run, redeemed=True)
    return await _save_and_tell(flow, run, "ABORT", None, state="cancelled")


async def await_votes(flow: Flow, run: Run) -> Run:
    """Take over what the committee made of a plan under review.

    Raises:
        Later: the votes are not in.
    """
    decision = await flow.dependencies.policy.decision_of(run.id)
    if decision.verdict == "review":
        raise Later(VOTES_TAKE)
    state: RunState = "queued" if decision.verdict == "permit" else "denied"
    return await _save_and_tell(flow, run, "OTHER", None, state=state, decision=decision)


async def make(flow: Flow, run: Run) -> Run:
    """Redeem, fit, sample, and leave the table in quarantine.

    Raises:
        Unavailable: policy does not answer, or nothing can be run now; nothing was charged.
        Later: something is suspended. A vote may start it again, so what was paid for waits, and what was not
            waits as long as its permit lasts.
    """
    await flow.dependencies.ready()
    try:
        keys = await _redeem(flow, run)
    except Unavailable:
        raise
    except MoneyerError as error:
        if error.problem_code == SUSPENDED:
            raise Later(RESUMING_TAKES) from error
        return await _fail(flow, run, f"The permit could not be redeemed: {error.problem_code}. {error.detail}")
    if run.state == "queued":
        run = await _save(flow, run, state="redeemed", redeemed=True)
    if run.state == "redeemed":
        run = await _save(flow, run, state="fitting")
    try:
        return await _follow_child(flow, run, await _job(flow, run, keys))
    except ChildFailed as error:
        # The child may have moved the run on before it failed.
        charged = "" if run.guarantee == "none" else PAID
        return await _fail(flow, await _reread(flow, run), f"The generator failed: {error}{charged}")


async def _redeem(flow: Flow, run: Run) -> Redemption:
    permit = _permit(run)
    request = RedeemRequest(token=permit.token, plan_digest=run.plan_digest)
    return await flow.dependencies.policy.redeem(permit.id, request, run_id=run.id)


def _permit(run: Run) -> Permit:
    permit = run.decision.permit
    assert permit is not None, "only a permitted run is carried so far"
    return permit


async def _job(flow: Flow, run: Run, keys: Redemption) -> Job:
    async with flow.begin(Work, read_only=True) as work:
        source = await work.sources.source(run.plan.source_id)
        sealed = await work.sources.version(run.source_version_id)
    plan = run.plan.model_dump(mode="json")
    return {
        "objects_url": flow.dependencies.settings.objects_url,
        # A child is started with nothing secret in its environment.
        "store_environment": custody.store_environment(),
        "declaration": source.declaration.model_dump(mode="json"),
        **{name: plan[name] for name in ("generator", "parameters", "rows", "seed", "shape", "suppression", "blend")},
        "train_object": sealed.train_object,
        "model_object": model_object(run.plan.model or run.id),
        "model_key": keys.model_key or keys.asset_key,
        "asset_object": asset_object(run.id),
        "source_key": keys.source_key,
        "asset_key": keys.asset_key,
    }


async def _follow_child(flow: Flow, run: Run, job: Job) -> Run:
    async with aclosing(flow.dependencies.make_table(job)) as said, aclosing(ticking(said, TICK_SECONDS)) as ticks:
        async for message in ticks:
            if message is None:
                run = await _reread(flow, run)
            elif "progress" in message and message["progress"] - run.progress >= PROGRESS_STEP:
                run = await _save(flow, run, progress=message["progress"])
            elif "fitted" in message and run.state == "fitting":
                run = await _save(flow, run, state="fitted", model_sealed=True, progress=0.9)
            elif "measured" in message:
                return await _keep_measured(flow, run, message["measured"])
            elif "done" in message:
                asset = AssetFile.model_validate(message["done"] | {"object": asset_object(run.id)})
                declaration = SourceDeclaration.model_validate(job["declaration"])
                return await _save_and_tell(
                    flow, run, "COMPLETE", _made(run, asset, declaration),
                    state="quarantined", asset=asset, progress=0.95,
                )  # fmt: skip
            if run.cancel_requested:
                return run
    raise ChildFailed("the process said nothing more")


async def _keep_measured(flow: Flow, run: Run, told: Message) -> Run:
    """Keep what was measured, and tell the record that it was: how, and its digest, but nothing of what it says."""
    measured = Measurement.model_validate({"columns": told["columns"]})
    facet = MeasurementFacet(
        generator=run.plan.generator,
        engine_version=run.offer.engine_version,
        parameters=dict(run.plan.parameters),
        noise="fresh",
        guarantee=run.offer.guarantee,
        columns=len(measured.columns),
        digest=told["digest"],
        environment=told["environment"],
    )
    return await _save_and_tell(flow, run, "COMPLETE", facet, state="measured", measured=measured, progress=1.0)


async def _reread(flow: Flow, run: Run) -> Run:
    """The run as it stands, to hear of a wish to cancel and of another worker.

    Raises:
        Superseded: another worker took it up.
    """
    async with flow.begin(Work, read_only=True) as work:
        now = await work.runs.run(run.id)
    if now.holder != run.holder:
        raise Superseded(str(run.id))
    return now


def _made(run: Run, asset: AssetFile, declaration: SourceDeclaration) -> GenerationFacet:
    shown = asset.disclosed.model_dump(mode="json")
    made = GenerationFacet(
        generator=run.plan.generator,
        engine_version=run.offer.engine_version,
        parameters=dict(run.plan.parameters),
        seed=run.plan.seed,
        noise="seeded" if run.guarantee == "none" else "fresh",
        guarantee=run.offer.guarantee,
        transformations=[
            "identifier columns dropped",
            "train part of the source only",
            *_replaced(declaration),
            "values encoded by the declared public domain",
        ],
        **{name: shown[name] for name in ("rows", "digest", "strata", "suppression", "blend", "environment")},
        reproducible=_reproducible(run),
    )
    return made if asset.delivered is None else made.model_copy(update={"digest_of": "sealed"})


def _replaced(declaration: SourceDeclaration) -> list[str]:
    """What became of values outside the declared domain, rule by rule; how many there were is told to nobody here."""
    names: dict[str, list[str]] = {}
    for column in declaration.learned:
        if column.replaces:
            names.setdefault(column.rule_in_words, []).append(column.name)
    return [f"{words}, each value by itself, in {', '.join(columns)}" for words, columns in names.items()]


def _reproducible(run: Run) -> str:
    """Whether the same plan makes the same table again, in words a reader of the record understands."""
    if run.guarantee != "none":
        return "no: noise is fresh in every run, and a table made twice would be paid for twice"
    if run.plan.seed is None:
        return "no: the plan names no seed"
    return "yes: with this seed, source version and environment"


async def settle(flow: Flow, run: Run) -> Run:
    """Close the permit, so that its keys are not handed out again."""
    request = SettleRequest(outcome=outcome_of(run.state))
    await flow.dependencies.policy.settle(_permit(run).id, request)
    return await _save(flow, run, settled=True)


async def request_assay(flow: Flow, run: Run) -> Run:
    async with flow.begin(Work, read_only=True) as work:
        source = await work.sources.source(run.plan.source_id)
        sealed = await work.sources.version(run.source_version_id)
    assay = await flow.dependencies.evaluation.request(
        AssayRequest(
            asset_id=run.id,
            permit_id=_permit(run).id,
            declaration=source.declaration,
            source_id=source.id,
            train_object=sealed.train_object,
            holdout_object=sealed.holdout_object,
            asset_object=asset_object(run.id),
            seed=run.plan.seed or 0,
            job=job_of_runs(run.plan.model_dump(mode="json")),
        )
    )
    return await _save(flow, run, state="assaying", assay_id=assay.id)


async def conclude(flow: Flow, run: Run) -> Run:
    """Take the verdict over once there is one; policy's word counts, not evaluation's.

    Raises:
        Later: the assay is not finished, or the release waits for votes.
    """
    assert run.assay_id is not None, "an assay was requested before"
    assay = await flow.dependencies.evaluation.assay(run.assay_id)
    if assay.state == "failed":
        return await _fail(flow, run, f"The assay failed: {assay.failure}")
    if assay.state != "done":
        raise Later
    release = await flow.dependencies.policy.release_of(run.id)
    if release.verdict == "review":
        raise Later(VOTES_TAKE)
    facet = _delivered(run) if release.verdict == "released" else None
    return await _save_and_tell(flow, run, "OTHER", facet, state=release.verdict, progress=1.0)


def _delivered(run: Run) -> DeliveredFacet | None:
    """The table as it is handed out, told at its release; none of a table made before such digests were taken."""
    found = run.asset.delivered if run.asset is not None else None
    return DeliveredFacet.model_validate(found.model_dump()) if found is not None else None


STEPS: Mapping[str, StepFunction] = {
    "await-votes": await_votes,
    "make": make,
    "settle": settle,
    "assay": request_assay,
    "conclude": conclude,
    "cancel": cancel,
    "fail-interrupted": fail_interrupted,
}
