"""Whose monitors and published shares are, and how they go over to somebody else when their owner leaves."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_evaluation.store import Store
from moneyer_evaluation.store.monitors import MonitorStore
from moneyer_evaluation.tables import journal
from moneyer_evaluation.use_cases.laboratory import Laboratory
from moneyer_shared.errors import NotFound
from moneyer_shared.journal import AuditEvent
from moneyer_shared.ownership import check_own, give, owner_of


async def _monitor(connection: AsyncConnection, monitor_id: UUID) -> str:
    return str((await MonitorStore(connection).monitor(monitor_id)).made_by)


async def _shares(connection: AsyncConnection, population_id: UUID) -> str:
    versions = await Store(connection).shares(population_id)
    if not versions:
        raise NotFound(f"Nobody declared shares of population {population_id}.")
    return str(versions[-1].made_by)


MAKERS: Mapping[str, Callable[[AsyncConnection, UUID], Awaitable[str]]] = {"monitor": _monitor, "shares": _shares}
"""Who made a thing first, by its kind."""


async def check_owner(connection: AsyncConnection, kind: str, subject: UUID, *others: str, by: str) -> None:
    """See that a thing is one's own, or that its owner lets one at it.

    Raises:
        NotFound: there is none.
        Forbidden: it is somebody else's.
    """
    owner = await owner_of(connection, kind, subject, await MAKERS[kind](connection, subject))
    check_own(owner, by, f"This {kind}", *others)


async def hand_over(lab: Laboratory, *, kind: str, subject: UUID, owner: str, by: str) -> dict[str, Any]:
    """Give a thing to another owner, whoever had it.

    Raises:
        NotFound: there is none.
    """
    now = lab.clock()
    async with lab.database.transaction() as connection:
        await MAKERS[kind](connection, subject)
        await give(connection, kind, subject, owner, by=by, at=now)
        await journal.record(connection, now, AuditEvent(by, "owner.give", f"{kind}:{subject}"))
    return {"kind": kind, "subject": str(subject), "owner": owner}
