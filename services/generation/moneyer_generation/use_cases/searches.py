"""Tuning under a budget: one governed search whose trials are planned, permitted, charged and judged like any run."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from moneyer_generation.dependencies import Flow
from moneyer_generation.documents.searches import Search
from moneyer_generation.planning.proposals import Past, cheapest, check_candidates, cost_of, propose
from moneyer_generation.rules.run import CANCELLABLE
from moneyer_generation.rules.search import TRIAL_STATES, SearchState, next_move, spent
from moneyer_generation.store.searches import KeptSearch
from moneyer_generation.use_cases import plans
from moneyer_generation.work import Work
from moneyer_shared.auth import Caller
from moneyer_shared.contracts.events import Action, SearchFacet, dataset, job_of_searches, run_event
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.contracts.people import Whose, subject_named
from moneyer_shared.contracts.policy import Parameter, Plan
from moneyer_shared.contracts.search import SearchRequest
from moneyer_shared.errors import Conflict, Forbidden, Invalid
from moneyer_shared.journal import AuditEvent
from moneyer_shared.ownership import check_own
from moneyer_shared.queue import Later
from moneyer_shared.work import Workflow

logger = logging.getLogger("moneyer.search")
TRIAL_TAKES = timedelta(seconds=1)
NOT_ESTIMATED = Decimal(1)
"""What a criterion counts for that nothing was estimated for."""
EVENTS = {"found": "COMPLETE", "cancelled": "ABORT"}


async def check_search(flow: Flow, asked: SearchRequest) -> None:
    """See that each candidate could be planned.

    Raises:
        Invalid: a candidate that the engine, the source or the ε rules out.
    """
    declaration = await _declaration(flow, asked)
    check_candidates(asked, declaration)
    for number, candidate in enumerate(asked.candidates):
        alone = asked.model_copy(update={"candidates": [candidate]})
        if cheapest(alone, declaration) <= Decimal(asked.epsilon):
            tried = propose(alone, declaration, [], number, Decimal(asked.epsilon))
            await plans.offer_for(flow, _plan(asked, *tried))


async def request_search(work: Work, asked: SearchRequest) -> Search:
    """Begin a search."""
    search = await work.searches.add(work.by, asked, work.now)
    await work.schedule("search", search.id)
    await _tell(work, search, "START", AuditEvent(work.by, Action.SEARCH_REQUEST, f"search:{search.id}"))
    return search


async def list_searches(
    work: Work, requested_by: Whose | None = None, state: SearchState | None = None, after: UUID | None = None
) -> Sequence[Search]:
    """A page of searches, the newest first."""
    return await work.searches.page(after, requester=subject_named(requested_by, work.by), state=state)


async def get_search(work: Work, search_id: UUID) -> Search:
    return (await work.searches.search(search_id)).shown


async def cancel_search(work: Work, search_id: UUID) -> Search:
    """Ask for a search to end; the trial that is running is cancelled with it.

    Raises:
        Conflict: it has ended.
        Forbidden: it is somebody else's.
    """
    search = (await work.searches.search(search_id)).shown
    check_own(search.requester, work.by, "This search")
    if search.state != "searching":
        raise Conflict(f"A search that is {search.state} cannot be cancelled.", code="not-cancellable")
    await work.searches.save(search_id, work.now, cancel_requested=True)
    await work.tell(AuditEvent(work.by, Action.SEARCH_CANCEL, f"search:{search_id}"))
    return (await work.searches.search(search_id)).shown


async def carry_search(flow: Flow, search_id: UUID) -> None:
    """Carry a search as far as it goes.

    Raises:
        Later: a trial is under way.
        Unavailable: policy does not answer; take the search up again.
    """
    while True:
        async with flow.begin(Work, read_only=True) as work:
            kept = await work.searches.search(search_id)
        if kept.shown.state != "searching":
            return
        if await _take_over(flow, kept):
            continue
        asked = kept.shown.request
        declaration = await _declaration(flow, asked)
        move = next_move(
            [one.trial for one in kept.trials],
            epsilon=Decimal(asked.epsilon),
            cheapest=cheapest(asked, declaration),
            most_trials=asked.most_trials,
            cancelled=kept.cancel_requested,
        )
        logger.info("search", extra={"fields": {"search": str(search_id), "trials": len(kept.trials), "move": move}})
        if move == "await":
            await _cancel_running(flow, kept)
            raise Later(TRIAL_TAKES)
        if move != "try":
            await _end(flow, kept, move)
            return
        await _try(flow, kept, declaration)


async def _declaration(flow: Flow, asked: SearchRequest) -> SourceDeclaration:
    async with flow.begin(Work, read_only=True) as work:
        return (await work.sources.source(asked.source_id)).declaration


async def _take_over(flow: Flow, kept: KeptSearch) -> bool:
    """Take over how running trials have ended; whether any has."""
    ended = [one for one in kept.trials if one.shown.state == "running" and one.run_state in TRIAL_STATES]
    for one in ended:
        state = TRIAL_STATES[one.run_state]
        shortfall = await _shortfall(flow, one.shown.run_id) if state in {"released", "rejected"} else None
        async with flow.begin(Work) as work:
            await work.searches.save_trial(
                kept.shown.id, one.shown.number, state=state, charged=one.redeemed, shortfall=shortfall
            )
    return bool(ended)


async def _shortfall(flow: Flow, run_id: UUID) -> str:
    """How far a table was from being accepted: the sum of what its rounded bounds lie beyond the criteria by.

    A search knows no more of real rows than who asked for it: a criterion missed by a withheld figure counts one.
    """
    release = await flow.dependencies.policy.release_of(run_id)
    missed = [one.shortfall for one in release.criteria if not one.met]
    missing = [NOT_ESTIMATED if one is None else Decimal(one) for one in missed]
    return f"{sum(missing, Decimal(0)):f}"


async def _cancel_running(flow: Flow, kept: KeptSearch) -> None:
    if not kept.cancel_requested:
        return
    for one in kept.trials:
        if one.run_state in CANCELLABLE and not one.cancel_requested:
            async with _as_requester(flow, kept).begin(Work) as work:
                await plans.cancel_generation(work, one.shown.run_id)


def _as_requester(flow: Flow, kept: KeptSearch) -> Flow:
    """A search's trials are its requester's runs."""
    requester = kept.shown.requester
    return Workflow(flow.dependencies, Caller(requester, requester, frozenset()))


def trial_key(search_id: UUID, number: int) -> str:
    """What a trial's run is found again by. It holds spaces, as no Idempotency-Key does: no caller plans it before."""
    return f"search {search_id} {number}"


