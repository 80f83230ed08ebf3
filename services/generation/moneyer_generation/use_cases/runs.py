"""What a worker does with a run: one small step after another, each safe to find half-done."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from moneyer_generation.dependencies import Workshop
from moneyer_generation.execution.children import ChildFailed, ticking
from moneyer_generation.rules.run import next_step, outcome_of
from moneyer_generation.rules.telling import told_asset
from moneyer_generation.store import Store, progress_of
from moneyer_generation.tables import journal
from moneyer_shared import custody
from moneyer_shared.canonical import digest
from moneyer_shared.contracts.evaluation import AssayRequest
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.contracts.policy import SUSPENDED, RedeemRequest, Redemption, SettleRequest
from moneyer_shared.errors import MoneyerError, Unavailable
from moneyer_shared.journal import AuditEvent, dataset, job_of_runs, openlineage_event
from moneyer_shared.queue import Later, Superseded

logger = logging.getLogger("moneyer.run")
PROGRESS_STEP = 0.01
TICK_SECONDS = 0.5
VOTES_TAKE = timedelta(seconds=5)
RESUMING_TAKES = timedelta(seconds=30)
Run = Row[Any]
StepFunction = Callable[[Workshop, Run], Awaitable[Run | None]]


async def carry(works: Workshop, run_id: UUID) -> None:
    """Carry a run as far as it goes.

    Raises:
        Later: the assay is not finished.
        Unavailable: a service does not answer; take the run up again.
        Superseded: another worker took it up.
    """
    async with works.database.transaction() as connection:
        run = await Store(connection).take_up(run_id, works.clock())
    while True:
        run = await _with_sealed_model(works, run)
        step = next_step(progress_of(run))
        logger.info("run", extra={"fields": {"run": str(run.id), "state": run.state, "step": step}})
        if step == "rest":
            return
        following = await STEPS[step](works, run)
        if following is None:
            return
        run = following


async def _with_sealed_model(works: Workshop, run: Run) -> Run:
    """A model sealed just before a crash counts, though the state does not say so yet."""
    if run.state != "fitting" or run.model_sealed or not custody.exists(works.objects, model_object(run.id)):
        return run
    return await _save(works, run, model_sealed=True)


def model_object(run_id: UUID) -> str:
    return f"models/{run_id}.sealed"


def asset_object(run_id: UUID) -> str:
    return f"assets/{run_id}.parquet"


async def _save(works: Workshop, run: Run, **values: Any) -> Run:
    async with works.database.transaction() as connection:
        return await Store(connection).save(run, works.clock(), **values)


async def _save_and_tell(works: Workshop, run: Run, event_type: str, facets: Mapping[str, Any], **values: Any) -> Run:
    """Save a move with its audit event and its OpenLineage event, in one transaction (I4)."""
    now = works.clock()
    async with works.database.transaction() as connection:
        saved = await Store(connection).save(run, now, **values)
        event = AuditEvent("generation", "run.move", f"run:{run.id}", saved.state)
        outputs = [dataset("asset", str(run.id))] if saved.asset else []
        lineage = openlineage_event(
            at=now,
            event_type=event_type,
            run_id=str(run.id),
            job=job_of_runs(run.plan),
            inputs=[dataset("source", run.plan["source_id"])],
            outputs=outputs,
            facets=dict(facets),
        )
        await journal.record(connection, now, event, lineage=[lineage])
        return saved


async def _fail(works: Workshop, run: Run, why: str) -> Run:
    facets = {"moneyer_failure": {"because": why}}
    return await _save_and_tell(works, run, "FAIL", facets, state="failed", failure=why)


async def fail_interrupted(works: Workshop, run: Run) -> Run:
    return await _fail(
        works,
        run,
        "The worker was lost while a private mechanism ran. A charge pays for one execution, so it is not "
        "run again; plan anew if a table is still needed.",
    )


async def cancel(works: Workshop, run: Run) -> Run:
    """End a run on request: unredeemed, its reservation returns; redeemed, its charge stands (I5)."""
    if not run.redeemed and run.state != "in_review":
        try:
            await works.policy.cancel(UUID(run.decision["permit"]["id"]))
        except Unavailable:
            raise
        except MoneyerError as error:
            # Redeemed, and the worker was lost before it could say so: the charge stands.
            if error.problem_code != "permit-redeemed":
                raise
            run = await _save(works, run, redeemed=True)
    return await _save_and_tell(works, run, "ABORT", {}, state="cancelled")


async def await_votes(works: Workshop, run: Run) -> Run:
    """Take over what the committee made of a plan under review.

    Raises:
        Later: the votes are not in.
    """
    decision = await works.policy.decision_of(run.id)
    if decision.verdict == "review":
        raise Later(VOTES_TAKE)
    state = "queued" if decision.verdict == "permit" else "denied"
    told = decision.model_dump(mode="json")
    return await _save_and_tell(works, run, "OTHER", {}, state=state, decision=told)


async def make(works: Workshop, run: Run) -> Run:
    """Redeem, fit, sample, and leave the table in quarantine.

    Raises:
        Unavailable: policy does not answer, or nothing can be run now; nothing was charged.
        Later: something is suspended. A vote may start it again, so what was paid for waits, and what was not
            waits as long as its permit lasts.
    """
    await works.ready()
    try:
        keys = await _redeem(works, run)
    except Unavailable:
        raise
    except MoneyerError as error:
        if error.problem_code == SUSPENDED:
            raise Later(RESUMING_TAKES) from error
        return await _fail(works, run, f"The permit could not be redeemed: {error.problem_code}. {error.detail}")
    if run.state == "queued":
        run = await _save(works, run, state="redeemed", redeemed=True)
    if run.state == "redeemed":
        run = await _save(works, run, state="fitting")
    try:
        return await _follow_child(works, run, await _job(works, run, keys))
    except ChildFailed as error:
        # The child may have moved the run on before it failed.
        return await _fail(works, await _reread(works, run), f"The generator failed: {error}")


async def _redeem(works: Workshop, run: Run) -> Redemption:
    permit = run.decision["permit"]
    # The digest is of the plan that will run, not the one remembered: a changed plan redeems nothing.
    request = RedeemRequest(token=permit["token"], plan_digest=digest(run.plan))
    return await works.policy.redeem(UUID(permit["id"]), request, run_id=run.id)


async def _job(works: Workshop, run: Run, keys: Redemption) -> dict[str, Any]:
    async with works.database.transaction() as connection:
        store = Store(connection)
        source = await store.source(UUID(run.plan["source_id"]))
        version = await store.version(run.source_version_id)
    return {
        "objects_url": works.settings.objects_url,
        # A child is started with nothing secret in its environment.
        "store_environment": custody.store_environment(),
        "declaration": source.declaration,
        "generator": run.plan["generator"],
        "parameters": run.plan["parameters"],
        "rows": run.plan["rows"],
        "seed": run.plan["seed"],
        **{name: run.plan.get(name) for name in ("shape", "suppression", "blend")},
        "train_object": version.train_object,
        "model_object": model_object(UUID(run.plan.get("model") or str(run.id))),
        "model_key": keys.model_key or keys.asset_key,
        "asset_object": asset_object(run.id),
        "source_key": keys.source_key,
        "asset_key": keys.asset_key,
    }


async def _follow_child(works: Workshop, run: Run, job: dict[str, Any]) -> Run:
    async with aclosing(works.make_table(job)) as told, aclosing(ticking(told, TICK_SECONDS)) as ticks:
        async for message in ticks:
            if message is None:
                run = await _reread(works, run)
            elif "progress" in message and message["progress"] - run.progress >= PROGRESS_STEP:
                run = await _save(works, run, progress=message["progress"])
            elif "fitted" in message and run.state == "fitting":
                run = await _save(works, run, state="fitted", model_sealed=True, progress=0.9)
            elif "done" in message:
                asset = message["done"] | {"object": asset_object(run.id)}
                return await _save_and_tell(
                    works, run, "COMPLETE", _made_facets(run, asset),
                    state="quarantined", asset=asset, progress=0.95,
                )  # fmt: skip
            if run.cancel_requested:
                return run
    raise ChildFailed("the process said nothing more")


async def _reread(works: Workshop, run: Run) -> Run:
    """The run as it stands, to hear of a wish to cancel and of another worker.

    Raises:
        Superseded: another worker took it up.
    """
    async with works.database.transaction() as connection:
        now = await Store(connection).run(run.id)
    if now.holder != run.holder:
        raise Superseded(str(run.id))
    return now


def _made_facets(run: Run, asset: Mapping[str, Any]) -> dict[str, Any]:
    told = told_asset(asset) or {}
    return {
        "moneyer_generation": {
            "generator": run.plan["generator"],
            "engine_version": run.offer["engine_version"],
            "parameters": run.plan["parameters"],
            "seed": run.plan["seed"],
            "noise": "seeded" if run.guarantee == "none" else "fresh",
            "guarantee": run.offer["guarantee"],
            "transformations": [
                "identifier columns dropped",
                "train part of the source only",
                "values encoded by the declared public domain",
            ],
            "rows": asset["rows"],
            "digest": asset["digest"],
            **{name: told.get(name) for name in ("strata", "suppression", "blend")},
            "environment": asset.get("environment"),
            "reproducible": _reproducible(run),
        }
    }


def _reproducible(run: Run) -> str:
    """Whether the same plan makes the same table again, in words a reader of the record understands."""
    if run.guarantee != "none":
        return "no: noise is fresh in every run, and a table made twice would be paid for twice"
    if run.plan["seed"] is None:
        return "no: the plan names no seed"
    return "yes: with this seed, source version and environment"


async def settle(works: Workshop, run: Run) -> Run:
    """Close the permit, so that its keys are not handed out again."""
    request = SettleRequest(outcome=outcome_of(run.state))
    await works.policy.settle(UUID(run.decision["permit"]["id"]), request)
    return await _save(works, run, settled=True)


async def request_assay(works: Workshop, run: Run) -> Run:
    async with works.database.transaction() as connection:
        store = Store(connection)
        source = await store.source(UUID(run.plan["source_id"]))
        version = await store.version(run.source_version_id)
    assay = await works.evaluation.request(
        AssayRequest(
            asset_id=run.id,
            permit_id=UUID(run.decision["permit"]["id"]),
            declaration=SourceDeclaration.model_validate(source.declaration),
            source_id=source.id,
            train_object=version.train_object,
            holdout_object=version.holdout_object,
            asset_object=asset_object(run.id),
            seed=run.plan["seed"] or 0,
            job=job_of_runs(run.plan),
        )
    )
    return await _save(works, run, state="assaying", assay_id=assay.id)


async def conclude(works: Workshop, run: Run) -> Run:
    """Take the verdict over once there is one; policy's word counts, not evaluation's.

    Raises:
        Later: the assay is not finished, or the release waits for votes.
    """
    assay = await works.evaluation.assay(run.assay_id)
    if assay.state == "failed":
        return await _fail(works, run, f"The assay failed: {assay.failure}")
    if assay.state != "done":
        raise Later
    release = await works.policy.release_of(run.id)
    if release.verdict == "review":
        raise Later(VOTES_TAKE)
    return await _save_and_tell(works, run, "OTHER", {}, state=release.verdict, progress=1.0)


STEPS: Mapping[str, StepFunction] = {
    "await-votes": await_votes,
    "make": make,
    "settle": settle,
    "assay": request_assay,
    "conclude": conclude,
    "cancel": cancel,
    "fail-interrupted": fail_interrupted,
}
