"""Sources: declared, uploaded, split and sealed."""

import os
import uuid
from base64 import b64decode
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pyarrow as pa
from starlette.concurrency import run_in_threadpool

from moneyer_generation.dependencies import Workshop
from moneyer_generation.intake.units import Split, Units
from moneyer_generation.intake.uploads import Upload
from moneyer_generation.store import Store
from moneyer_generation.tables import journal
from moneyer_generation.use_cases.owners import source_owner
from moneyer_shared import custody
from moneyer_shared.contracts.generation import HeldVersion, SourceDeclaration
from moneyer_shared.contracts.policy import KeyRequest, PopulationUnit
from moneyer_shared.errors import Invalid
from moneyer_shared.exact import arrow_schema
from moneyer_shared.figures import about
from moneyer_shared.idempotency import Attempt, Reply
from moneyer_shared.journal import AuditEvent
from moneyer_shared.ownership import check_own

PARTS = ("train", "holdout")


def show_source(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "declaration": row.declaration,
        "registered_by": row.registered_by,
        "registered_at": row.registered_at.isoformat(),
    }


def show_version(row: Any, *, to: str) -> dict[str, Any]:
    """An upload; how many people it is of exactly only to who uploaded it."""
    counts = {name: getattr(row, name) for name in ("train_rows", "holdout_rows", "sealed_bytes")}
    return {
        "id": str(row.id),
        "source_id": str(row.source_id),
        **{name: number if row.uploaded_by == to else about(number) for name, number in counts.items()},
        "uploaded_by": row.uploaded_by,
        "uploaded_at": row.uploaded_at.isoformat(),
    }


async def register(works: Workshop, declaration: SourceDeclaration, *, by: str, attempt: Attempt) -> Reply:
    if answer := await attempt.answered_before(works.database, by):
        return answer
    _check_unit(declaration, await works.policy.population_unit(declaration.population_id))
    body, now = declaration.model_dump(mode="json"), works.clock()
    async with works.database.transaction() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        store = Store(connection)
        made = await store.add_source(declaration.name, body, by, now)
        await journal.record(connection, now, AuditEvent(by, "source.register", f"source:{made}"))
        reply = Reply(201, show_source(await store.source(made)), {"Location": f"/v1/sources/{made}"})
        return await attempt.keep(connection, by, reply)


def _check_unit(declaration: SourceDeclaration, population: PopulationUnit | None) -> None:
    """That a charge for one unit of the source is one for a unit of its population; nothing is charged to registers.

    Raises:
        Invalid: a unit of the population may own several of the source's, or nobody said what it is.
    """
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


async def declaration_of(works: Workshop, source_id: UUID) -> SourceDeclaration:
    async with works.database.transaction() as connection:
        row = await Store(connection).source(source_id)
    return SourceDeclaration.model_validate(row.declaration)


async def upload(works: Workshop, *, source_id: UUID, upload: Upload, by: str, attempt: Attempt) -> Reply:
    """Read it once to check all of it, and only then again to split and seal; a refused upload leaves nothing behind.

    Raises:
        Forbidden: it is somebody else's source.
        Invalid: the table does not fit its declaration.
    """
    async with works.database.transaction() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        owner = await source_owner(connection, source_id)
        check_own(owner, by, "This source")
    await run_in_threadpool(_check, upload)
    version_id = uuid.uuid4()
    data_key = await works.policy.new_source_key(
        KeyRequest(
            resource=f"{'register' if upload.declaration.for_linkage else 'source'}:{source_id}:{version_id}",
            population_id=upload.declaration.population_id,
            partitions=upload.declaration.partitions,
            owner=owner,
        )
    )
    names = {part: f"sources/{source_id}/{version_id}/{part}.parquet" for part in PARTS}
    sealed = await run_in_threadpool(_seal, works, upload, b64decode(data_key.key), names)
    now = works.clock()
    values = {
        "id": version_id,
        "source_id": source_id,
        "key_id": data_key.id,
        "sealed_bytes": sealed.pop("bytes"),
        "uploaded_by": by,
        "uploaded_at": now,
        **{f"{part}_object": name for part, name in names.items()},
        **sealed,
    }
    async with works.database.transaction() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        store = Store(connection)
        await store.add_version(values)
        event = AuditEvent(by, "source.upload", f"source:{source_id}", details={"version": str(version_id)})
        await journal.record(connection, now, event)
        shown = show_version(await store.version(version_id), to=by)
        reply = Reply(201, shown, {"Location": f"/v1/sources/{source_id}/versions/{version_id}"})
        return await attempt.keep(connection, by, reply)


async def held(works: Workshop, source_id: UUID) -> HeldVersion:
    """The newest upload of a source, for a service that policy lets open it.

    Raises:
        NotFound: there is no such source, or nothing was uploaded.
    """
    async with works.database.transaction() as connection:
        store = Store(connection)
        source, version = await store.source(source_id), await store.latest_version(source_id)
    return HeldVersion(
        source_id=source_id,
        version_id=version.id,
        declaration=SourceDeclaration.model_validate(source.declaration),
        key_id=version.key_id,
        train_object=version.train_object,
        holdout_object=version.holdout_object,
        uploaded_at=version.uploaded_at,
    )


def _check(upload: Upload) -> None:
    units = Units(upload.declaration, os.urandom(custody.KEY_BYTES))
    for table in upload.tables():
        units.see(table)
    units.check()


def _seal(works: Workshop, upload: Upload, key: bytes, names: Mapping[str, str]) -> dict[str, int]:
    """Rows of each part, and bytes of both.

    Raises:
        Invalid: a part would be empty.
    """
    schema = arrow_schema(upload.declaration.columns)
    seals = {part: custody.TableSeal(works.objects, names[part], schema, key) for part in PARTS}
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
    rows = {f"{part}_rows": seals[part].rows for part in PARTS}
    return rows | {"bytes": sum(seal.finish() for seal in seals.values())}
