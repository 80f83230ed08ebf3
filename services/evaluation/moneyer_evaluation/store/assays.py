"""Assays: one of each asset for its release, and as many afterwards as were asked for."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_evaluation.documents import KeptAssay
from moneyer_evaluation.rules import State
from moneyer_evaluation.tables import assays
from moneyer_shared.contracts.documents import Document
from moneyer_shared.contracts.evaluation import AssayRequest
from moneyer_shared.errors import Conflict, NotFound
from moneyer_shared.paging import page


class ReleaseAssay(Document):
    """The assay that an asset was released or rejected by, and what was asked of it."""

    id: UUID
    asset_id: UUID
    request: AssayRequest


_KEPT = tuple(assays.c[name] for name in KeptAssay.model_fields)
"""Not the request, which holds a whole declaration: whoever needs it asks for it."""
_RELEASE = select(*(assays.c[name] for name in ReleaseAssay.model_fields)).where(assays.c.purpose == "release")


class AssayStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, request: AssayRequest, at: datetime) -> KeptAssay:
        """A new assay, queued.

        Raises:
            Conflict: the asset has one for its release.
        """
        if request.purpose == "release" and await self._find_release(request.asset_id) is not None:
            raise Conflict("This asset has an assay.", code="already-assayed")
        made = insert(assays).values(
            asset_id=request.asset_id,
            purpose=request.purpose,
            suite=request.suite,
            request=request.model_dump(mode="json"),
            state="queued",
            requested_at=at,
        )
        return KeptAssay.model_validate((await self._connection.execute(made.returning(*_KEPT))).one())

    async def assay(self, assay_id: UUID) -> KeptAssay:
        """An assay.

        Raises:
            NotFound: there is none of that id.
        """
        found = (await self._connection.execute(select(*_KEPT).where(assays.c.id == assay_id))).one_or_none()
        if found is None:
            raise NotFound(f"There is no assay {assay_id}.")
        return KeptAssay.model_validate(found)

    async def request(self, assay_id: UUID) -> AssayRequest:
        """What an assay was asked to judge; it is there."""
        query = select(assays.c.request).where(assays.c.id == assay_id)
        return AssayRequest.model_validate((await self._connection.execute(query)).scalar_one())

    async def release_assay(self, asset_id: UUID) -> ReleaseAssay:
        """The assay an asset was released or rejected by.

        Raises:
            NotFound: it has none.
        """
        found = await self._find_release(asset_id)
        if found is None:
            raise NotFound(f"Asset {asset_id} has no assay.")
        return found

    async def _find_release(self, asset_id: UUID) -> ReleaseAssay | None:
        query = _RELEASE.where(assays.c.asset_id == asset_id)
        found = (await self._connection.execute(query)).one_or_none()
        return ReleaseAssay.model_validate(found) if found is not None else None

    async def judged(self, after: UUID | None) -> list[ReleaseAssay]:
        """Assays that a release or a vote on one came of, a page at a time; policy knows which assets are out now."""
        query = _RELEASE.where(assays.c.release["verdict"].astext.in_(["released", "review"]))
        rows = await page(self._connection, query, assays.c.id, after=after)
        return [ReleaseAssay.model_validate(row) for row in rows]

    async def assays(self, asset_id: UUID | None, after: UUID | None) -> list[KeptAssay]:
        """A page of all assays, or of one asset's."""
        query = select(*_KEPT)
        if asset_id is not None:
            query = query.where(assays.c.asset_id == asset_id)
        return [KeptAssay.model_validate(row) for row in await page(self._connection, query, assays.c.id, after=after)]

    async def save(self, assay_id: UUID, before: State, **values: object) -> KeptAssay:
        """Move an assay on, unless another worker did.

        Raises:
            Conflict: it is no longer in the state it was read in.
        """
        moved = update(assays).where(assays.c.id == assay_id, assays.c.state == before).values(**values)
        found = (await self._connection.execute(moved.returning(*_KEPT))).one_or_none()
        if found is None:
            raise Conflict("Another worker moved this assay on.", code="moved-on")
        return KeptAssay.model_validate(found)
