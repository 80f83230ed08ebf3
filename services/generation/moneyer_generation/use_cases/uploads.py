"""Uploads: noted as begun before a key is asked for, so that each becomes a version or leaves neither key nor object.

Whatever is refused, fails or loses a race is cleared away at once. What a lost process leaves, and what cannot be
cleared while policy or the object store is away, a worker clears: the note and its job are there before the key is.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Literal
from uuid import UUID, uuid4

from moneyer_generation.dependencies import Flow
from moneyer_generation.documents.sources import SourceVersion
from moneyer_generation.use_cases.owners import check_own_source
from moneyer_generation.use_cases.sources import (
    Sealed,
    check_fits,
    discard_version,
    examine,
    keep_version,
    seal_version,
)
from moneyer_generation.work import Work
from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.intake import TableReport
from moneyer_shared.errors import Conflict
from moneyer_shared.intake.uploads import Upload
from moneyer_shared.journal import AuditEvent
from moneyer_shared.queue import Later

logger = logging.getLogger("moneyer.upload")
BEAT_SECONDS = 30.0
SILENT_FOR = timedelta(minutes=10)
"""After so long without a word an upload's process is taken for lost."""
PLACE = 2**29
"""The place in the queue: behind the runs that somebody paid for."""


async def seal_upload(
    flow: Flow, source_id: UUID, upload: Upload, dry_run: Literal["true", "false"] = "false"
) -> Sealed | TableReport:
    """Read it once to check all of it, and only then again to split and seal; a refused upload leaves nothing behind.

    A dry run ends with what was found: no key is made for one.

    Raises:
        Forbidden: it is somebody else's source.
        Invalid: the table does not fit its declaration.
        Unavailable: policy or the object store does not answer.
    """
    async with flow.begin(Work, read_only=True) as work:
        owner = await check_own_source(work, source_id)
    report = await examine(upload)
    if dry_run == "true":
        return report
    check_fits(report)
    version_id = await _begin(flow, source_id)
    try:
        async with _alive(flow, version_id):
            return await seal_version(flow, source_id, version_id, upload, owner, report)
    except Exception:
        await _clear_or_leave(flow, source_id, version_id)
        raise


async def upload_source(
    work: Work,
    source_id: UUID,
    upload: Upload,  # noqa: ARG001 - read before, by what gave ``sealed``
    dry_run: Literal["true", "false"] = "false",  # noqa: ARG001 - as above
    *,
    sealed: Sealed | TableReport,
) -> SourceVersion | TableReport:
    """Keep where an upload lies; of a dry run, nothing.

    Raises:
        Conflict: it was taken for lost meanwhile.
    """
    if isinstance(sealed, TableReport):
        return sealed
    if not await work.sources.end_version(sealed.version_id):
        raise Conflict("The upload was taken for lost while it was sealed; send it again.", code="upload-lost")
    version = await keep_version(work, source_id, sealed, by=work.by)
    details = {"version": str(version.id)}
    await work.tell(AuditEvent(work.by, Action.SOURCE_UPLOAD, f"source:{source_id}", details=details))
    return version


async def forget_upload(flow: Flow, sealed: Sealed | TableReport) -> None:
    """Take back what was sealed for a version that was not kept: neither its key stays nor a copy of the rows."""
    if isinstance(sealed, Sealed):
        await _clear_or_leave(flow, sealed.source_id, sealed.version_id)


async def clear_lost(flow: Flow, version_id: UUID) -> None:
    """Clear away an upload whose process was lost; one that became a version, or was cleared, needs nothing.

    Raises:
        Later: somebody is at it.
        Unavailable: policy or the object store does not answer; ask again.
    """
    async with flow.begin(Work) as work:
        if not await work.sources.is_begun(version_id):
            return
        source_id = await work.sources.abandon(version_id, SILENT_FOR)
    if source_id is None:
        raise Later(SILENT_FOR)
    await _clear(flow, source_id, version_id)


async def _begin(flow: Flow, source_id: UUID) -> UUID:
    version_id = uuid4()
    async with flow.begin(Work) as work:
        await work.sources.begin_version(source_id, version_id)
        await work.schedule("upload", version_id, place=PLACE)
    return version_id


@asynccontextmanager
async def _alive(flow: Flow, version_id: UUID) -> AsyncGenerator[None]:
    """Say now and then that somebody is at it."""
    told = {"version": str(version_id)}

    async def beat() -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            try:
                async with flow.begin(Work) as work:
                    await work.sources.keep_alive(version_id)
            except Exception as error:
                # Not the upload's fault; whether it is still begun is asked again before it is kept.
                logger.warning("an upload's beat was missed", exc_info=error, extra={"fields": told})

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()


async def _clear_or_leave(flow: Flow, source_id: UUID, version_id: UUID) -> None:
    """Clear away what came to nothing, or leave it to a worker: the caller hears why it came to nothing, not this."""
    try:
        await _clear(flow, source_id, version_id)
    except Exception as error:
        fields = {"version": str(version_id)}
        logger.warning("what an upload left is cleared away later", exc_info=error, extra={"fields": fields})


async def _clear(flow: Flow, source_id: UUID, version_id: UUID) -> None:
    await discard_version(flow, source_id, version_id)
    async with flow.begin(Work) as work:
        await work.sources.end_version(version_id)
