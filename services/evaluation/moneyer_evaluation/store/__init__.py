"""Evaluation's only SQL: rows in, rows out; nothing here commits."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_evaluation.tables import assays, guarantee_audits, reference_shares
from moneyer_shared.errors import Conflict, NotFound
from moneyer_shared.paging import page


class Store:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, asset_id: UUID, request: Mapping[str, Any], at: datetime, *, purpose: str = "release") -> UUID:
        """A new assay.

        Raises:
            Conflict: the asset has one for its release.
        """
        if purpose == "release" and await self._find_release(asset_id) is not None:
            raise Conflict("This asset has an assay.", code="already-assayed")
        values = {"asset_id": asset_id, "request": request, "state": "queued", "requested_at": at, "purpose": purpose}
        made = insert(assays).values(suite=request.get("suite"), **values)
        made_id: UUID = (await self._connection.execute(made.returning(assays.c.id))).scalar_one()
        return made_id

    async def assay(self, assay_id: UUID) -> Row[Any]:
        found = (await self._connection.execute(select(assays).where(assays.c.id == assay_id))).one_or_none()
        if found is None:
            raise NotFound(f"There is no assay {assay_id}.")
        return found

    async def release_assay(self, asset_id: UUID) -> Row[Any]:
        """The assay an asset was released or rejected by.

        Raises:
            NotFound: it has none.
        """
        found = await self._find_release(asset_id)
        if found is None:
            raise NotFound(f"Asset {asset_id} has no assay.")
        return found

    async def _find_release(self, asset_id: UUID) -> Row[Any] | None:
        query = select(assays).where(assays.c.asset_id == asset_id, assays.c.purpose == "release")
        return (await self._connection.execute(query)).one_or_none()

    async def judged(self, after: UUID | None) -> Sequence[Row[Any]]:
        """Assays that a release or a vote on one came of, a page at a time; policy knows which assets are out now."""
        query = select(assays).where(
            assays.c.purpose == "release", assays.c.release["verdict"].astext.in_(["released", "review"])
        )
        return await page(self._connection, query, assays.c.id, after=after)

    async def assays(self, asset_id: UUID | None, after: UUID | None) -> Sequence[Row[Any]]:
        query = select(assays)
        if asset_id is not None:
            query = query.where(assays.c.asset_id == asset_id)
        return await page(self._connection, query, assays.c.id, after=after)

    async def save(self, assay_id: UUID, before: str, **values: Any) -> Row[Any]:
        """Move an assay on, unless another worker did.

        Raises:
            Conflict: it is no longer in the state it was read in.
        """
        moved = update(assays).where(assays.c.id == assay_id, assays.c.state == before).values(**values)
        found: Row[Any] | None = (await self._connection.execute(moved.returning(assays))).one_or_none()
        if found is None:
            raise Conflict("Another worker moved this assay on.", code="moved-on")
        return found

    async def add_shares(self, population_id: UUID, values: Mapping[str, Any]) -> Row[Any]:
        """A new version of a population's published shares."""
        await self._connection.execute(
            select(func.pg_advisory_xact_lock(func.hashtextextended(f"shares:{population_id}", 0)))
        )
        latest = select(func.coalesce(func.max(reference_shares.c.version), 0) + 1).where(
            reference_shares.c.population_id == population_id
        )
        made = insert(reference_shares).values(population_id=population_id, version=latest.scalar_subquery(), **values)
        row: Row[Any] = (await self._connection.execute(made.returning(reference_shares))).one()
        return row

    async def shares(self, population_id: UUID) -> Sequence[Row[Any]]:
        """All versions, the newest first."""
        query = select(reference_shares).where(reference_shares.c.population_id == population_id)
        return (await self._connection.execute(query.order_by(reference_shares.c.version.desc()))).all()

    async def add_audit(self, values: Mapping[str, Any]) -> Row[Any]:
        made = insert(guarantee_audits).values(**values)
        row: Row[Any] = (await self._connection.execute(made.returning(guarantee_audits))).one()
        return row

    async def audits(self, generator: str | None, after: UUID | None) -> Sequence[Row[Any]]:
        query = select(guarantee_audits)
        if generator is not None:
            query = query.where(guarantee_audits.c.generator == generator)
        return await page(self._connection, query, guarantee_audits.c.at, guarantee_audits.c.id, after=after)
