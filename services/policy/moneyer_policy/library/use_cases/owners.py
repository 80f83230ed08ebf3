"""Whose criteria, questionnaires and access policies are."""

from functools import partial
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.budgets.use_cases.owners import Makers, check_owner_among
from moneyer_policy.library.store import LibraryStore


async def _criterion(connection: AsyncConnection, subject: str) -> str:
    return str((await LibraryStore(connection).rejection(UUID(subject))).made_by)


async def _questionnaire(connection: AsyncConnection, subject: str) -> str:
    return str((await LibraryStore(connection).template(subject, 1)).made_by)


async def _access_policy(connection: AsyncConnection, subject: str) -> str:
    return str((await LibraryStore(connection).first_access_policy(subject)).made_by)


MAKERS: Makers = {
    "rejection-criterion": _criterion,
    "questionnaire": _questionnaire,
    "access-policy": _access_policy,
}
check_owner = partial(check_owner_among, MAKERS)
