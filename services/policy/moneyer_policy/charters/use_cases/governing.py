"""Who decides on a matter, and who must not: said by the versions in force and by the house, never by a draft (I11)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.charters.rules.charter import Charter
from moneyer_policy.charters.store import CharterStore
from moneyer_policy.reviews.rules.judges import Judges
from moneyer_policy.reviews.rules.quorum import merged, required
from moneyer_policy.reviews.store.committee import CommitteeStore
from moneyer_policy.reviews.use_cases.reviews import Matter
from moneyer_policy.work import Work


async def find_governing(connection: AsyncConnection, charter_id: UUID, now: datetime) -> Charter | None:
    """The version that came into force last; None while none ever was."""
    row = await CharterStore(connection).find_governing(charter_id, now)
    return row.read() if row is not None else None


async def governing(connection: AsyncConnection, charter_id: UUID, now: datetime) -> Charter:
    """The version that came into force last.

    Raises:
        NotFound: there is no such charter.
        Conflict: none of its versions ever was in force.
    """
    return (await CharterStore(connection).governing(charter_id, now)).read()


async def judges_of(work: Work, matter: Matter) -> Judges:
    """What the house and the charters in force make of a matter, and what its quorum asks besides."""
    connection, now, kind = work.connection, work.now, work.dependencies.kinds[matter.kind]
    concerned = kind.charters(matter)
    found = [await find_governing(connection, one, now) for one in concerned]
    charters = [charter for charter in found if charter is not None]
    quorums = [charter.quorum_for(matter.kind, matter.subject) for charter in charters]
    interests = await work.dependencies.interests(connection, matter.subject, matter.document, concerned, now)
    store = CommitteeStore(connection)
    rules = [await store.quorum(name) for name in (kind.name, *kind.also(matter))]
    said = [rule for rule in rules if rule is not None]
    return Judges(
        quorum=required(kind.floor, merged(*said) if said else None, *quorums, matter.quorum),
        barred=interests.barred,
        named=interests.named,
        escalation=tuple(step for charter in charters for step in charter.escalation),
    )
