"""Load, decide, save: events are taken in, leaves sequenced, checkpoints signed, records composed."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from mintmark_lineage.domain import (
    CheckpointSigner,
    Node,
    compose_record,
    cover,
    covers,
    grown,
    inclusion_spans,
    span_hash,
)
from mintmark_lineage.store import Store
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


Told = tuple[dict[str, Any], datetime]
"""An OpenLineage event and its time."""


async def take_events(archive: Archive, told: Sequence[Told]) -> None:
    """Keep OpenLineage events; one that is known already changes nothing."""
    now = archive.clock()
    rows = {row["digest"]: row for row in (_event_row(event, at, now) for event, at in told)}
    if not rows:
        return
    async with archive.database.transaction() as connection:
        store = Store(connection)
        new = await store.add_events(list(rows.values()))
        await store.add_edges([edge for digest in new for edge in _edges(rows[digest])])


def _event_row(event: dict[str, Any], at: datetime, now: datetime) -> dict[str, Any]:
    run = event.get("run") or {}
    parent = ((run.get("facets") or {}).get("parent") or {}).get("run") or {}
    return {
        "digest": hashlib.sha256(json.dumps(event, sort_keys=True).encode()).hexdigest(),
        "event": event,
        "run_id": run.get("runId"),
        "parent_run_id": parent.get("runId"),
        "event_time": at,
        "received_at": now,
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


@dataclass(frozen=True)
class Leaf:
    """An audit event as the log keeps it."""

    event_id: UUID
    subject: str
    content: bytes


async def append_leaves(archive: Archive, leaves: Sequence[Leaf]) -> list[int | Conflict]:
    """Give audit events their places in the log, in their order; a repeat is told the place it has.

    An id that was used for another event is answered with a conflict; the others have their places all the same.
    """
    if not leaves:
        return []
    now = archive.clock()
    async with archive.database.transaction() as connection:
        store = Store(connection)
        first = await store.lock_sequence()
        known = await store.known([leaf.event_id for leaf in leaves])
        new: dict[int, Leaf] = {}
        for leaf in leaves:
            if leaf.event_id not in known:
                index = first + len(new)
                known[leaf.event_id] = (index, leaf.content)
                new[index] = leaf
        hashes = await store.hashes(cover((0, first)))
        made: list[tuple[Node, bytes]] = []
        for index, leaf in new.items():
            made += grown(index, leaf.content, hashes.__getitem__)
            hashes |= made
        await store.append(new, made, now)
    return [_place(leaf, *known[leaf.event_id]) for leaf in leaves]


def _place(leaf: Leaf, index: int, content: bytes) -> int | Conflict:
    if content != leaf.content:
        return Conflict("Another event has this id; the log never changes.", code="event-changed")
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
