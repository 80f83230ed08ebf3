"""What is suspended, as the vote that lifts it is to name it."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.charters.documents import StandingSuspension
from moneyer_policy.charters.store import CharterStore
from moneyer_shared.errors import Conflict


async def named(connection: AsyncConnection, kind: str, subject: UUID) -> list[dict[str, str | None]]:
    """The suspensions that stand now, as the document of a resumption names them: it lifts these and no others.

    Raises:
        Conflict: it is not suspended.
    """
    found = await CharterStore(connection).suspensions_of(kind, subject)
    if not found:
        raise Conflict(f"The {kind} is not suspended.", code="not-suspended")
    return [StandingSuspension.model_validate(one).model_dump(mode="json") for one in found]
