"""Whose a source is, and how it goes over to somebody else when its owner leaves."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal
from uuid import UUID

from moneyer_generation.work import Work
from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.owners import NewOwner, Ownership
from moneyer_shared.idempotency import is_used
from moneyer_shared.journal import AuditEvent
from moneyer_shared.ownership import check_own, give, owner_of

OwnedKind = Literal["source", "connection"]
SOURCE: OwnedKind = "source"
CONNECTION: OwnedKind = "connection"


async def check_own_source(work: Work, source_id: UUID) -> str:
    """See that a source is the caller's own, and say who owns it: who declared it, or whom it was given to.

    Raises:
        NotFound: there is none.
        Forbidden: it is somebody else's.
    """
    owner = await source_owner(work, source_id)
    check_own(owner, work.by, "This source")
    return owner


async def check_may_upload(work: Work, source_id: UUID, key: str | None) -> None:
    """See that a source is the caller's own, unless this repeats an upload that was let in when it was.

    Raises:
        NotFound: there is none.
        Forbidden: it is somebody else's.
    """
    if not await is_used(work.connection, work.by, key):
        await check_own_source(work, source_id)


async def hand_over(work: Work, kind: OwnedKind, subject: UUID, asked: NewOwner) -> Ownership:
    """Give a source or a connection to another owner. Keys of former uploads keep theirs: neither approves uses.

    Raises:
        NotFound: there is none.
    """
    await _owner_of[kind](work, subject)
    await give(work.connection, kind, subject, asked.owner, by=work.by, at=work.now)
    await work.tell(AuditEvent(work.by, Action.OWNER_GIVE, f"{kind}:{subject}"))
    return Ownership(kind=kind, subject=str(subject), owner=asked.owner)


async def source_owner(work: Work, source_id: UUID) -> str:
    """Who owns a source.

    Raises:
        NotFound: there is none.
    """
    registered_by = (await work.sources.source(source_id)).registered_by
    return await owner_of(work.connection, SOURCE, source_id, registered_by)


async def connection_owner(work: Work, connection_id: UUID, registered_by: str) -> str:
    """Who owns a connection that somebody registered."""
    return await owner_of(work.connection, CONNECTION, connection_id, registered_by)


async def _connection(work: Work, connection_id: UUID) -> str:
    return (await work.connections.connection(connection_id)).registered_by


_owner_of: Mapping[OwnedKind, Callable[[Work, UUID], Awaitable[str]]] = {
    "source": source_owner,
    "connection": _connection,
}
