"""Sources and their uploads."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Executable, Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_generation.documents.sources import Source, SourceVersion
from moneyer_generation.tables import begun_versions, source_versions, sources
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.errors import Conflict, NotFound
from moneyer_shared.paging import page

TICK = timedelta(microseconds=1)
"""The finest that times are kept in."""


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

    async def begin_version(self, source_id: UUID, version_id: UUID) -> None:
        """Note that a version is begun; from now on it is alive for a while."""
        values = {"id": version_id, "source_id": source_id, "alive_at": func.now()}
        await self._connection.execute(insert(begun_versions).values(values))

    async def keep_alive(self, version_id: UUID) -> None:
        alive = update(begun_versions).where(begun_versions.c.id == version_id).values(alive_at=func.now())
        await self._connection.execute(alive)

    async def is_begun(self, version_id: UUID) -> bool:
        return (
            await self._connection.scalar(select(begun_versions.c.id).where(begun_versions.c.id == version_id))
            is not None
        )

    async def abandon(self, version_id: UUID, silent_for: timedelta) -> UUID | None:
        """Let a begun version become one no more; its source. None where somebody was at it, or it is begun no more.

        The database's clock alone counts.
        """
        silent = begun_versions.c.alive_at <= func.now() - silent_for
        given_up = update(begun_versions).where(begun_versions.c.id == version_id, silent).values(abandoned=True)
        source_id: UUID | None = await self._connection.scalar(given_up.returning(begun_versions.c.source_id))
        return source_id

    async def end_version(self, version_id: UUID) -> bool:
        """Take away the note that a version was begun; False where it was taken away, or abandoned, before."""
        ended = delete(begun_versions).where(begun_versions.c.id == version_id)
        return await self._connection.scalar(ended.returning(begun_versions.c.abandoned)) is False

    async def has_version(self, version_id: UUID) -> bool:
        kept = select(source_versions.c.id).where(source_versions.c.id == version_id)
        return await self._connection.scalar(kept) is not None

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

    async def version_after(self, source_id: UUID, after: UUID | None) -> SealedVersion | None:
        """The upload that came next after another, without one the newest; None where none did.

        Raises:
            NotFound: that other is none of this source.
        """
        query = select(source_versions).where(source_versions.c.source_id == source_id).limit(1)
        at = source_versions.c.uploaded_at
        if after is None:
            query = query.order_by(at.desc())
        else:
            query = query.where(at > (await self._of_source(source_id, after)).version.uploaded_at).order_by(at)
        row = (await self._connection.execute(query)).one_or_none()
        return _sealed(row) if row is not None else None

    async def _of_source(self, source_id: UUID, version_id: UUID) -> SealedVersion:
        of_source = (source_versions.c.id == version_id, source_versions.c.source_id == source_id)
        missing = f"Source {source_id} has no version {version_id}."
        return await self._version(select(source_versions).where(*of_source), missing)

    async def next_moment(self, source_id: UUID, now: datetime) -> datetime:
        """When the next version is kept: now, and later than any before. Others wait until this transaction ends."""
        await self._connection.execute(
            select(sources.c.id).where(sources.c.id == source_id).with_for_update(key_share=True)
        )
        last = await self._connection.scalar(
            select(func.max(source_versions.c.uploaded_at)).where(source_versions.c.source_id == source_id)
        )
        return now if last is None else max(now, last + TICK)

    async def _version(self, query: Executable, missing: str) -> SealedVersion:
        row = (await self._connection.execute(query)).one_or_none()
        if row is None:
            raise NotFound(missing)
        return _sealed(row)


def _sealed(row: Row[tuple[Any, ...]]) -> SealedVersion:
    return SealedVersion(SourceVersion.model_validate(row), row.key_id, row.train_object, row.holdout_object)
