"""Sources: declared, uploaded, split and sealed."""

import asyncio
import os
import uuid
from base64 import b64decode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import obstore
import pyarrow as pa
from obstore.store import ObjectStore

from moneyer_generation.dependencies import Flow
from moneyer_generation.documents.pulls import Pulled
from moneyer_generation.documents.sources import Source, SourceVersion
from moneyer_generation.store.sources import SealedVersion
from moneyer_generation.use_cases.measurements import measured_before
from moneyer_generation.use_cases.owners import check_own_source
from moneyer_generation.work import Work
from moneyer_shared import custody
from moneyer_shared.contracts.events import Action
from moneyer_shared.contracts.generation import HeldVersion, SourceDeclaration
from moneyer_shared.contracts.intake import TableReport
from moneyer_shared.contracts.policy import KeyRequest, PopulationUnit
from moneyer_shared.errors import Invalid
from moneyer_shared.exact import arrow_schema
from moneyer_shared.intake.faults import refusal
from moneyer_shared.intake.units import Split
from moneyer_shared.intake.uploads import Upload, inspect
from moneyer_shared.journal import AuditEvent

PARTS = ("train", "holdout")


@dataclass(frozen=True)
class Sealed:
    """An upload that was checked, split and sealed, and not kept yet."""

    version_id: UUID
    key_id: UUID
    objects: Mapping[str, str]
    """The name of each part's object."""
    rows: Mapping[str, int]
    """The rows of each part."""
    sealed_bytes: int


async def check_unit(flow: Flow, declaration: SourceDeclaration) -> None:
    """That a charge for one unit of the source is one for a unit of its population.

    Raises:
        NotFound: there is no such population.
        Invalid: a unit of the population may own several of the source's, or nobody said what it is.
    """
    _check_unit(declaration, await flow.dependencies.policy.population_unit(declaration.population_id))


async def register_source(work: Work, declaration: SourceDeclaration) -> Source:
    """Keep what is declared of a source, before a row of it is seen.

    Raises:
        Conflict: the name is taken.
        Invalid: it says that a domain was measured, and it was not.
    """
    await measured_before(work, declaration)
    source = await work.sources.add(declaration, work.by, work.now)
    await work.tell(AuditEvent(work.by, Action.SOURCE_REGISTER, f"source:{source.id}"))
    return source


async def list_sources(work: Work, source: Sequence[UUID] | None = None, after: UUID | None = None) -> Sequence[Source]:
    """A page of sources; where some are named, those of them that there are."""
    return await work.sources.page(after, source)


async def get_source(work: Work, source_id: UUID) -> Source:
    return await work.sources.source(source_id)


async def list_source_versions(work: Work, source_id: UUID) -> Sequence[SourceVersion]:
    await work.sources.source(source_id)
    return [version.for_reader(work.by) for version in await work.sources.versions(source_id)]


async def get_held_version(work: Work, source_id: UUID) -> HeldVersion:
    """The newest upload of a source, for a service that policy lets open it.

    Raises:
        NotFound: there is no such source, or nothing was uploaded.
    """
    source, newest = await work.sources.source(source_id), await work.sources.latest_version(source_id)
    return HeldVersion(
        source_id=source_id,
        version_id=newest.version.id,
        declaration=source.declaration,
        key_id=newest.key_id,
        train_object=newest.train_object,
        holdout_object=newest.holdout_object,
        uploaded_at=newest.version.uploaded_at,
    )


async def seal_upload(
    flow: Flow, source_id: UUID, upload: Upload, dry_run: Literal["true", "false"] = "false"
) -> Sealed | TableReport:
    """Read it once to check all of it, and only then again to split and seal; a refused upload leaves nothing behind.

    A dry run ends with what was found.

    Raises:
        Forbidden: it is somebody else's source.
        Invalid: the table does not fit its declaration.
    """
    async with flow.begin(Work, read_only=True) as work:
        owner = await check_own_source(work, source_id)
    report = await examine(upload)
    if dry_run == "true":
        return report
    check_fits(report)
    return await seal_version(flow, source_id, uuid.uuid4(), upload, owner)


async def examine(upload: Upload) -> TableReport:
    """Read all of a table once, and tell what was found.

    Raises:
        Invalid, UnsupportedMedia, TooLarge: it is no table with the declared columns.
    """
    return await asyncio.to_thread(inspect, upload, os.urandom(custody.KEY_BYTES))


def check_fits(report: TableReport) -> None:
    """Raises Invalid: the table does not fit its declaration."""
    if not report.fits:
        raise refusal(report.faults)


