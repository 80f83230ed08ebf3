"""OpenLineage events taken in, once each, and kept by month in an order that readers go by."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from mintmark_lineage.domain.projection import project
from mintmark_lineage.store import places
from mintmark_lineage.store.catalogue import CatalogueStore
from mintmark_lineage.store.events import EventStore
from mintmark_lineage.store.impact import ImpactStore
from mintmark_lineage.use_cases.archive import Archive
from mintmark_shared.errors import Unavailable

MONTHS_AHEAD = 2

Told = tuple[dict[str, Any], datetime]
"""An OpenLineage event and its time."""


async def take_events(archive: Archive, told: Sequence[Told], *, vouched: bool) -> None:
    """Keep OpenLineage events; one that is known already changes nothing."""
    async with archive.database.transaction() as connection:
        await take_within(connection, told, archive.clock(), vouched=vouched)


async def take_within(connection: AsyncConnection, told: Sequence[Told], now: datetime, *, vouched: bool) -> None:
    """The same in a transaction that does more. ``vouched``: a service of the house says so, not just anybody."""
    rows = {row["digest"]: row for row in (_event_row(event, at, now, vouched=vouched) for event, at in told)}
    if not rows:
        return
    store = EventStore(connection)
    new = await store.add_events(list(rows.values()))
    await store.add_edges([edge for digest in new for edge in _edges(rows[digest])])
    fresh = [(rows[digest]["event"], rows[digest]["event_time"]) for digest in new]
    made = project(fresh, vouched=vouched)
    await CatalogueStore(connection).merge(made)
    await ImpactStore(connection).add_changes(made.changes)


def _event_row(event: dict[str, Any], at: datetime, now: datetime, *, vouched: bool) -> dict[str, Any]:
    run = event.get("run") or {}
    parent = ((run.get("facets") or {}).get("parent") or {}).get("run") or {}
    # What somebody said first does not stop the house from saying it.
    said = json.dumps(event, sort_keys=True) if vouched else f"heard {json.dumps(event, sort_keys=True)}"
    return {
        "digest": hashlib.sha256(said.encode()).hexdigest(),
        "event": event,
        "run_id": run.get("runId"),
        "parent_run_id": parent.get("runId"),
        "event_time": at,
        "received_at": now,
        "vouched": vouched,
    }


def _edges(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    event = row["event"]
    if row["run_id"] is None:
        return []
    return [
        {
            "run_id": row["run_id"],
            "direction": direction,
            "namespace": dataset["namespace"],
            "name": dataset["name"],
            "job": f"{event['job']['namespace']}/{event['job']['name']}",
            "first_seen": row["event_time"],
        }
        for direction in ("input", "output")
        for dataset in event.get(f"{direction}s") or []
    ]


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
