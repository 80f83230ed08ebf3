"""OpenLineage events taken in, once each, and kept by month in an order that readers go by."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_lineage.dependencies import ITSELF, Dependencies, Work
from moneyer_lineage.log.documents import AuditLeaf
from moneyer_lineage.log.rules.leaves import Leaf, check_speaker
from moneyer_lineage.log.use_cases import append_leaves, leaf_of
from moneyer_lineage.record.documents.openlineage import BatchReceipt, BatchSummary, FailedEvent, OpenLineageEvent
from moneyer_lineage.record.rules.projection import Projection, project
from moneyer_lineage.record.rules.shapes import Json
from moneyer_lineage.record.rules.statements import Event, HeardEvent
from moneyer_lineage.record.store import cursor
from moneyer_lineage.record.store.changes import ChangeStore
from moneyer_lineage.record.store.edges import EdgeStore
from moneyer_lineage.record.store.events import EventStore
from moneyer_lineage.record.store.projections import ProjectionStore
from moneyer_shared.canonical import digest
from moneyer_shared.contracts.lineage import Deliveries, Receipt, Refusal
from moneyer_shared.documents import apart, check_storable, faults_of
from moneyer_shared.errors import Conflict, Invalid, MoneyerError, Unavailable

MONTHS_AHEAD = 2
TOGETHER = 500
MOST_IN_BATCH = 2_000
_EVENT = TypeAdapter(OpenLineageEvent)

# --- what is told ----------------------------------------------------------------------------------


def heard(event: Event, at: datetime, *, by: str | None, vouched: bool) -> HeardEvent:
    """An event with its digest, which stands for what is said, who says it, and whether the house does."""
    # What somebody said first does not stop the house, or anybody else, from saying it.
    said = json.dumps(event, sort_keys=True)
    whole = said if vouched else f"heard from {by} {said}"
    return HeardEvent(event, at, hashlib.sha256(whole.encode()).hexdigest(), by, vouched)


def read_event(raw: object, by: str, *, vouched: bool) -> HeardEvent:
    """An event as it came, so that it comes back out so, its time, and who told it.

    Raises:
        ValidationError: it is no event of OpenLineage.
        Invalid: it holds what Postgres cannot keep.
    """
    event = _EVENT.validate_python(raw)
    check_storable(raw)
    return heard(cast("Event", raw), event.eventTime, by=by, vouched=vouched)


async def post_lineage(dependencies: Dependencies, raw: object, *, by: str) -> None:
    """Take an event.

    Raises:
        Invalid: it does not fit its schema, or holds what is not kept.
    """
    try:
        event = await apart(read_event, raw, by, vouched=False)
    except ValidationError as error:
        raise Invalid("The event does not fit its schema.", reasons=faults_of(error)) from None
    await take_events(dependencies, [event])


async def post_lineage_batch(dependencies: Dependencies, batch: Any, *, by: str) -> BatchReceipt:
    """Take the events that fit; each that does not is named.

    Raises:
        Invalid: it is no list of events, or too long a one.
    """
    if not isinstance(batch, list) or not 0 < len(batch) <= MOST_IN_BATCH:
        raise Invalid(f"A batch is a list of 1 to {MOST_IN_BATCH} events.", code="batch-unreadable")
    events, failed = await apart(_sorted_out, batch, by)
    await take_events(dependencies, events)
    lost = len(failed)
    summary = BatchSummary(received=len(batch), successful=len(events), failed=lost, non_retriable=lost)
    return BatchReceipt(status="partial_success" if failed else "success", summary=summary, failed_events=failed)


def _sorted_out(batch: list[Any], by: str) -> tuple[list[HeardEvent], list[FailedEvent]]:
    """The events of a batch that can be taken, and those that cannot."""
    events: list[HeardEvent] = []
    failed: list[FailedEvent] = []
    for index, raw in enumerate(batch):
        try:
            events.append(read_event(raw, by, vouched=False))
        except ValidationError as error:
            failed.append(
                FailedEvent(index=index, reason=f"It does not fit its schema: {faults_of(error)[0]['message']}")
            )
        except MoneyerError as error:
            failed.append(FailedEvent(index=index, reason=str(error)))
    return events, failed


async def take_deliveries(work: Work, deliveries: Deliveries) -> Receipt:
    """Take what a service's outbox holds, in order.

    One that cannot be taken is refused by itself; one that was taken before changes nothing. Audit events of another
    service refuse the whole: that is a fault of settings, or worse, and nothing is lost by it.

    Raises:
        Forbidden: an audit event is of another service.
    """
    speaker = work.setup.speakers.get(work.caller.client)
    for item in deliveries.items:
        if item.kind == "audit" and "service" in item.payload:
            check_speaker(str(item.payload["service"]), speaker)
    refused: dict[UUID, MoneyerError] = {}
    leaves: dict[UUID, Leaf] = {}
    events: list[HeardEvent] = []
    for item in deliveries.items:
        try:
            if item.kind == "audit":
                leaves[item.id] = leaf_of(AuditLeaf.model_validate(item.payload))
            else:
                events.append(read_event(item.payload, work.by, vouched=True))
        except MoneyerError as error:
            refused[item.id] = error
        except ValidationError as error:
            refused[item.id] = Invalid(f"The {item.kind} event does not fit its schema.", reasons=faults_of(error))
    await keep_events(work, events)
    places = await append_leaves(work.connection, list(leaves.values()), work.now)
    refused |= {key: place for key, place in zip(leaves, places, strict=True) if isinstance(place, Conflict)}
    return Receipt(refused=[Refusal(id=key, problem=error.problem()) for key, error in refused.items()])


# --- kept and folded -------------------------------------------------------------------------------


async def take_events(dependencies: Dependencies, events: Sequence[HeardEvent]) -> None:
    """Keep OpenLineage events; one that is known already changes nothing."""
    async with dependencies.begin(Work, ITSELF) as work:
        await keep_events(work, events)


async def keep_events(work: Work, events: Sequence[HeardEvent]) -> None:
    """Keep OpenLineage events in this transaction; one that is known already changes nothing."""
    known = {one.digest: one for one in events}
    if known:
        new = set(await EventStore(work.connection).add_events(list(known.values()), work.now))
        await fold(work.connection, [one for one in known.values() if one.digest in new])


async def fold(connection: AsyncConnection, events: Sequence[HeardEvent]) -> None:
    """Take over what events say, into the graph and beside what is known; once more changes nothing."""
    edges, made = await apart(_folded, events)
    await EdgeStore(connection).add(edges)
    await ProjectionStore(connection).join(made)
    await ChangeStore(connection).add_changes(made.changes)


def _folded(events: Sequence[HeardEvent]) -> tuple[list[Json], Projection]:
    return [edge for one in events for edge in _edges(one)], project(events)


def _edges(one: HeardEvent) -> list[Json]:
    if one.run_id is None:
        return []
    job = one.event["job"]
    # A stranger's words on a run hold together by the job they name; the house's are of one run whatever they name.
    party = one.party if one.vouched else f"{one.party}\n{job['namespace']}\n{job['name']}"
    said = {
        "run_id": one.run_id, "party": party, "job_namespace": job["namespace"], "job_name": job["name"],
        "told_by": one.by, "vouched": one.vouched,
    }  # fmt: skip
    edges = [
        said | {"direction": direction, "namespace": dataset["namespace"], "name": dataset["name"]}
        for direction in ("input", "output")
        for dataset in one.event.get(f"{direction}s") or []
    ]
    return [edge | {"digest": digest(edge), "first_seen": one.at} for edge in edges]


# --- what an earlier rule folded ---------------------------------------------------------------


async def fold_anew(dependencies: Dependencies) -> int:
    """Fold events again that were kept under an earlier rule, in the order they came; how many."""
    async with dependencies.begin(Work, ITSELF) as work:
        store = EventStore(work.connection)
        found = await store.next_to_fold(TOGETHER)
        if found:
            await fold(work.connection, [event for _, event in found])
            await store.folded_to(found[-1][0])
    return len(found)


async def check_folded(dependencies: Dependencies) -> None:
    """See that all events are in the graph.

    Raises:
        Unavailable: some that were kept by an earlier version are still being folded.
    """
    async with dependencies.begin(Work, ITSELF, read_only=True) as work:
        if not await EventStore(work.connection).is_folded():
            raise Unavailable("Events kept by an earlier version are still being folded; the record is not whole yet.")


# --- how they are kept -------------------------------------------------------------------------


async def open_months(dependencies: Dependencies) -> int:
    """See that events of this month and the next have a table of their own; how many were made."""
    month = dependencies.clock().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    opened = 0
    for _ in range(1 + MONTHS_AHEAD):
        async with dependencies.begin(Work, ITSELF) as work:
            opened += await EventStore(work.connection).open_month(month)
        month = (month + timedelta(days=32)).replace(day=1)
    return opened


async def check_order(dependencies: Dependencies) -> None:
    """See that new events will be read: readers go by transaction numbers, which a logical restore begins anew.

    Raises:
        Unavailable: what is told now would count as read already.
    """
    async with dependencies.begin(Work, ITSELF, read_only=True) as work:
        if not await cursor.are_in_order(work.connection):
            raise Unavailable("The database numbers transactions below its events: see docs/limits.md on restoring it.")
