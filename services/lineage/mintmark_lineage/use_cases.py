"""Load, decide, save: events are taken in, leaves sequenced, checkpoints signed, records composed."""

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from mintmark_lineage.domain import (
    CheckpointSigner,
    compose_record,
    cover,
    covers,
    grown,
    inclusion_spans,
    left_siblings,
    span_hash,
)
from mintmark_lineage.store import Store
from mintmark_shared.canonical import canonical, check_storable
from mintmark_shared.clock import Clock
from mintmark_shared.database import Database
from mintmark_shared.errors import Conflict, NotFound, Unavailable

MOST_NODES = 2000


@dataclass(frozen=True)
class Archive:
    """Lineage's collaborators."""

    database: Database
    clock: Clock
    signer: CheckpointSigner


# --- OpenLineage --------------------------------------------------------------------------


async def take_event(archive: Archive, event: dict[str, Any], event_time: datetime) -> bool:
    """Keep an OpenLineage event; the same event again changes nothing. Returns whether it was new."""
    check_storable(event)
    run = event.get("run") or {}
    job = event.get("job") or {}
    parent = ((run.get("facets") or {}).get("parent") or {}).get("run") or {}
    now = archive.clock()
    values = {
        "digest": hashlib.sha256(json.dumps(event, sort_keys=True).encode()).hexdigest(),
        "event": event,
        "run_id": run.get("runId"),
        "parent_run_id": parent.get("runId"),
        "event_time": event_time,
        "received_at": now,
    }
    async with archive.database.transaction() as connection:
        store = Store(connection)
        new = await store.add_event(values)
        if new and run:
            await store.add_edges(_edges(event, run["runId"], f"{job['namespace']}/{job['name']}", event_time))
        return new


def _edges(event: dict[str, Any], run_id: str, job: str, at: datetime) -> list[dict[str, Any]]:
    return [
        {
            "run_id": run_id,
            "direction": direction,
            "namespace": dataset["namespace"],
            "name": dataset["name"],
            "job": job,
            "first_seen": at,
        }
        for direction in ("input", "output")
        for dataset in event.get(f"{direction}s") or []
    ]


async def graph(archive: Archive, *, namespace: str, name: str, direction: str, depth: int) -> dict[str, Any]:
    """Runs and datasets upstream or downstream of a dataset, breadth first.

    Raises:
        NotFound: no event names the dataset.
    """
    async with archive.database.transaction() as connection:
        store = Store(connection)
        if not await store.knows_dataset(namespace, name):
            raise NotFound(f"No event names dataset {namespace}/{name}.")
        seen = {(namespace, name)}
        frontier = set(seen)
        runs: dict[str, str] = {}
        links: set[tuple[str, str]] = set()
        for _ in range(depth):
            rows = await store.neighbours(frontier, direction)
            frontier = set()
            for row in rows:
                runs[row.run_id] = row.job
                links.add(_link(f"dataset:{row.namespace}/{row.name}", f"run:{row.run_id}", direction))
                if row.far_name is not None:
                    far = (row.far_namespace, row.far_name)
                    links.add(_link(f"run:{row.run_id}", f"dataset:{far[0]}/{far[1]}", direction))
                    frontier |= {far} - seen
            seen |= frontier
            if not frontier or len(seen) > MOST_NODES:
                break
    return {
        "datasets": [{"namespace": space, "name": title} for space, title in sorted(seen)],
        "runs": [{"id": run, "job": job} for run, job in sorted(runs.items())],
        "links": [{"from": start, "to": end} for start, end in sorted(links)],
    }


def _link(start: str, end: str, direction: str) -> tuple[str, str]:
    """Links always point the way the data went."""
    return (end, start) if direction == "upstream" else (start, end)


async def record(archive: Archive, asset: UUID) -> dict[str, Any]:
    """The record of an asset: how it came about, and what was decided on it.

    Raises:
        NotFound: nothing was told of this asset's run.
    """
    async with archive.database.transaction() as connection:
        store = Store(connection)
        events = await store.events_of_run(str(asset))
        if not events:
            raise NotFound(f"Nothing was told of asset {asset}.")
        composed = compose_record(str(asset), events)
        permit = composed.get("charge", {}).get("permit")
        subjects = [f"run:{asset}", f"asset:{asset}", f"permit:{permit}"]
        entries = [row.position for subject in subjects for row in await store.leaves(subject, -1)]
    return composed | {"log_entries": sorted(entries)}


# --- the audit log ------------------------------------------------------------------------


async def append_leaf(archive: Archive, event_id: UUID, subject: str, leaf: dict[str, Any]) -> int:
    """Give an audit event its place in the log; a repeat is told the place it has.

    Raises:
        Conflict: the id was used for another event.
    """
    check_storable(leaf)
    content = canonical(leaf)
    now = archive.clock()
    async with archive.database.transaction() as connection:
        store = Store(connection)
        index = await store.lock_sequence()
        known = await store.index_of(event_id)
        if known is not None:
            if (await store.leaf(known)).leaf != content:
                raise Conflict("Another event has this id; the log never changes.", code="event-changed")
            return known
        hashes = await store.hashes(left_siblings(index))
        await store.append(index, event_id, content, subject, grown(index, content, hashes.__getitem__), now)
        return index


async def sign_checkpoint(archive: Archive) -> bool:
    """Sign the tree as it stands, if it grew since the last time."""
    now = archive.clock()
    async with archive.database.transaction() as connection:
        store = Store(connection)
        last = await store.latest_checkpoint()
        size = await store.lock_sequence()
        if size == 0 or (last is not None and last.size == size):
            return False
        root = span_hash((0, size), await store.hashes(cover((0, size))))
        await store.add_checkpoint(size, root, archive.signer.sign(size, root), now)
        return True


async def checkpoint(archive: Archive) -> str:
    """The newest signed checkpoint.

    Raises:
        Unavailable: nothing was logged yet.
    """
    async with archive.database.transaction() as connection:
        last = await Store(connection).latest_checkpoint()
    if last is None:
        raise Unavailable("The log has no checkpoint yet; ask again in a few seconds.")
    note: str = last.note
    return note


async def prove(archive: Archive, index: int) -> dict[str, Any]:
    """A leaf, its inclusion proof, and the checkpoint it is proved against.

    Raises:
        NotFound: there is no such leaf, or no checkpoint covers it yet.
    """
    async with archive.database.transaction() as connection:
        store = Store(connection)
        row = await store.leaf(index)
        last = await store.latest_checkpoint()
        if last is None or last.size <= index:
            raise NotFound(f"No checkpoint covers leaf {index} yet; ask again in a few seconds.")
        spans = inclusion_spans(index, last.size)
        hashes = await store.hashes(covers(spans))
    proof = [base64.b64encode(span_hash(span, hashes)).decode() for span in spans]
    return {"index": index, "leaf": row.leaf.decode(), "proof": proof, "checkpoint": last.note}
