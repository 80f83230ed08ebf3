"""Whose the things of the house are, and how they go over to somebody else when their owner leaves."""

from functools import partial
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.budgets.use_cases import owners as budgets
from moneyer_policy.budgets.use_cases.owners import Makers, check_owner_among, owner_among
from moneyer_policy.incidents.store import IncidentStore
from moneyer_policy.library.use_cases import owners as library
from moneyer_policy.work import Work
from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.documents import Name
from moneyer_shared.contracts.owners import NewOwner, Ownership
from moneyer_shared.errors import NotFound
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import Word
from moneyer_shared.ownership import give

Owned = Literal["incident", "rejection-criterion", "questionnaire", "access-policy", "population"]


async def _incident(connection: AsyncConnection, subject: str) -> str:
    return (await IncidentStore(connection).incident(UUID(subject))).opened_by


MAKERS: Makers = {"incident": _incident, **library.MAKERS, **budgets.MAKERS}
"""Of all wings; a charter's owner stands in the charter, and is voted on with it."""
BY_NAME = frozenset({"questionnaire", "access-policy"})
owner_now = partial(owner_among, MAKERS)
check_owner = partial(check_owner_among, MAKERS)


async def hand_over(work: Work, kind: Owned, subject: Name, said: NewOwner) -> Ownership:
    """Give a thing to another owner, whoever had it.

    Raises:
        NotFound: there is none.
    """
    named = _named(kind, subject)
    await owner_now(work.connection, kind, named)
    await give(work.connection, kind, named, said.owner, by=work.by, at=work.now)
    await work.tell(AuditEvent(work.by, Action.OWNER_GIVE, Word(f"{kind}:{named}")))
    return Ownership(kind=kind, subject=named, owner=said.owner)


def _named(kind: Owned, subject: str) -> str:
    """A subject as it is written everywhere."""
    try:
        return subject if kind in BY_NAME else str(UUID(subject))
    except ValueError as error:
        raise NotFound(f"There is no {kind} {subject}.") from error
