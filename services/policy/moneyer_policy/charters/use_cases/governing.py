"""Who decides on a matter, and who must not: said by the versions in force and by the house, never by a draft (I11)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.charters.rules.charter import Charter, read_charter
from moneyer_policy.charters.store import CharterStore
from moneyer_policy.reviews.rules.judges import Judges
from moneyer_policy.reviews.rules.quorum import Kind, Quorum, merged, required
from moneyer_policy.reviews.store.committee import CommitteeStore
from moneyer_policy.reviews.use_cases.office import InterestsIn


async def find_governing(connection: AsyncConnection, charter_id: UUID, now: datetime) -> Charter | None:
    """The version that came into force last; None while none ever was."""
    row = await CharterStore(connection).find_governing(charter_id, now)
    return read_charter(row.document, row.digest) if row is not None else None


async def governing(connection: AsyncConnection, charter_id: UUID, now: datetime) -> Charter:
    """The version that came into force last.

    Raises:
        NotFound: there is no such charter.
        Conflict: none of its versions ever was in force.
    """
    row = await CharterStore(connection).governing(charter_id, now)
    return read_charter(row.document, row.digest)


async def judges_of(
    interests_in: InterestsIn,
    connection: AsyncConnection,
    kind: Kind,
    subject: str,
    document: Mapping[str, Any],
    charter_id: UUID | None,
    now: datetime,
    *,
    asked: Quorum | None = None,
) -> Judges:
    """What the house and the charters in force make of a matter; ``asked`` is what a proposal adds of its own."""
    concerned = _concerned(kind, document, charter_id)
    found = [await find_governing(connection, one, now) for one in concerned]
    charters = [charter for charter in found if charter is not None]
    quorums = [charter.quorum_for(kind, subject) for charter in charters]
    interests = await interests_in(connection, subject, document, concerned, now)
    return Judges(
        quorum=required(kind, await _rule(connection, kind, subject), *quorums, asked),
        barred=interests.barred,
        named=interests.named,
        escalation=tuple(step for charter in charters for step in charter.escalation),
    )


def _concerned(kind: Kind, document: Mapping[str, Any], charter_id: UUID | None) -> tuple[UUID, ...]:
    if kind == "transfer":
        return UUID(document["from"]), UUID(document["to"])
    return (charter_id,) if charter_id is not None else ()


async def _rule(connection: AsyncConnection, kind: Kind, subject: str) -> Quorum | None:
    """The house's rule of a kind; to start a charter again takes what bringing one into force does too."""
    store = CommitteeStore(connection)
    again = kind == "resumption" and subject.startswith("charter:")
    rules = [await store.quorum(one) for one in ((kind, "charter") if again else (kind,))]
    said = [rule for rule in rules if rule is not None]
    return merged(*said) if said else None
