"""Sources and populations stopped, with everything that was or would be made from them, and started again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.assets.store.assets import AssetStore
from moneyer_policy.assets.use_cases.office import Office
from moneyer_policy.budgets.store import BudgetStore
from moneyer_policy.charters.store import CharterStore
from moneyer_policy.charters.use_cases.suspensions import named as suspensions_named
from moneyer_policy.metadata import journal
from moneyer_policy.reviews.use_cases import reviews
from moneyer_policy.work import work_of
from moneyer_shared.errors import NotFound
from moneyer_shared.idempotency import Attempt, Reply
from moneyer_shared.journal import AuditEvent

Kind = Literal["source", "population"]


async def suspend(office: Office, *, kind: Kind, subject: UUID, reason: str, by: str) -> None:
    """Stop a source or a population at once: one person may.

    Raises:
        NotFound: policy holds no key of such a source, or knows no such population.
    """
    now = office.clock()
    async with office.changing() as connection:
        await _check_known(connection, kind, subject)
        await CharterStore(connection).suspend(kind, subject, reason=reason, by=by, at=now)
        await _record(connection, now, by, kind, subject, reason)


async def _check_known(connection: AsyncConnection, kind: Kind, subject: UUID) -> None:
    if kind == "population":
        await BudgetStore(connection).population(subject)
    elif not await AssetStore(connection).is_known(subject):
        raise NotFound(f"There is no key of a source {subject}: nothing was uploaded to it.")


async def _record(connection: AsyncConnection, at: datetime, by: str, kind: Kind, subject: UUID, reason: str) -> None:
    event = AuditEvent(by, f"{kind}.suspend", f"{kind}:{subject}", shown={"reason": reason})
    await journal.record(connection, at, event)


async def resume(office: Office, *, kind: Kind, subject: UUID, reason: str, by: str, attempt: Attempt) -> Reply:
    """Ask for a source or a population to be started again: that takes a vote, and not of who registered it.

    Raises:
        Conflict: it is not suspended.
    """
    now = office.clock()
    async with office.changing() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        named = await suspensions_named(connection, kind, subject)
        matter = reviews.Matter(
            kind="resumption",
            subject=f"{kind}:{subject}",
            document={"kind": kind, "subject": str(subject), "reason": reason, "suspensions": named},
        )
        return await attempt.keep(
            connection, by, await reviews.put_up_old(work_of(office, connection, by, now), matter)
        )


async def suspensions(office: Office) -> Sequence[Any]:
    """Everything that is suspended now, the longest first."""
    async with office.database.transaction() as connection:
        return await CharterStore(connection).suspended("charter", "asset", "source", "population")
