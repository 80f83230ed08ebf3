"""Deliveries of released tables."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict, Unpack
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Row, and_, case, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_generation.documents.connections import Problem
from moneyer_generation.documents.deliveries import Delivery, DeliveryRequest, Wanted
from moneyer_generation.rules.delivery import ENDS, DeliveryProgress, DeliveryState
from moneyer_generation.store.pulls import SALT_BYTES
from moneyer_generation.tables import deliveries
from moneyer_shared.contracts.generation import DeliveredForm
from moneyer_shared.errors import NotFound
from moneyer_shared.paging import page
from moneyer_shared.queue import Superseded


@dataclass(frozen=True)
class KeptDelivery:
    """A delivery as who asked for it sees it, and what a worker must know of it beside."""

    shown: Delivery
    wanted: Wanted
    salt: bytes
    holder: UUID
    attempt: int
    begun_at: datetime | None
    cancel_requested: bool

    @property
    def progress(self) -> DeliveryProgress:
        failed = self.shown.problem is not None
        return DeliveryProgress(self.shown.state, self.begun_at, failed, self.cancel_requested, self.attempt)


class DeliveryChanges(TypedDict, total=False):
    state: DeliveryState
    attempt: int
    opened: bool
    begun_at: datetime | None
    sent_bytes: int
    problem: Problem | None


class DeliveryStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(
        self, asset_id: UUID, asked: DeliveryRequest, stated: DeliveredForm, rows: int, by: str, at: datetime
    ) -> KeptDelivery:
        """A delivery of the bytes that the asset's record states of the asked form."""
        wanted = asked.wanted
        values = {
            "asset_id": asset_id, "connection_id": asked.connection_id, "wanted": wanted.model_dump(mode="json"),
            "form": wanted.written_as, "digest": f"sha256:{stated.sha256}", "bytes": stated.bytes, "rows": rows,
            "salt": secrets.token_bytes(SALT_BYTES), "state": "waiting", "requested_by": by, "requested_at": at,
            "changed_at": at,
        }  # fmt: skip
        return _kept((await self._connection.execute(insert(deliveries).values(values).returning(deliveries))).one())

    async def delivery(self, delivery_id: UUID) -> KeptDelivery:
        """One delivery.

        Raises:
            NotFound: there is none of that id.
        """
        row = (await self._connection.execute(select(deliveries).where(deliveries.c.id == delivery_id))).one_or_none()
        if row is None:
            raise NotFound(f"There is no delivery {delivery_id}.")
        return _kept(row)

    async def page(self, asset_id: UUID, after: UUID | None) -> Sequence[KeptDelivery]:
        query = select(deliveries).where(deliveries.c.asset_id == asset_id)
        rows = await page(self._connection, query, deliveries.c.id, after=after, newest_first=True)
        return [_kept(row) for row in rows]

    async def take_up(self, delivery_id: UUID) -> KeptDelivery:
        """The delivery, held by who asks from now on.

        Raises:
            NotFound: there is none of that id.
        """
        taken = update(deliveries).where(deliveries.c.id == delivery_id).values(holder=uuid4()).returning(deliveries)
        row = (await self._connection.execute(taken)).one_or_none()
        if row is None:
            raise NotFound(f"There is no delivery {delivery_id}.")
        return _kept(row)

    async def save(self, delivery: KeptDelivery, at: datetime, **changes: Unpack[DeliveryChanges]) -> KeptDelivery:
        """Change a delivery that is held.

        Raises:
            Superseded: another worker took it up, or it was ended.
        """
        values: dict[str, object] = {**changes}
        if problem := changes.get("problem"):
            values["problem"] = problem.model_dump(mode="json")
        here = (deliveries.c.id == delivery.shown.id, deliveries.c.holder == delivery.holder)
        saved = update(deliveries).where(*here, deliveries.c.state.not_in(ENDS)).values(changed_at=at, **values)
        row = (await self._connection.execute(saved.returning(deliveries))).one_or_none()
        if row is None:
            raise Superseded(str(delivery.shown.id))
        return _kept(row)

    async def ask_to_cancel(self, delivery_id: UUID, at: datetime) -> KeptDelivery | None:
        """The delivery, with the wish to end it; one that nothing was opened for has ended. None where it had ended."""
        which = (deliveries.c.id == delivery_id, deliveries.c.state.not_in(ENDS))
        ended = case((_untouched(), "cancelled"), else_=deliveries.c.state)
        asked = update(deliveries).where(*which).values(cancel_requested=True, state=ended, changed_at=at)
        row = (await self._connection.execute(asked.returning(deliveries))).one_or_none()
        return _kept(row) if row is not None else None


def _untouched() -> ColumnElement[bool]:
    return and_(deliveries.c.state == "waiting", deliveries.c.opened.is_(False))


def _kept(row: Row[tuple[object, ...]]) -> KeptDelivery:
    wanted = Wanted.model_validate(row.wanted)
    shown = Delivery(
        id=row.id,
        asset_id=row.asset_id,
        connection_id=row.connection_id,
        state=row.state,
        wanted=wanted,
        form=row.form,
        digest=row.digest,
        bytes=row.bytes,
        rows=row.rows,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        changed_at=row.changed_at,
        sent_bytes=row.sent_bytes,
        problem=Problem.model_validate(row.problem) if row.problem else None,
    )
    return KeptDelivery(shown, wanted, row.salt, row.holder, row.attempt, row.begun_at, row.cancel_requested)
