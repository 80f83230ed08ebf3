"""The audit log: leaves given their places, checkpoints signed, proofs made."""

import base64
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_lineage.dependencies import ITSELF, Dependencies, Work
from moneyer_lineage.log.documents import (
    After,
    AuditLeaf,
    ConsistencyProof,
    InclusionProof,
    Index,
    Level,
    LogEntry,
    Outpost,
    Sequenced,
    Size,
    Subject,
)
from moneyer_lineage.log.rules.leaves import LEVELS_A_TILE, LONGEST_LEAF, TILE, Leaf, check_speaker, tile_of
from moneyer_lineage.log.rules.merkle import (
    Node,
    Span,
    consistency_spans,
    cover,
    covers,
    grown,
    inclusion_spans,
    span_hash,
)
from moneyer_lineage.log.store import Checkpoint, LogStore
from moneyer_lineage.metadata import audit_events
from moneyer_shared.canonical import canonical, check_storable
from moneyer_shared.errors import Conflict, Invalid, NotFound, Unavailable
from moneyer_shared.journal import AuditEvent, write_down
from moneyer_shared.work import Workflow

# --- leaves ------------------------------------------------------------------------------------


async def append_audit_event(work: Work, leaf: AuditLeaf) -> Sequenced:
    """Give an audit event its place in the log; a repeat is told the place it has.

    Raises:
        Forbidden: the caller does not speak for that service.
        Invalid: the event holds what is not kept.
        Conflict: the id was used for another event.
    """
    check_speaker(leaf.service, work.setup.speakers.get(work.caller.client))
    (place,) = await append_leaves(work.connection, [leaf_of(leaf)], work.now)
    if isinstance(place, Conflict):
        raise place
    return Sequenced(index=place)


def leaf_of(leaf: AuditLeaf) -> Leaf:
    """An audit event as the log keeps it.

    Raises:
        Invalid: it holds what Postgres cannot keep, or more than an entry of a tile holds.
    """
    told = leaf.model_dump(mode="json")
    check_storable(told)
    content = canonical(told)
    if len(content) > LONGEST_LEAF:
        raise Invalid(
            f"An audit event may hold {LONGEST_LEAF} bytes; keep ids and digests in it.", code="leaf-too-long"
        )
    return Leaf(leaf.id, leaf.subject, content)


async def append_leaves(connection: AsyncConnection, leaves: Sequence[Leaf], now: datetime) -> list[int | Conflict]:
    """Give audit events their places in the log, in their order; a repeat is told the place it has.

    Last of all in a transaction, for from here on others wait for their places. An id that was used for another event
    is answered with a conflict; the others have their places all the same.
    """
    if not leaves:
        return []
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


def _place(leaf: Leaf, index: int, content: bytes) -> int | Conflict:
    if content != leaf.content:
        return Conflict("Another event has this id; the log never changes.", code="event-changed")
    return index


async def log_acts(connection: AsyncConnection, events: Sequence[AuditEvent], now: datetime) -> None:
    """Log what lineage itself did, in the transaction that did it (I4), and last in it."""
    written = [(event.subject, await write_down(connection, "lineage", audit_events, now, event)) for event in events]
    leaves = [Leaf(UUID(leaf["id"]), subject, canonical(leaf)) for subject, leaf in written]
    await append_leaves(connection, leaves, now)


async def list_log_entries(work: Work, subject: Subject | None = None, after: After = -1) -> list[LogEntry]:
    return [LogEntry.model_validate(leaf) for leaf in await LogStore(work.connection).leaves(subject, after)]


# --- checkpoints ---------------------------------------------------------------------------------


async def sign_checkpoint(dependencies: Dependencies) -> bool:
    """Sign the tree as it stands, if it grew since the last time."""
    async with dependencies.begin(Work, ITSELF) as work:
        store = LogStore(work.connection)
        last = await store.latest_checkpoint()
        size = await store.lock_sequence()
        if size == 0 or (last is not None and last.size == size):
            return False
        root = span_hash((0, size), await store.hashes(cover((0, size))))
        await store.add_checkpoint(size, root, dependencies.signer.sign(size, root), work.now)
        return True


