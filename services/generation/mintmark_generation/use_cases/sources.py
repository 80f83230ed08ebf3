"""Sources: declared, uploaded, split and sealed."""

import hashlib
import io
import uuid
from base64 import b64decode
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
from starlette.concurrency import run_in_threadpool

from mintmark_generation.store import Store
from mintmark_generation.tables import journal
from mintmark_generation.use_cases.intake import Limits, check_units, read_table
from mintmark_generation.use_cases.workshop import Workshop
from mintmark_shared import custody
from mintmark_shared.contracts.generation import SourceDeclaration
from mintmark_shared.contracts.policy import KeyRequest
from mintmark_shared.errors import Invalid
from mintmark_shared.idempotency import Attempt, Reply
from mintmark_shared.journal import AuditEvent

HOLDOUT_SHARE = 0.2


def show_source(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "declaration": row.declaration,
        "registered_by": row.registered_by,
        "registered_at": row.registered_at.isoformat(),
    }


def show_version(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "source_id": str(row.source_id),
        "train_rows": row.train_rows,
        "holdout_rows": row.holdout_rows,
        "sealed_bytes": row.sealed_bytes,
        "uploaded_by": row.uploaded_by,
        "uploaded_at": row.uploaded_at.isoformat(),
    }


async def register(works: Workshop, declaration: SourceDeclaration, *, by: str, attempt: Attempt) -> Reply:
    await works.policy.population_exists(declaration.population_id)
    body, now = declaration.model_dump(mode="json"), works.clock()
    async with works.database.transaction() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        store = Store(connection)
        made = await store.add_source(declaration.name, body, by, now)
        await journal.record(connection, now, AuditEvent(by, "source.register", f"source:{made}"))
        reply = Reply(201, show_source(await store.source(made)), {"Location": f"/v1/sources/{made}"})
        return await attempt.keep(connection, by, reply)


async def declaration_of(works: Workshop, source_id: UUID) -> SourceDeclaration:
    async with works.database.transaction() as connection:
        row = await Store(connection).source(source_id)
    return SourceDeclaration.model_validate(row.declaration)


async def upload(
    works: Workshop, *, source_id: UUID, body: io.BytesIO, media_type: str, limits: Limits, by: str
) -> Reply:
    """Validate, split, seal and only then write; a refused upload leaves nothing behind.

    Raises:
        Invalid: the table does not fit its declaration.
    """
    async with works.database.transaction() as connection:
        source = await Store(connection).source(source_id)
    declaration = SourceDeclaration.model_validate(source.declaration)
    table = await run_in_threadpool(read_table, body, media_type, declaration, limits)
    await run_in_threadpool(check_units, table, declaration)
    version_id = uuid.uuid4()
    data_key = await works.policy.new_source_key(
        KeyRequest(
            resource=f"source:{source_id}:{version_id}",
            population_id=declaration.population_id,
            partitions=declaration.partitions,
            owner=source.registered_by,
        )
    )
    key = b64decode(data_key.key)
    train, holdout = await run_in_threadpool(split, table, declaration, key)
    names = {part: f"sources/{source_id}/{version_id}/{part}.parquet" for part in ("train", "holdout")}
    sealed = {
        part: await run_in_threadpool(_seal, works, rows, key, names[part])
        for part, rows in (("train", train), ("holdout", holdout))
    }
    now = works.clock()
    values = {
        "id": version_id,
        "source_id": source_id,
        "key_id": data_key.id,
        "train_object": names["train"],
        "holdout_object": names["holdout"],
        "train_rows": train.num_rows,
        "holdout_rows": holdout.num_rows,
        "sealed_bytes": sum(sealed.values()),
        "uploaded_by": by,
        "uploaded_at": now,
    }
    async with works.database.transaction() as connection:
        store = Store(connection)
        await store.add_version(values)
        event = AuditEvent(by, "source.upload", f"source:{source_id}", details={"version": str(version_id)})
        await journal.record(connection, now, event)
        shown = show_version(await store.version(version_id))
    return Reply(201, shown, {"Location": f"/v1/sources/{source_id}/versions/{version_id}"})


def _seal(works: Workshop, table: pa.Table, key: bytes, name: str) -> int:
    sealed = custody.seal_table(table.to_batches(), table.schema, key, name)
    custody.put_new(works.objects, name, sealed)
    return int(sealed.size)


def split(table: pa.Table, declaration: SourceDeclaration, key: bytes) -> tuple[pa.Table, pa.Table]:
    """(train, holdout), the same for the same key: each privacy unit's side is drawn by a keyed hash.

    Raises:
        Invalid: a side would be empty.
    """
    unit = declaration.privacy_unit.column
    if unit is None:
        seed = int.from_bytes(hashlib.blake2b(b"split", key=key, digest_size=16).digest(), "big")
        held_out = np.random.default_rng(seed).random(table.num_rows) < HOLDOUT_SHARE
    else:
        encoded = table[unit].combine_chunks().dictionary_encode()
        drawn = np.array([_draw(value, key) for value in encoded.dictionary.to_pylist()])
        held_out = drawn[encoded.indices.to_numpy()] < HOLDOUT_SHARE
    train, holdout = table.filter(pa.array(~held_out)), table.filter(pa.array(held_out))
    if not train.num_rows or not holdout.num_rows:
        raise Invalid("The table has too few privacy units to set a holdout aside.", code="table-too-small")
    return train, holdout


def _draw(value: object, key: bytes) -> float:
    digest = hashlib.blake2b(str(value).encode(), key=key, digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
