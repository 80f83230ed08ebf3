"""OpenLineage events taken in, once each, and kept by month in an order that readers go by."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_lineage.domain.projection import Projection, project
from moneyer_lineage.domain.told import Event, Told
from moneyer_lineage.store import places
from moneyer_lineage.store.edges import EdgeStore
from moneyer_lineage.store.events import EventStore
from moneyer_lineage.store.impact import ImpactStore
from moneyer_lineage.store.projections import ProjectionStore
from moneyer_lineage.use_cases.archive import Archive
from moneyer_shared.canonical import digest
from moneyer_shared.documents import apart
from moneyer_shared.errors import Unavailable
from moneyer_shared.records import facets_of, run_id_of

MONTHS_AHEAD = 2

TOGETHER = 500


def heard(event: Event, at: datetime, *, by: str | None, vouched: bool) -> Told:
    """An event with its digest, which stands for what is said, who says it, and whether the house does."""
    # What somebody said first does not stop the house, or anybody else, from saying it.
    said = json.dumps(event, sort_keys=True)
    whole = said if vouched else f"heard from {by} {said}"
    return Told(event, at, hashlib.sha256(whole.encode()).hexdigest(), by, vouched)


async def take_events(archive: Archive, told: Sequence[Told]) -> None:
    """Keep OpenLineage events; one that is known already changes nothing."""
    async with archive.database.transaction() as connection:
        await take_within(connection, told, archive.clock())


async def take_within(connection: AsyncConnection, told: Sequence[Told], now: datetime) -> None:
    """The same in a transaction that does more."""
    known = {one.digest: one for one in told}
    if known:
        new = set(await EventStore(connection).add_events([_event_row(one, now) for one in known.values()]))
        await fold(connection, [one for one in known.values() if one.digest in new])


async def fold(connection: AsyncConnection, told: Sequence[Told]) -> None:
    """Take over what events say, into the graph and beside what is known; once more changes nothing."""
    edges, made = await apart(_folded, told)
    await EdgeStore(connection).add(edges)
    await ProjectionStore(connection).join(made)
    await ImpactStore(connection).add_changes(made.changes)


def _folded(told: Sequence[Told]) -> tuple[list[dict[str, Any]], Projection]:
    return [edge for one in told for edge in _edges(one)], project(told)


def _event_row(one: Told, now: datetime) -> dict[str, Any]:
    run = one.event.get("run") or {}
    parent = facets_of(run).get("parent", {}).get("run")
    return {
        "digest": one.digest,
        "event": one.event,
        "run_id": one.run_id,
        "parent_run_id": run_id_of(parent.get("runId")) if isinstance(parent, dict) else None,
        "event_time": one.at,
        "received_at": now,
        "vouched": one.vouched,
        "told_by": one.by,
    }


def _edges(one: Told) -> list[dict[str, Any]]:
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


async def fold_anew(archive: Archive) -> int:
    """Fold events again that were kept under an earlier rule, in the order they came; how many."""
    async with archive.database.transaction() as connection:
        store = EventStore(connection)
        rows = await store.next_to_fold(TOGETHER)
        if rows:
            await fold(connection, [_told_before(row) for row in rows])
            await store.folded_to((rows[-1].written_in, rows[-1].id))
    return len(rows)


def _told_before(row: Any) -> Told:
    return Told(row.event, row.event_time, row.digest, row.told_by, row.vouched)


async def check_folded(archive: Archive) -> None:
    """See that all events are in the graph.

    Raises:
        Unavailable: some that were kept by an earlier version are still being folded.
    """
    async with archive.database.transaction() as connection:
        if not await EventStore(connection).is_folded():
            raise Unavailable("Events kept by an earlier version are still being folded; the record is not whole yet.")


# --- how they are kept -------------------------------------------------------------------------


async def open_months(archive: Archive) -> int:
    """See that events of this month and the next have a table of their own; how many were made."""
    month = archive.clock().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    opened = 0
    for _ in range(1 + MONTHS_AHEAD):
        async with archive.database.transaction() as connection:
            opened += await EventStore(connection).open_month(month)
        month = (month + timedelta(days=32)).replace(day=1)
    return opened


async def check_order(archive: Archive) -> None:
    """See that new events will be read: readers go by transaction numbers, which a logical restore begins anew.

    Raises:
        Unavailable: what is told now would count as read already.
    """
    async with archive.database.transaction() as connection:
        if not await places.are_in_order(connection):
            raise Unavailable("The database numbers transactions below its events: see docs/limits.md on restoring it.")