async def _try(flow: Flow, kept: KeptSearch, declaration: SourceDeclaration) -> None:
    """Plan the next trial; a trial that was planned before a crash is found again by its key."""
    search, asked = kept.shown, kept.shown.request
    number = len(kept.trials) + 1
    key = trial_key(search.id, number)
    run_id = plans.run_id_of(search.requester, key)
    async with flow.begin(Work, read_only=True) as work:
        found = await work.runs.find(run_id)
    if found is None:
        past = [Past(one.generator, one.parameters, _decimal(one.shortfall)) for one in search.trials]
        remaining = Decimal(asked.epsilon) - spent([one.trial for one in kept.trials])
        plan = _plan(asked, *propose(asked, declaration, past, number, remaining))
        try:
            await plans.request_generation(_as_requester(flow, kept), plan, key, search=search.id)
        except Forbidden as refusal:
            logger.info("trial denied", extra={"fields": {"search": str(search.id), "code": refusal.problem_code}})
        except Invalid as error:
            await _end(flow, kept, "failed", because=str(error.detail))
            return
    async with flow.begin(Work) as work:
        run = await work.runs.run(run_id)
        epsilon = cost_of(run.offer.mechanism, run.plan.parameters)
        await work.searches.add_trial(search.id, number, run_id=run_id, epsilon=epsilon, at=work.now)


def _decimal(text: str | None) -> Decimal | None:
    return Decimal(text) if text is not None else None


def _plan(asked: SearchRequest, generator: str, parameters: dict[str, Parameter]) -> Plan:
    shared = asked.model_dump(exclude={"candidates", "epsilon", "most_trials"})
    return Plan.model_validate(shared | {"generator": generator, "parameters": parameters})


async def _end(flow: Flow, kept: KeptSearch, state: SearchState, *, because: str | None = None) -> None:
    search = kept.shown
    asset_id = next((trial.run_id for trial in search.trials if trial.state == "released"), None)
    async with flow.begin(Work) as work:
        await work.searches.save(search.id, work.now, state=state, asset_id=asset_id, because=because)
        ended = (await work.searches.search(search.id)).shown
        event = AuditEvent(work.by, Action.SEARCH_END, f"search:{search.id}", state, {"trials": len(search.trials)})
        await _tell(work, ended, EVENTS.get(state, "FAIL"), event)


async def _tell(work: Work, search: Search, event_type: str, event: AuditEvent) -> None:
    """The search as an OpenLineage run of its own, parent of its trials' runs."""
    asked = search.request
    lineage = run_event(
        at=work.now,
        event_type=event_type,
        run_id=str(search.id),
        job=job_of_searches(asked.charter_id, asked.source_id),
        inputs=[dataset("source", str(asked.source_id))],
        outputs=[dataset("asset", str(search.asset_id))] if search.asset_id else [],
        facets=[SearchFacet.model_validate(search.model_dump(mode="json"))],
    )
    await work.tell(event, lineage=[lineage])
