"""Sources and their uploads."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Executable, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_generation.documents.sources import Source, SourceVersion
from moneyer_generation.tables import source_versions, sources
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.errors import Conflict, NotFound
from moneyer_shared.paging import page


@dataclass(frozen=True)
class SealedVersion:
    """An upload, where its parts lie sealed, and the id of the key that opens them."""

    version: SourceVersion
    key_id: UUID
    train_object: str
    holdout_object: str


class SourceStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, declaration: SourceDeclaration, by: str, at: datetime) -> Source:
        """A new source.

        Raises:
            Conflict: the name is taken.
        """
        if await self._connection.scalar(select(sources.c.id).where(sources.c.name == declaration.name)):
            raise Conflict(f"There is a source named {declaration.name}.", code="name-taken")
        values = {
            "name": declaration.name, "declaration": declaration.model_dump(mode="json"),
            "registered_by": by, "registered_at": at,
        }  # fmt: skip
        made = await self._connection.execute(insert(sources).values(values).returning(sources))
        return Source.model_validate(made.one())

    async def source(self, source_id: UUID) -> Source:
        """One source.

        Raises:
            NotFound: there is none of that id.
        """
        found = await self._connection.execute(select(sources).where(sources.c.id == source_id))
        row = found.one_or_none()
        if row is None:
            raise NotFound(f"There is no source {source_id}.")
        return Source.model_validate(row)

    async def page(self, after: UUID | None, source_ids: Collection[UUID] | None = None) -> Sequence[Source]:
        """A page of sources, in the order they were registered; of these ids alone where some are stated."""
        query = select(sources).where(sources.c.id.in_(source_ids)) if source_ids is not None else select(sources)
        rows = await page(self._connection, query, sources.c.id, after=after)
        return [Source.model_validate(row) for row in rows]

    async def add_version(self, sealed: SealedVersion) -> None:
        values = {
            **sealed.version.model_dump(exclude={"pulled"}), "key_id": sealed.key_id,
            "train_object": sealed.train_object, "holdout_object": sealed.holdout_object,
            "pulled": sealed.version.pulled and sealed.version.pulled.model_dump(mode="json"),
        }  # fmt: skip
        await self._connection.execute(insert(source_versions).values(values))

    async def versions(self, source_id: UUID) -> Sequence[SourceVersion]:
        """A source's uploads, the first first."""
        order = (source_versions.c.uploaded_at, source_versions.c.id)
        query = select(source_versions).where(source_versions.c.source_id == source_id).order_by(*order)
        return [SourceVersion.model_validate(row) for row in await self._connection.execute(query)]

    async def version(self, version_id: UUID) -> SealedVersion:
        """One upload.

        Raises:
            NotFound: there is none of that id.
        """
        query = select(source_versions).where(source_versions.c.id == version_id)
        return await self._version(query, f"There is no source version {version_id}.")

    async def latest_version(self, source_id: UUID) -> SealedVersion:
        """The newest upload of a source.

        Raises:
            NotFound: nothing was uploaded.
        """
        newest = (source_versions.c.uploaded_at.desc(), source_versions.c.id.desc())
        query = select(source_versions).where(source_versions.c.source_id == source_id).order_by(*newest).limit(1)
        return await self._version(query, f"Source {source_id} has no data yet; upload a table first.")

    async def _version(self, query: Executable, missing: str) -> SealedVersion:
        row = (await self._connection.execute(query)).one_or_none()
        if row is None:
            raise NotFound(missing)
        return SealedVersion(SourceVersion.model_validate(row), row.key_id, row.train_object, row.holdout_object)
