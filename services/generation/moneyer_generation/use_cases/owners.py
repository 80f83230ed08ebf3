"""Whose a source is, and how it goes over to somebody else when its owner leaves."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_generation.dependencies import Workshop
from moneyer_generation.store import Store
from moneyer_generation.tables import journal
from moneyer_shared.idempotency import is_used
from moneyer_shared.journal import AuditEvent
from moneyer_shared.ownership import check_own, give, owner_of

KIND = "source"


async def source_owner(connection: AsyncConnection, source_id: UUID) -> str:
    """Who owns a source: who declared it, or whom it was given to.

    Raises:
        NotFound: there is none.
    """
    return await owner_of(connection, KIND, source_id, (await Store(connection).source(source_id)).registered_by)


async def check_may_upload(works: Workshop, source_id: UUID, *, by: str, key: str | None) -> None:
    """See that a source is one's own, unless this repeats what was let in when it was.

    Raises:
        NotFound: there is none.
        Forbidden: it is somebody else's.
    """
    async with works.database.transaction() as connection:
        if await is_used(connection, by, key):
            return
        check_own(await source_owner(connection, source_id), by, "This source")


async def hand_over(works: Workshop, source_id: UUID, *, owner: str, by: str) -> dict[str, Any]:
    """Give a source to another owner. Keys of former uploads keep theirs: neither approves what uses it.

    Raises:
        NotFound: there is none.
    """
    now = works.clock()
    async with works.database.transaction() as connection:
        await source_owner(connection, source_id)
        await give(connection, KIND, source_id, owner, by=by, at=now)
        await journal.record(connection, now, AuditEvent(by, "owner.give", f"source:{source_id}"))
    return {"kind": KIND, "subject": str(source_id), "owner": owner}
