"""Monitors and published shares that go over to somebody else when their owner leaves."""

from uuid import UUID

from moneyer_evaluation.documents import Owned
from moneyer_evaluation.work import Work
from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.owners import NewOwner, Ownership
from moneyer_shared.journal import AuditEvent
from moneyer_shared.ownership import give


async def hand_over(work: Work, kind: Owned, subject: UUID, asked: NewOwner) -> Ownership:
    """Give a thing to another owner, whoever had it.

    Raises:
        NotFound: there is none.
    """
    await work.maker_of(kind, subject)
    await give(work.connection, kind, subject, asked.owner, by=work.by, at=work.now)
    await work.tell(AuditEvent(work.by, Action.OWNER_GIVE, f"{kind}:{subject}"))
    return Ownership(kind=kind, subject=str(subject), owner=asked.owner)
