"""Released assets looked at again: with a new attacker, or with a table an attacker may hold."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_evaluation.measures.catalogue import chosen
from moneyer_evaluation.store import Store
from moneyer_evaluation.tables import journal
from moneyer_evaluation.use_cases.assays import told_of
from moneyer_evaluation.use_cases.laboratory import ASSAY_JOB, Laboratory
from moneyer_shared.contracts.evaluation import Register
from moneyer_shared.errors import Invalid
from moneyer_shared.idempotency import Attempt, Reply
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import Word
from moneyer_shared.paging import PAGE
from moneyer_shared.queue import enqueue


async def request(
    lab: Laboratory,
    *,
    suite: str,
    assets: Sequence[UUID],
    register: UUID | None,
    after: UUID | None,
    by: str,
    attempt: Attempt,
) -> Reply:
    """Queue re-assays of those assets, or of all that were released, a page of them at a time.

    An asset that is no longer out is found out when its keys are asked for, and its re-assay ends with that reason.

    Raises:
        NotFound: an asset was never assayed, or there is no such register.
        Invalid: there is no such suite or measure, or the register is a source to learn from.
    """
    if answer := await attempt.answered_before(lab.database, by):
        return answer
    chosen(suite)
    linkage = await _register(lab, register) if register else None
    now = lab.clock()
    async with lab.database.transaction() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        store = Store(connection)
        found = [await store.release_assay(asset) for asset in assets] if assets else await store.judged(after)
        again = {"purpose": "re-assay", "suite": suite, "linkage": linkage}
        made = {str(row.asset_id): str(await _queue(connection, row, again, by, now)) for row in found}
        more = str(found[-1].id) if not assets and len(found) == PAGE else None
        return await attempt.keep(connection, by, Reply(202, {"suite": suite, "assays": made, "after": more}))


async def _register(lab: Laboratory, source_id: UUID) -> dict[str, Any]:
    held = await lab.generation.latest(source_id)
    if not held.declaration.for_linkage:
        raise Invalid(
            "This source is one to learn from; declare a register with for_linkage.", code="source-not-a-register"
        )
    objects = [held.train_object, held.holdout_object]
    return Register(declaration=held.declaration, key_id=held.key_id, objects=objects).model_dump(mode="json")


async def _queue(connection: AsyncConnection, row: Any, again: Mapping[str, Any], by: str, now: datetime) -> UUID:
    made = await Store(connection).add(row.asset_id, row.request | dict(again), now, purpose="re-assay")
    await enqueue(connection, ASSAY_JOB, made)
    details = {"assay": str(made), "suite": Word(again["suite"])}
    event = AuditEvent(by, "assay.repeat", f"asset:{row.asset_id}", details=details)
    queued = await Store(connection).assay(made)
    await journal.record(connection, now, event, lineage=[told_of(queued, now, "START")])
    return made
