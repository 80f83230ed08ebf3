"""Tuning under a budget: one governed search whose trials are planned, permitted, charged and judged like any run."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from moneyer_generation.dependencies import SEARCH_JOB, Workshop
from moneyer_generation.planning.proposals import Past, cheapest, check_candidates, cost_of, propose
from moneyer_generation.rules.run import CANCELLABLE
from moneyer_generation.rules.search import TRIAL_STATES, Trial, next_move, spent
from moneyer_generation.store import Store
from moneyer_generation.store.searches import SearchStore, as_trial
from moneyer_generation.tables import journal
from moneyer_generation.use_cases import plans
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.contracts.policy import Mechanism, Plan
from moneyer_shared.contracts.search import SearchRequest
from moneyer_shared.errors import Conflict, Forbidden, Invalid
from moneyer_shared.idempotency import Attempt, Reply
from moneyer_shared.journal import AuditEvent, dataset, openlineage_event
from moneyer_shared.ownership import check_own
from moneyer_shared.queue import Later, enqueue

logger = logging.getLogger("moneyer.search")
TRIAL_TAKES = timedelta(seconds=1)
NOT_ESTIMATED = Decimal(1)
"""What a criterion counts for that nothing was estimated for."""
EVENTS = {"found": "COMPLETE", "cancelled": "ABORT"}


def show(row: Any, trials: Sequence[Any]) -> dict[str, Any]:
    """A search as it goes over the wire."""
    return {
        "id": str(row.id),
        "state": row.state,
        "requester": row.requester,
        "request": row.request,
        "epsilon_spent": f"{spent([as_trial(trial) for trial in trials]).normalize():f}",
        "asset_id": str(row.asset_id) if row.asset_id else None,
        "because": row.because,
        "trials": [
            {
                "number": trial.number,
                "run_id": str(trial.run_id),
                "state": trial.state,
                "generator": trial.plan["generator"],
                "parameters": trial.plan["parameters"],
                "epsilon": trial.epsilon,
                "charged": trial.charged,
                "shortfall": trial.shortfall,
            }
            for trial in trials
        ],
        "requested_at": row.requested_at.isoformat(),
        "changed_at": row.changed_at.isoformat(),
    }


async def request_search(works: Workshop, request: SearchRequest, *, by: str, attempt: Attempt) -> Reply:
    """Begin a search, having seen that each candidate could be planned.

    Raises:
        Invalid: a candidate that the engine, the source or the ε rules out.
    """
    if answer := await attempt.answered_before(works.database, by):
        return answer
    declaration = await _declaration(works, request)
    check_candidates(request, declaration)
    for number, candidate in enumerate(request.candidates):
        alone = request.model_copy(update={"candidates": [candidate]})
        if cheapest(alone, declaration) <= Decimal(request.epsilon):
            tried = propose(alone, declaration, [], number, Decimal(request.epsilon))
            await plans.offer_for(works, _plan(request, *tried))
    now = works.clock()
    async with works.database.transaction() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        row = await SearchStore(connection).add(by, request.model_dump(mode="json"), now)
        await enqueue(connection, SEARCH_JOB, row.id)
        await _journal(connection, row, [], now, "START", AuditEvent(by, "search.request", f"search:{row.id}"))
        reply = Reply(202, show(row, []), {"Location": f"/v1/searches/{row.id}", "Retry-After": "5"})
        return await attempt.keep(connection, by, reply)


async def cancel(works: Workshop, search_id: UUID, *, by: str) -> dict[str, Any]:
    """Ask for a search to end; the trial that is running is cancelled with it.

    Raises:
        Conflict: it has ended.
        Forbidden: it is somebody else's.
    """
    now = works.clock()
    async with works.database.transaction() as connection:
        store = SearchStore(connection)
        row = await store.search(search_id)
        check_own(row.requester, by, "This search")
        if row.state != "searching":
            raise Conflict(f"A search that is {row.state} cannot be cancelled.", code="not-cancellable")
        await store.save(search_id, now, cancel_requested=True)
        await journal.record(connection, now, AuditEvent(by, "search.cancel", f"search:{search_id}"))
        return show(await store.search(search_id), await store.trials(search_id))


async def carry(works: Workshop, search_id: UUID) -> None:
    """Carry a search as far as it goes.

    Raises:
        Later: a trial is under way.
        Unavailable: policy does not answer; take the search up again.
    """
    while True:
        row, trials = await _load(works, search_id)
        if row.state != "searching":
            return
        if await _follow(works, row, trials):
            continue
        request = SearchRequest.model_validate(row.request)
        declaration = await _declaration(works, request)
        known = [as_trial(trial) for trial in trials]
        move = next_move(
            known,
            epsilon=Decimal(request.epsilon),
            cheapest=cheapest(request, declaration),
            most_trials=request.most_trials,
            cancelled=row.cancel_requested,
        )
        logger.info("search", extra={"fields": {"search": str(search_id), "trials": len(trials), "move": move}})
        if move == "await":
            await _cancel_running(works, row, trials)
            raise Later(TRIAL_TAKES)
        if move != "try":
            await _end(works, row, trials, move)
            return
        await _try(works, row, request, declaration, trials, known)


async def _load(works: Workshop, search_id: UUID) -> tuple[Any, Sequence[Any]]:
    async with works.database.transaction() as connection:
        store = SearchStore(connection)
        return await store.search(search_id), await store.trials(search_id)


async def _declaration(works: Workshop, request: SearchRequest) -> SourceDeclaration:
    async with works.database.transaction() as connection:
        source = await Store(connection).source(request.source_id)
    return SourceDeclaration.model_validate(source.declaration)


async def _follow(works: Workshop, row: Any, trials: Sequence[Any]) -> bool:
    """Take over how running trials have ended; whether any has."""
    ended = [trial for trial in trials if trial.state == "running" and trial.run_state in TRIAL_STATES]
    for trial in ended:
        state = TRIAL_STATES[trial.run_state]
        shortfall = await _shortfall(works, trial.run_id) if state in {"released", "rejected"} else None
        async with works.database.transaction() as connection:
            await SearchStore(connection).save_trial(
                row.id, trial.number, state=state, charged=trial.redeemed, shortfall=shortfall
            )
    return bool(ended)


async def _shortfall(works: Workshop, run_id: UUID) -> str:
    """How far a table was from being accepted: the sum of what its rounded bounds lie beyond the criteria by.

    A search knows no more of real rows than who asked for it: a criterion missed by a withheld figure counts one.
    """
    release = await works.policy.release_of(run_id)
    missed = [one.shortfall for one in release.criteria if not one.met]
    missing = [NOT_ESTIMATED if one is None else Decimal(one) for one in missed]
    return f"{sum(missing, Decimal(0)):f}"


async def _cancel_running(works: Workshop, row: Any, trials: Sequence[Any]) -> None:
    if not row.cancel_requested:
        return
    for trial in trials:
        if trial.run_state in CANCELLABLE and not trial.cancel_requested:
            await plans.cancel(works, trial.run_id, by=row.requester)


def trial_key(search_id: UUID, number: int) -> str:
    """What a trial's run is found again by. It holds spaces, as no Idempotency-Key does: no caller plans it before."""
    return f"search {search_id} {number}"


