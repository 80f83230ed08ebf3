"""The audit log's rows: leaves, complete subtrees, checkpoints, and who has put their name to them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, func, insert, select, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_lineage.log.documents import Outpost
from moneyer_lineage.log.rules.leaves import Leaf
from moneyer_lineage.log.rules.merkle import Node
from moneyer_lineage.log.tables import checkpoints, cosignatures, leaves, nodes, outposts
from moneyer_shared.errors import NotFound
from moneyer_shared.paging import page

SEQUENCER = 7_305_001


@dataclass(frozen=True)
class LoggedLeaf:
    """A leaf at its place."""

    index: int
    content: bytes
    sequenced_at: datetime

    @property
    def leaf(self) -> str:
        """As it was told: JSON."""
        return self.content.decode()


@dataclass(frozen=True)
class Checkpoint:
    """A tree head, and the signed note that says it."""

    size: int
    root: bytes
    note: str


class LogStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def lock_sequence(self) -> int:
        """Become the sequencer of this transaction; returns the number of leaves so far."""
        await self._connection.execute(select(func.pg_advisory_xact_lock(SEQUENCER)))
        return await self.size()

    async def size(self) -> int:
        last = await self._connection.scalar(select(func.max(leaves.c.position)))
        return 0 if last is None else int(last) + 1

    async def known(self, event_ids: Sequence[UUID]) -> dict[UUID, tuple[int, bytes]]:
        """Position and content of the leaves these events have."""
        rows = await self._connection.execute(select(leaves).where(leaves.c.event_id.in_(event_ids)))
        return {row.event_id: (row.position, row.leaf) for row in rows}

    async def append(self, new: Mapping[int, Leaf], made: Sequence[tuple[Node, bytes]], at: datetime) -> None:
        """New leaves by position, and the complete subtrees they finish."""
        if not new:
            return
        rows = [
            {"position": index, "event_id": leaf.event_id, "leaf": leaf.content, "subject": leaf.subject,
             "sequenced_at": at}
            for index, leaf in new.items()
        ]  # fmt: skip
        await self._connection.execute(insert(leaves), rows)
        grown = [{"level": node.level, "position": node.index, "hash": value} for node, value in made]
        await self._connection.execute(insert(nodes), grown)

    async def hashes(self, needed: Iterable[Node]) -> dict[Node, bytes]:
        keys = [(node.level, node.index) for node in needed]
        if not keys:
            return {}
        rows = await self._connection.execute(select(nodes).where(tuple_(nodes.c.level, nodes.c.position).in_(keys)))
        return {Node(row.level, row.position): row.hash for row in rows}

    async def leaf(self, index: int) -> LoggedLeaf:
        """A leaf by its index.

        Raises:
            NotFound: the log has none there.
        """
        found = (await self._connection.execute(select(leaves).where(leaves.c.position == index))).one_or_none()
        if found is None:
            raise NotFound(f"The log has no leaf {index}.")
        return _leaf(found)

    async def leaves(self, subject: str | None, after: int) -> Sequence[LoggedLeaf]:
        query = select(leaves)
        if subject is not None:
            query = query.where(leaves.c.subject == subject)
        return [_leaf(row) for row in await page(self._connection, query, leaves.c.position, after=after)]

    async def places(self, subjects: Iterable[str]) -> list[int]:
        """Where every leaf about any of them stands, in order."""
        about = select(leaves.c.position).where(leaves.c.subject.in_(list(subjects)))
        return list((await self._connection.scalars(about.order_by(leaves.c.position))).all())

    async def latest_checkpoint(self) -> Checkpoint | None:
        query = select(checkpoints).order_by(checkpoints.c.size.desc()).limit(1)
        return _checkpoint((await self._connection.execute(query)).one_or_none())

    async def add_checkpoint(self, size: int, root: bytes, note: str, at: datetime) -> None:
        await self._connection.execute(
            upsert(checkpoints).values(size=size, root=root, note=note, signed_at=at).on_conflict_do_nothing()
        )

    async def checkpoint_of(self, size: int) -> Checkpoint | None:
        query = select(checkpoints).where(checkpoints.c.size == size)
        return _checkpoint((await self._connection.execute(query)).one_or_none())

    async def span(self, first: int, count: int) -> Sequence[LoggedLeaf]:
        """So many leaves from one on, fewer where the log ends."""
        query = select(leaves).where(leaves.c.position >= first, leaves.c.position < first + count)
        return [_leaf(row) for row in await self._connection.execute(query.order_by(leaves.c.position))]

    async def add_cosignature(self, size: int, witness: str, line: str, at: datetime) -> None:
        values = {"size": size, "witness": witness, "line": line, "at": at}
        await self._connection.execute(upsert(cosignatures).values(values).on_conflict_do_nothing())

    async def cosignatures(self, size: int) -> Sequence[str]:
        """The witnesses' lines under the checkpoint of that size."""
        query = select(cosignatures.c.line).where(cosignatures.c.size == size).order_by(cosignatures.c.witness)
        return (await self._connection.scalars(query)).all()

    async def reached(self, place: str) -> int:
        """The size of the newest checkpoint that a place outside has; 0 for none."""
        return await self._connection.scalar(select(outposts.c.size).where(outposts.c.place == place)) or 0

    async def reach(self, place: str, size: int, at: datetime) -> None:
        added = upsert(outposts).values(place=place, size=size, at=at)
        newer = {"size": func.greatest(outposts.c.size, size), "at": at}
        await self._connection.execute(added.on_conflict_do_update(index_elements=["place"], set_=newer))

    async def outposts(self) -> list[Outpost]:
        rows = await self._connection.execute(select(outposts).order_by(outposts.c.place))
        return [Outpost.model_validate(row) for row in rows]


def _leaf(row: Row[tuple[object, ...]]) -> LoggedLeaf:
    return LoggedLeaf(row.position, row.leaf, row.sequenced_at)


def _checkpoint(row: Row[tuple[object, ...]] | None) -> Checkpoint | None:
    return Checkpoint(row.size, row.root, row.note) if row is not None else None
