"""Whose the things of a wing are: each wing says who made its own; here, populations."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.budgets.store.budgets import BudgetStore
from moneyer_policy.work import Work
from moneyer_shared.ownership import check_own, owner_of

Makers = Mapping[str, Callable[[AsyncConnection, str], Awaitable[str]]]
"""Who made a thing, by its kind."""


async def owner_among(makers: Makers, connection: AsyncConnection, kind: str, subject: object) -> str:
    """Whose a thing is.

    Raises:
        NotFound: there is none.
    """
    return await owner_of(connection, kind, subject, await makers[kind](connection, str(subject)))


async def check_owner_among(makers: Makers, work: Work, kind: str, subject: object, *others: str) -> None:
    """See that a thing is one's own, or that its owner lets one at it.

    Raises:
        NotFound: there is none.
        Forbidden: it is somebody else's.
    """
    check_own(await owner_among(makers, work.connection, kind, subject), work.by, f"This {kind}", *others)


async def _population(connection: AsyncConnection, subject: str) -> str:
    return (await BudgetStore(connection).population(UUID(subject))).created_by


MAKERS: Makers = {"population": _population}
check_owner = partial(check_owner_among, MAKERS)
