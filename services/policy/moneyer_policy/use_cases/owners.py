"""Whose the things of the house are, and how they go over to somebody else when their owner leaves."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.store.budgets import BudgetStore
from moneyer_policy.store.incidents import IncidentStore
from moneyer_policy.store.rulebook import RulebookStore
from moneyer_policy.tables import journal
from moneyer_policy.use_cases.office import Office
from moneyer_shared.errors import NotFound
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import Word
from moneyer_shared.ownership import check_own, give, owner_of


async def _incident(connection: AsyncConnection, subject: str) -> str:
    return str((await IncidentStore(connection).incident(UUID(subject))).opened_by)


async def _criterion(connection: AsyncConnection, subject: str) -> str:
    return str((await RulebookStore(connection).rejection(UUID(subject))).made_by)


async def _questionnaire(connection: AsyncConnection, subject: str) -> str:
    return str((await RulebookStore(connection).template(subject, 1)).made_by)


async def _access_policy(connection: AsyncConnection, subject: str) -> str:
    return str((await RulebookStore(connection).first_access_policy(subject)).made_by)


async def _population(connection: AsyncConnection, subject: str) -> str:
    return str((await BudgetStore(connection).population(UUID(subject))).created_by)


MAKERS: Mapping[str, Callable[[AsyncConnection, str], Awaitable[str]]] = {
    "incident": _incident,
    "rejection-criterion": _criterion,
    "questionnaire": _questionnaire,
    "access-policy": _access_policy,
    "population": _population,
}
"""Who made a thing, by its kind; a charter's owner stands in the charter, and is voted on with it."""
BY_NAME = frozenset({"questionnaire", "access-policy"})


async def owner_now(connection: AsyncConnection, kind: str, subject: object) -> str:
    """Whose a thing is.

    Raises:
        NotFound: there is none.
    """
    return await owner_of(connection, kind, subject, await MAKERS[kind](connection, str(subject)))


async def check_owner(connection: AsyncConnection, kind: str, subject: object, *others: str, by: str) -> None:
    """See that a thing is one's own, or that its owner lets one at it.

    Raises:
        NotFound: there is none.
        Forbidden: it is somebody else's.
    """
    check_own(await owner_now(connection, kind, subject), by, f"This {kind}", *others)


async def hand_over(office: Office, *, kind: str, subject: str, owner: str, by: str) -> dict[str, Any]:
    """Give a thing to another owner, whoever had it.

    Raises:
        NotFound: there is none.
    """
    named, now = _named(kind, subject), office.clock()
    async with office.database.transaction() as connection:
        await owner_now(connection, kind, named)
        await give(connection, kind, named, owner, by=by, at=now)
        await journal.record(connection, now, AuditEvent(by, "owner.give", Word(f"{kind}:{named}")))
    return {"kind": kind, "subject": named, "owner": owner}


def _named(kind: str, subject: str) -> str:
    """A subject as it is written everywhere."""
    try:
        return subject if kind in BY_NAME else str(UUID(subject))
    except ValueError as error:
        raise NotFound(f"There is no {kind} {subject}.") from error