async def _try(
    works: Workshop,
    row: Any,
    request: SearchRequest,
    declaration: SourceDeclaration,
    trials: Sequence[Any],
    known: Sequence[Trial],
) -> None:
    """Plan the next trial; a trial that was planned before a crash is found again by its key."""
    number = len(trials) + 1
    key = trial_key(row.id, number)
    run_id = plans.run_id_of(row.requester, key)
    async with works.database.transaction() as connection:
        found = await Store(connection).find_run(run_id)
    if found is None:
        past = [Past(one.plan["generator"], one.plan["parameters"], _decimal(one.shortfall)) for one in trials]
        tried = propose(request, declaration, past, number, Decimal(request.epsilon) - spent(known))
        try:
            await plans.request_run(works, _plan(request, *tried), by=row.requester, key=key, search=row.id)
        except Forbidden as refusal:
            logger.info("trial denied", extra={"fields": {"search": str(row.id), "code": refusal.problem_code}})
        except Invalid as error:
            await _end(works, row, trials, "failed", because=str(error.detail))
            return
    async with works.database.transaction() as connection:
        run = await Store(connection).run(run_id)
        await SearchStore(connection).add_trial(
            {
                "search_id": row.id,
                "number": number,
                "run_id": run_id,
                "state": "running",
                "epsilon": f"{cost_of(Mechanism.model_validate(run.offer['mechanism']), run.plan['parameters']):f}",
                "begun_at": works.clock(),
            }
        )


def _decimal(text: str | None) -> Decimal | None:
    return Decimal(text) if text is not None else None


def _plan(request: SearchRequest, generator: str, parameters: dict[str, Any]) -> Plan:
    asked = request.model_dump(exclude={"candidates", "epsilon", "most_trials"})
    return Plan.model_validate(asked | {"generator": generator, "parameters": parameters})


async def _end(works: Workshop, row: Any, trials: Sequence[Any], state: str, *, because: str | None = None) -> None:
    now = works.clock()
    asset_id = next((trial.run_id for trial in trials if trial.state == "released"), None)
    async with works.database.transaction() as connection:
        store = SearchStore(connection)
        await store.save(row.id, now, state=state, asset_id=asset_id, because=because)
        ended = await store.search(row.id)
        event = AuditEvent("generation", "search.end", f"search:{row.id}", state, {"trials": len(trials)})
        await _journal(connection, ended, trials, now, EVENTS.get(state, "FAIL"), event)


async def _journal(
    connection: Any, row: Any, trials: Sequence[Any], now: Any, event_type: str, event: AuditEvent
) -> None:
    """The search as an OpenLineage run of its own, parent of its trials' runs."""
    lineage = openlineage_event(
        at=now,
        event_type=event_type,
        run_id=str(row.id),
        job=f"generation.search/{row.request['charter_id']}/{row.request['source_id']}",
        inputs=[dataset("source", row.request["source_id"])],
        outputs=[dataset("asset", str(row.asset_id))] if row.asset_id else [],
        facets={"moneyer_search": show(row, trials)},
    )
    await journal.record(connection, now, event, lineage=[lineage])