async def get_checkpoint(work: Work) -> str:
    """The newest signed checkpoint, with the witnesses' signatures under it.

    Raises:
        Unavailable: nothing was logged yet.
    """
    _, note = await newest_checkpoint(LogStore(work.connection))
    return note


async def newest_checkpoint(store: LogStore) -> tuple[Checkpoint, str]:
    """The newest checkpoint, and its note with the witnesses' signatures under it.

    Raises:
        Unavailable: nothing was logged yet.
    """
    last = await store.latest_checkpoint()
    if last is None:
        raise Unavailable("The log has no checkpoint yet; ask again in a few seconds.")
    cosigned = await store.cosignatures(last.size)
    return last, "".join([last.note, *(f"{line}\n" for line in cosigned)])


async def get_log_key(flow: Workflow[Dependencies]) -> str:
    """The key that checkpoints are verified with."""
    return flow.dependencies.signer.verifier_key


async def list_outposts(work: Work) -> list[Outpost]:
    return await LogStore(work.connection).outposts()


# --- proofs --------------------------------------------------------------------------------------


async def prove_log_entry(work: Work, index: Index) -> InclusionProof:
    """A leaf, its inclusion proof, and the checkpoint it is proved against.

    Raises:
        NotFound: there is no such leaf, or no checkpoint covers it yet.
    """
    store = LogStore(work.connection)
    return await prove_against(store, index, await store.latest_checkpoint())


async def prove_against(store: LogStore, index: int, last: Checkpoint | None) -> InclusionProof:
    """A leaf's proof against a checkpoint.

    Raises:
        NotFound: there is no such leaf, or the checkpoint does not cover it.
    """
    logged = await store.leaf(index)
    if last is None or last.size <= index:
        raise NotFound(f"No checkpoint covers leaf {index} yet; ask again in a few seconds.")
    proof = await span_hashes(store, inclusion_spans(index, last.size))
    return InclusionProof(index=index, leaf=logged.leaf, proof=proof, checkpoint=last.note)


async def prove_consistency(work: Work, first: Size, second: Size) -> ConsistencyProof:
    """That the tree of one size begins with that of a smaller one, and the checkpoint of the larger.

    Raises:
        Invalid: the sizes are not those of a smaller and a larger tree.
        NotFound: no checkpoint was signed at the larger size.
    """
    if not 0 < first <= second:
        raise Invalid("from lies between 1 and to.", code="sizes-out-of-order")
    store = LogStore(work.connection)
    signed = await store.checkpoint_of(second)
    if signed is None:
        raise NotFound(f"No checkpoint was signed at size {second}; ask for the size of one you hold.")
    proof = await span_hashes(store, consistency_spans(first, second))
    return ConsistencyProof(first=first, second=second, proof=proof, checkpoint=signed.note)


async def span_hashes(store: LogStore, spans: Sequence[Span]) -> list[str]:
    """The hashes of spans of the tree, base64."""
    hashes = await store.hashes(covers(spans))
    return [base64.b64encode(span_hash(span, hashes)).decode() for span in spans]


# --- tiles ---------------------------------------------------------------------------------------


async def get_tile(work: Work, level: Level, path: str) -> bytes:
    """A tile of the tree: hashes of subtrees of 256^level leaves, end to end (C2SP tlog-tiles).

    Raises:
        NotFound: it is no tile's path, or the tree has not grown that far.
    """
    number, width = tile_of(path)
    wanted = [Node(LEVELS_A_TILE * level, number * TILE + place) for place in range(width)]
    hashes = await LogStore(work.connection).hashes(wanted)
    if len(hashes) < width:
        raise NotFound("The tree has not grown that far.")
    return b"".join(hashes[node] for node in wanted)


async def get_entries_tile(work: Work, path: str) -> bytes:
    """A bundle of entries, each after its length as two bytes, big end first (C2SP tlog-tiles).

    Raises:
        NotFound: it is no tile's path, or the log has not grown that far.
    """
    number, width = tile_of(path)
    found = await LogStore(work.connection).span(number * TILE, width)
    if len(found) < width:
        raise NotFound("The log has not grown that far.")
    return b"".join(len(leaf.content).to_bytes(2) + leaf.content for leaf in found)