async def seal_version(flow: Flow, source_id: UUID, version_id: UUID, upload: Upload, owner: str) -> Sealed:
    """Split and seal a table that was checked, under a key of its own."""
    data_key = await flow.dependencies.policy.new_source_key(
        KeyRequest(
            resource=resource_of(upload.declaration, source_id, version_id),
            population_id=upload.declaration.population_id,
            partitions=upload.declaration.partitions,
            owner=owner,
        )
    )
    names = {part: f"{folder_of(source_id, version_id)}/{part}.parquet" for part in PARTS}
    key = b64decode(data_key.key)
    rows, sealed_bytes = await asyncio.to_thread(_seal, flow.dependencies.objects, upload, key, names)
    return Sealed(version_id, data_key.id, names, rows, sealed_bytes)


async def forget_upload(flow: Flow, sealed: Sealed | TableReport) -> None:
    """Take back what was sealed for a version that was not kept: no copy stays that nothing refers to."""
    if isinstance(sealed, Sealed):
        await asyncio.to_thread(_delete, flow.dependencies.objects, sealed.objects)


def resource_of(declaration: SourceDeclaration, source_id: UUID, version_id: UUID) -> str:
    """What a version's key is of, in policy's words."""
    return f"{'register' if declaration.for_linkage else 'source'}:{source_id}:{version_id}"


def folder_of(source_id: UUID, version_id: UUID) -> str:
    """Where a version's objects lie."""
    return f"sources/{source_id}/{version_id}"


async def upload_source(
    work: Work,
    source_id: UUID,
    upload: Upload,  # noqa: ARG001 - read before, by what gave ``sealed``
    dry_run: Literal["true", "false"] = "false",  # noqa: ARG001 - as above
    *,
    sealed: Sealed | TableReport,
) -> SourceVersion | TableReport:
    """Keep where an upload lies; of a dry run, nothing."""
    if isinstance(sealed, TableReport):
        return sealed
    version = await keep_version(work, source_id, sealed, by=work.by)
    details = {"version": str(version.id)}
    await work.tell(AuditEvent(work.by, Action.SOURCE_UPLOAD, f"source:{source_id}", details=details))
    return version


async def keep_version(
    work: Work, source_id: UUID, sealed: Sealed, *, by: str, pulled: Pulled | None = None
) -> SourceVersion:
    """Keep where a version lies, who brought it and, if it was pulled, from where."""
    version = SourceVersion(
        id=sealed.version_id,
        source_id=source_id,
        train_rows=sealed.rows["train"],
        holdout_rows=sealed.rows["holdout"],
        sealed_bytes=sealed.sealed_bytes,
        uploaded_by=by,
        uploaded_at=work.now,
        pulled=pulled,
    )
    objects = sealed.objects
    await work.sources.add_version(SealedVersion(version, sealed.key_id, objects["train"], objects["holdout"]))
    return version


def _check_unit(declaration: SourceDeclaration, population: PopulationUnit | None) -> None:
    """As ``check_unit``; nothing is charged to registers."""
    if declaration.for_linkage:
        return
    if population is None:
        raise Invalid(
            "The population's privacy unit is not declared; have a steward declare it first.", code="unit-undeclared"
        )
    unit = declaration.privacy_unit
    if population.kind == "person" and unit.identified_by != population.identified_by:
        raise Invalid(
            f"The population's privacy unit is one {population.identified_by}, the source's is "
            f"{f'one {unit.identified_by}' if unit.identified_by else 'one row'}: declare privacy_unit with the column "
            f"that tells them apart, and identifies: {population.identified_by} where its name is another.",
            code="privacy-unit-mismatch",
        )


def _seal(objects: ObjectStore, upload: Upload, key: bytes, names: Mapping[str, str]) -> tuple[Mapping[str, int], int]:
    """(rows of each part, bytes of both).

    Raises:
        Invalid: a part would be empty.
    """
    schema = arrow_schema(upload.declaration.columns)
    seals = {part: custody.TableSeal(objects, names[part], schema, key) for part in PARTS}
    waiting: dict[str, list[pa.Table]] = {part: [] for part in PARTS}
    for pieces in Split(upload.declaration, key).parts(upload.tables()):
        for part, piece in zip(PARTS, pieces, strict=True):
            waiting[part].append(piece)
            # Small row groups cost more than they hold.
            if sum(table.num_rows for table in waiting[part]) >= custody.GROUP_ROWS:
                seals[part].write(pa.concat_tables(waiting[part]))
                waiting[part] = []
    for part in PARTS:
        seals[part].write(pa.concat_tables([schema.empty_table(), *waiting[part]]))
    if not all(seal.rows for seal in seals.values()):
        raise Invalid("The table has too few privacy units to set a holdout aside.", code="table-too-small")
    try:
        return {part: seals[part].rows for part in PARTS}, sum(seal.finish() for seal in seals.values())
    except BaseException:
        _delete(objects, names)
        raise


def _delete(objects: ObjectStore, names: Mapping[str, str]) -> None:
    for name in names.values():
        with suppress(FileNotFoundError):
            obstore.delete(objects, name)
