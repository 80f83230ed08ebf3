"""Published shares of populations, in versions."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_evaluation.documents import SharesRequest
from moneyer_evaluation.tables import reference_shares
from moneyer_shared.contracts.evaluation import ReferenceShares
from moneyer_shared.errors import NotFound


class SharesStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, population_id: UUID, asked: SharesRequest, *, by: str, at: datetime) -> ReferenceShares:
        """A new version of a population's published shares; others wait until this transaction ends."""
        await self._connection.execute(
            select(func.pg_advisory_xact_lock(func.hashtextextended(f"shares:{population_id}", 0)))
        )
        latest = select(func.coalesce(func.max(reference_shares.c.version), 0) + 1).where(
            reference_shares.c.population_id == population_id
        )
        made = insert(reference_shares).values(
            population_id=population_id,
            version=latest.scalar_subquery(),
            source=asked.source,
            as_of=asked.as_of,
            shares=asked.shares,
            made_by=by,
            made_at=at,
        )
        return ReferenceShares.model_validate((await self._connection.execute(made.returning(reference_shares))).one())

    async def versions(self, population_id: UUID) -> list[ReferenceShares]:
        """All versions, the newest first."""
        query = select(reference_shares).where(reference_shares.c.population_id == population_id)
        rows = (await self._connection.execute(query.order_by(reference_shares.c.version.desc()))).all()
        return [ReferenceShares.model_validate(row) for row in rows]

    async def newest(self, population_id: UUID) -> ReferenceShares | None:
        """The newest version; None where nobody declared any."""
        query = select(reference_shares).where(reference_shares.c.population_id == population_id)
        found = await self._connection.execute(query.order_by(reference_shares.c.version.desc()).limit(1))
        row = found.one_or_none()
        return ReferenceShares.model_validate(row) if row is not None else None

    async def first_declarer(self, population_id: UUID) -> str:
        """Who declared a population's first version.

        Raises:
            NotFound: nobody declared any.
        """
        query = select(reference_shares.c.made_by).where(reference_shares.c.population_id == population_id)
        found = (await self._connection.execute(query.order_by(reference_shares.c.version).limit(1))).one_or_none()
        if found is None:
            raise NotFound(f"Nobody declared shares of population {population_id}.")
        return str(found.made_by)
