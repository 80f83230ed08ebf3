"""The audit log: leaves given their places, checkpoints signed, proofs made."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_lineage.domain.merkle import (
    Node,
    Span,
    consistency_spans,
    cover,
    covers,
    grown,
    inclusion_spans,
    span_hash,
)
from moneyer_lineage.store.log import LogStore
from moneyer_lineage.tables import audit_events
from moneyer_lineage.use_cases.archive import Archive
from moneyer_shared.canonical import canonical
from moneyer_shared.errors import Conflict, Invalid, NotFound, Unavailable
from moneyer_shared.journal import AuditEvent, write_down

TILE = 256
"""Hashes or entries in a whole tile (C2SP tlog-tiles), and levels of the tree one level of tiles spans: 8."""
LONGEST_LEAF = 2**16 - 1
"""Bytes: tiles give an entry's length in two of them, and a longer entry would spoil its tile for good."""


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
    async with archive.database.transaction() as connection:
        return await append_within(connection, leaves, archive.clock())


async def append_within(connection: AsyncConnection, leaves: Sequence[Leaf], now: datetime) -> list[int | Conflict]:
    """The same in a transaction that does more: last of all, for from here on others wait for their places."""
    store = LogStore(connection)
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


async def record_act(connection: AsyncConnection, event: AuditEvent, now: datetime) -> None:
    """Log what lineage itself did, in the transaction that did it (I4), and last in it."""
    await record_acts(connection, [event], now)


async def record_acts(connection: AsyncConnection, events: Sequence[AuditEvent], now: datetime) -> None:
    """The same of several things; last, or two transactions wait for each other in a ring."""
    written = [(event.subject, await write_down(connection, "lineage", audit_events, now, event)) for event in events]
    leaves = [Leaf(UUID(leaf["id"]), subject, canonical(leaf)) for subject, leaf in written]
    if leaves:
        await append_within(connection, leaves, now)


def _place(leaf: Leaf, index: int, content: bytes) -> int | Conflict:
    if content != leaf.content:
        return Conflict("Another event has this id; the log never changes.", code="event-changed")
    return index


async def sign_checkpoint(archive: Archive) -> bool:
    """Sign the tree as it stands, if it grew since the last time."""
    now = archive.clock()
    async with archive.database.transaction() as connection:
        store = LogStore(connection)
        last = await store.latest_checkpoint()
        size = await store.lock_sequence()
        if size == 0 or (last is not None and last.size == size):
            return False
        root = span_hash((0, size), await store.hashes(cover((0, size))))
        await store.add_checkpoint(size, root, archive.signer.sign(size, root), now)
        return True


async def checkpoint(archive: Archive) -> str:
    """The newest signed checkpoint, with the witnesses' signatures under it.

    Raises:
        Unavailable: nothing was logged yet.
    """
    async with archive.database.transaction() as connection:
        _, note = await newest_checkpoint(LogStore(connection))
    return note


async def newest_checkpoint(store: LogStore) -> tuple[Any, str]:
    """The newest checkpoint's row, and its note with the witnesses' signatures under it.

    Raises:
        Unavailable: nothing was logged yet.
    """
    last = await store.latest_checkpoint()
    if last is None:
        raise Unavailable("The log has no checkpoint yet; ask again in a few seconds.")
    cosigned = await store.cosignatures(last.size)
    return last, "".join([last.note, *(f"{line}\n" for line in cosigned)])


async def prove(archive: Archive, index: int) -> dict[str, Any]:
    """A leaf, its inclusion proof, and the checkpoint it is proved against.

    Raises:
        NotFound: there is no such leaf, or no checkpoint covers it yet.
    """
    async with archive.database.transaction() as connection:
        store = LogStore(connection)
        return await prove_at(store, index, await store.latest_checkpoint())


async def prove_at(store: LogStore, index: int, last: Any | None) -> dict[str, Any]:
    """A leaf's proof against a checkpoint's row.

    Raises:
        NotFound: there is no such leaf, or the checkpoint does not cover it.
    """
    row = await store.leaf(index)
    if last is None or last.size <= index:
        raise NotFound(f"No checkpoint covers leaf {index} yet; ask again in a few seconds.")
    proof = await span_hashes(store, inclusion_spans(index, last.size))
    return {"index": index, "leaf": row.leaf.decode(), "proof": proof, "checkpoint": last.note}


async def prove_consistency(archive: Archive, first: int, second: int) -> dict[str, Any]:
    """That the tree of one size begins with that of a smaller one, and the checkpoint of the larger.

    Raises:
        Invalid: the sizes are not those of a smaller and a larger tree.
        NotFound: no checkpoint was signed at the larger size.
    """
    if not 0 < first <= second:
        raise Invalid("from lies between 1 and to.", code="sizes-out-of-order")
    async with archive.database.transaction() as connection:
        store = LogStore(connection)
        row = await store.checkpoint_of(second)
        if row is None:
            raise NotFound(f"No checkpoint was signed at size {second}; ask for the size of one you hold.")
        proof = await span_hashes(store, consistency_spans(first, second))
    return {"from": first, "to": second, "proof": proof, "checkpoint": row.note}


async def span_hashes(store: LogStore, spans: Sequence[Span]) -> list[str]:
    """The hashes of spans of the tree, base64."""
    hashes = await store.hashes(covers(spans))
    return [base64.b64encode(span_hash(span, hashes)).decode() for span in spans]


async def tile(archive: Archive, level: int, number: int, width: int) -> bytes:
    """A tile of the tree: ``width`` hashes of subtrees of 256^level leaves, end to end (C2SP tlog-tiles).

    Raises:
        NotFound: the tree has not grown that far.
    """
    wanted = [Node(8 * level, number * TILE + place) for place in range(width)]
    async with archive.database.transaction() as connection:
        hashes = await LogStore(connection).hashes(wanted)
    if len(hashes) < width:
        raise NotFound("The tree has not grown that far.")
    return b"".join(hashes[node] for node in wanted)


async def entries_tile(archive: Archive, number: int, width: int) -> bytes:
    """A bundle of entries, each after its length as two bytes, big end first (C2SP tlog-tiles).

    Raises:
        NotFound: the log has not grown that far.
    """
    async with archive.database.transaction() as connection:
        rows = await LogStore(connection).span(number * TILE, width)
    if len(rows) < width:
        raise NotFound("The log has not grown that far.")
    return b"".join(len(row.leaf).to_bytes(2) + row.leaf for row in rows)
