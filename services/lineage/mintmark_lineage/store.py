"""Lineage's only SQL: rows in, rows and hashes out; nothing here commits."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, literal, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from mintmark_lineage.domain import Node
from mintmark_lineage.tables import checkpoints, edges, events, leaves, nodes
from mintmark_shared.errors import NotFound

SEQUENCER = 7_305_001
PAGE = 100


class Store:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    # --- OpenLineage ---------------------------------------------------------------------

    async def add_events(self, rows: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        """The digests of those that are new."""
        added = upsert(events).values(list(rows)).on_conflict_do_nothing(index_elements=["digest"])
        return (await self._connection.scalars(added.returning(events.c.digest))).all()

    async def add_edges(self, rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            await self._connection.execute(upsert(edges).on_conflict_do_nothing(), list(rows))

    async def events_of_run(self, run_id: str) -> Sequence[Any]:
        """The run's events and those of runs under it, by their time."""
        found = await self._connection.scalars(
            select(events.c.event)
            .where(or_(events.c.run_id == run_id, events.c.parent_run_id == run_id))
            .order_by(events.c.event_time, events.c.id)
        )
        return found.all()

    async def neighbours(self, frontier: Iterable[tuple[str, str]], direction: str) -> Sequence[Any]:
        """Runs beside these datasets and the datasets on their other side.

        Upstream walks from outputs to inputs, downstream the other way.
        """
        near, far = ("output", "input") if direction == "upstream" else ("input", "output")
        here, there = edges.alias(), edges.alias()
        query = (
            select(
                here.c.namespace, here.c.name, here.c.run_id, here.c.job,
                there.c.namespace.label("far_namespace"), there.c.name.label("far_name"),
            )
            .select_from(here.outerjoin(there, (there.c.run_id == here.c.run_id) & (there.c.direction == literal(far))))
            .where(here.c.direction == near, tuple_(here.c.namespace, here.c.name).in_(list(frontier)))
        )  # fmt: skip
        return (await self._connection.execute(query)).all()

    async def knows_dataset(self, namespace: str, name: str) -> bool:
        query = select(edges.c.run_id).where(edges.c.namespace == namespace, edges.c.name == name).limit(1)
        return (await self._connection.execute(query)).first() is not None

    # --- the audit log -------------------------------------------------------------------

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

    async def append(self, new: Mapping[int, Any], made: Sequence[tuple[Node, bytes]], at: datetime) -> None:
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

    async def leaf(self, index: int) -> Row[Any]:
        found = (await self._connection.execute(select(leaves).where(leaves.c.position == index))).one_or_none()
        if found is None:
            raise NotFound(f"The log has no leaf {index}.")
        return found

    async def leaves(self, subject: str | None, after: int) -> Sequence[Row[Any]]:
        query = select(leaves).where(leaves.c.position > after).order_by(leaves.c.position).limit(PAGE)
        if subject is not None:
            query = query.where(leaves.c.subject == subject)
        return (await self._connection.execute(query)).all()

    async def latest_checkpoint(self) -> Row[Any] | None:
        query = select(checkpoints).order_by(checkpoints.c.size.desc()).limit(1)
        return (await self._connection.execute(query)).one_or_none()

    async def add_checkpoint(self, size: int, root: bytes, note: str, at: datetime) -> None:
        await self._connection.execute(
            upsert(checkpoints).values(size=size, root=root, note=note, signed_at=at).on_conflict_do_nothing()
        )
