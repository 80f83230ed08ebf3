"""Copies of released tables that deliveries put outside custody: noted before they can exist, told of at the end."""

from collections.abc import Sequence
from uuid import UUID

from moneyer_policy.assets.documents.assets import Copy
from moneyer_policy.assets.store.copies import CopyStore
from moneyer_policy.assets.use_cases.grants import check_may_read
from moneyer_policy.deadlines import CalendarStore
from moneyer_policy.work import Snapshot, Work
from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.policy import UnlockRequest
from moneyer_shared.journal import AuditEvent

OUTSIDE = "Copies that you had delivered lie outside custody and are yours to remove: deliveries {named}."


async def check_reader(work: Snapshot, asset_id: UUID, asked: UnlockRequest) -> None:
    """See that somebody may read an asset now; nothing is opened, and nothing logged as a reading.

    Raises:
        NotFound: the asset has not been decided on.
        Forbidden: it was rejected or stopped, or the subject holds no valid grant for a use not prohibited now.
        Gone: its key was destroyed.
    """
    await check_may_read(work, asset_id, asked.subject, None)


async def list_copies(work: Work, asset_id: UUID) -> Sequence[Copy]:
    """What of an asset was opened for deliveries, the oldest first."""
    return await CopyStore(work.connection).all(asset_id)


async def void_copy(work: Work, asset_id: UUID, delivery_id: UUID) -> None:
    """Note that a delivery left nothing outside; said again, or of what was never opened, it changes nothing."""
    if await CopyStore(work.connection).void(asset_id, delivery_id, work.now):
        details = {"delivery": str(delivery_id)}
        await work.tell(AuditEvent(work.by, Action.COPY_VOID, f"asset:{asset_id}", details=details))


async def tell_owners(work: Work, asset_id: UUID, kind: str, said: str) -> None:
    """Tell whoever had copies delivered what became of the asset, and that no key opens or closes those."""
    outside = await CopyStore(work.connection).outside(asset_id)
    for subject in sorted({one.subject for one in outside}):
        named = ", ".join(str(one.delivery_id) for one in outside if one.subject == subject)
        message = f"{said} {OUTSIDE.format(named=named)}"
        await CalendarStore(work.connection).notify(subject, kind, f"asset:{asset_id}", message, work.now)
