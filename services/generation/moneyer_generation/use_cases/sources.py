"""Sources: declared, uploaded, split and sealed."""

import asyncio
import os
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import pyarrow as pa
from obstore.exceptions import BaseError
from obstore.store import ObjectStore

from moneyer_generation.dependencies import Flow
from moneyer_generation.documents.pulls import Pulled
from moneyer_generation.documents.sources import Source, SourceVersion
from moneyer_generation.store.sources import SealedVersion
from moneyer_generation.use_cases.measurements import measured_before
from moneyer_generation.work import Work
from moneyer_shared import custody
from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.generation import Arrivals, HeldVersion, SourceDeclaration
from moneyer_shared.contracts.intake import TableReport
from moneyer_shared.contracts.policy import KeyRequest, KeyReturn, PopulationUnit
from moneyer_shared.errors import Invalid, Unavailable
from moneyer_shared.exact import arrow_schema
from moneyer_shared.intake.faults import refusal
from moneyer_shared.intake.units import Split
from moneyer_shared.intake.uploads import Upload, inspect
from moneyer_shared.journal import AuditEvent

PARTS = ("train", "holdout")


@dataclass(frozen=True)
class Sealed:
    """An upload that was checked, split and sealed, and not kept yet."""

    source_id: UUID
    version_id: UUID
    key_id: UUID
    objects: Mapping[str, str]
    """The name of each part's object."""
    rows: Mapping[str, int]
    """The rows of each part."""
    sealed_bytes: int
    replaced: Mapping[str, int]
    """How many values of a column were replaced by its rule, where there were any."""


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
    return _held(await work.sources.source(source_id), await work.sources.latest_version(source_id))


async def get_arrivals(work: Work, source_id: UUID, after: UUID | None = None) -> Arrivals:
    """What came of a source after one of its versions, without one the newest; and whether its schedule missed a turn.

    Raises:
        NotFound: there is no such source, or no such version of it.
    """
    source = await work.sources.source(source_id)
    found = await work.sources.version_after(source_id, after)
    return Arrivals(
        following=_held(source, found) if found is not None else None, missed=await work.pulls.last_missed(source_id)
    )


def _held(source: Source, sealed: SealedVersion) -> HeldVersion:
    return HeldVersion(
        source_id=source.id,
        version_id=sealed.version.id,
        declaration=source.declaration,
        key_id=sealed.key_id,
        train_object=sealed.train_object,
        holdout_object=sealed.holdout_object,
        uploaded_at=sealed.version.uploaded_at,
    )


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


async def seal_version(
    flow: Flow, source_id: UUID, version_id: UUID, upload: Upload, owner: str, report: TableReport
) -> Sealed:
    """Split and seal a table that was checked, under a key of its own.

    Whoever asks has noted before that the version is begun, and calls ``discard_version`` where it comes to nothing.

    Raises:
        Unavailable: policy or the object store does not answer.
        Invalid: a part would be empty.
    """
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
    return Sealed(source_id, version_id, data_key.id, names, rows, sealed_bytes, report.replaced)


async def discard_version(flow: Flow, source_id: UUID, version_id: UUID) -> None:
    """Have the key of a version that came to nothing destroyed, and take away whatever was sealed under it.

    The key first: if the objects stay a while, nobody reads them. Asked again, it does neither twice.

    Raises:
        Unavailable: policy or the object store does not answer; ask again.
    """
    async with flow.begin(Work, read_only=True) as work:
        declaration = (await work.sources.source(source_id)).declaration
        if await work.sources.has_version(version_id):
            return
    await flow.dependencies.policy.give_back_source_key(
        KeyReturn(resource=resource_of(declaration, source_id, version_id))
    )
    await asyncio.to_thread(_remove, flow.dependencies.objects, folder_of(source_id, version_id))


def resource_of(declaration: SourceDeclaration, source_id: UUID, version_id: UUID) -> str:
    """What a version's key is of, in policy's words."""
    return f"{'register' if declaration.for_linkage else 'source'}:{source_id}:{version_id}"


def folder_of(source_id: UUID, version_id: UUID) -> str:
    """Where a version's objects lie."""
    return f"sources/{source_id}/{version_id}"


async def keep_version(
    work: Work, source_id: UUID, sealed: Sealed, *, by: str, pulled: Pulled | None = None
) -> SourceVersion:
    """Keep where a version lies, who brought it and, if it was pulled, from where.

    Versions of a source are kept one after the other and timed so: whoever looks at each sees none come before another.
    """
    uploaded_at = await work.sources.next_moment(source_id, work.now)
    version = SourceVersion(
        id=sealed.version_id,
        source_id=source_id,
        train_rows=sealed.rows["train"],
        holdout_rows=sealed.rows["holdout"],
        sealed_bytes=sealed.sealed_bytes,
        uploaded_by=by,
        uploaded_at=uploaded_at,
        pulled=pulled,
        replaced=dict(sealed.replaced),
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
        Unavailable: the object store takes nothing now.
    """
    try:
        return _sealed(objects, upload, key, names)
    except (OSError, BaseError) as error:
        raise Unavailable("The object store does not take the table now; try again.") from error


def _sealed(
    objects: ObjectStore, upload: Upload, key: bytes, names: Mapping[str, str]
) -> tuple[Mapping[str, int], int]:
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
    return {part: seals[part].rows for part in PARTS}, sum(seal.finish() for seal in seals.values())


def _remove(objects: ObjectStore, folder: str) -> None:
    try:
        custody.remove(objects, folder)
    except (OSError, BaseError) as error:
        raise Unavailable("The object store does not answer; what was begun in it is removed later.") from error
