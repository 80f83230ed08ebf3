"""Sources and populations suspended, with everything that was or would be made from them, and started again."""

from typing import Literal
from uuid import UUID

from moneyer_policy.assets.documents.assets import Suspension
from moneyer_policy.assets.store.assets import AssetStore
from moneyer_policy.budgets.store.budgets import BudgetStore
from moneyer_policy.charters.store import CharterStore
from moneyer_policy.charters.use_cases.suspensions import named as suspensions_named
from moneyer_policy.reviews.documents import Reason, ReviewOpened
from moneyer_policy.reviews.use_cases import reviews
from moneyer_policy.work import ChangingRules, Work
from moneyer_shared.contracts.actions import Action
from moneyer_shared.errors import NotFound
from moneyer_shared.journal import AuditEvent

Kind = Literal["source", "population"]


async def list_suspensions(work: Work) -> list[Suspension]:
    """Everything that is suspended now, the longest first."""
    return await AssetStore(work.connection).suspensions()


async def suspend_source(work: ChangingRules, source_id: UUID, asked: Reason) -> None:
    """Stop a source at once: one person may.

    Raises:
        NotFound: policy holds no key of such a source.
    """
    if not await AssetStore(work.connection).is_known(source_id):
        raise NotFound(f"There is no key of a source {source_id}: nothing was uploaded to it.")
    await _suspend(work, "source", source_id, asked.reason)


async def suspend_population(work: ChangingRules, population_id: UUID, asked: Reason) -> None:
    """Stop everything about a population at once: one person may.

    Raises:
        NotFound: there is no such population.
    """
    await BudgetStore(work.connection).population(population_id)
    await _suspend(work, "population", population_id, asked.reason)


async def _suspend(work: Work, kind: Kind, subject: UUID, reason: str) -> None:
    await CharterStore(work.connection).suspend(kind, subject, reason=reason, by=work.by, at=work.now)
    await work.tell(AuditEvent(work.by, Action(f"{kind}.suspend"), f"{kind}:{subject}", shown={"reason": reason}))


async def resume_source(work: ChangingRules, source_id: UUID, asked: Reason) -> ReviewOpened:
    """Ask for a source to be learnt from again: that takes a vote, and not of who registered it.

    Raises:
        Conflict: it is not suspended.
    """
    return await _resume(work, "source", source_id, asked.reason)


async def resume_population(work: ChangingRules, population_id: UUID, asked: Reason) -> ReviewOpened:
    """Ask for a population to be learnt from again: that takes a vote, and not of who registered its sources.

    Raises:
        Conflict: it is not suspended.
    """
    return await _resume(work, "population", population_id, asked.reason)


async def _resume(work: Work, kind: Kind, subject: UUID, reason: str) -> ReviewOpened:
    named = await suspensions_named(work.connection, kind, subject)
    document = {"kind": kind, "subject": str(subject), "reason": reason, "suspensions": named}
    return await reviews.put_up(work, reviews.Matter("resumption", f"{kind}:{subject}", document))
