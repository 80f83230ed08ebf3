"""Whose the things of the house are, and how they go over to somebody else when their owner leaves."""

from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.assets.use_cases.office import Office
from moneyer_policy.budgets.use_cases import owners as budgets
from moneyer_policy.budgets.use_cases.owners import Makers, check_owner_among, owner_among
from moneyer_policy.incidents.store import IncidentStore
from moneyer_policy.library.use_cases import owners as library
from moneyer_policy.metadata import journal
from moneyer_shared.errors import NotFound
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import Word
from moneyer_shared.ownership import give


async def _incident(connection: AsyncConnection, subject: str) -> str:
    return str((await IncidentStore(connection).incident(UUID(subject))).opened_by)


MAKERS: Makers = {"incident": _incident, **library.MAKERS, **budgets.MAKERS}
"""Of all wings; a charter's owner stands in the charter, and is voted on with it."""
BY_NAME = frozenset({"questionnaire", "access-policy"})
owner_now = partial(owner_among, MAKERS)
check_owner = partial(check_owner_among, MAKERS)


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
