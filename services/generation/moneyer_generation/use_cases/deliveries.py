"""Deliveries as callers ask for them: begun, looked at, ended."""

from collections.abc import Sequence
from uuid import UUID

from moneyer_generation.dependencies import Flow
from moneyer_generation.documents.assets import AssetFile
from moneyer_generation.documents.deliveries import Delivery, DeliveryRequest
from moneyer_generation.rules.delivery import unfit_columns
from moneyer_generation.store.deliveries import KeptDelivery
from moneyer_generation.use_cases.owners import connection_owner
from moneyer_generation.use_cases.pulls import LAST, usable_connection
from moneyer_generation.work import Work
from moneyer_shared.contracts.actions import Action
from moneyer_shared.errors import Conflict, Invalid, NotFound
from moneyer_shared.journal import AuditEvent
from moneyer_shared.ownership import check_own


async def check_delivery(flow: Flow, asset_id: UUID, asked: DeliveryRequest) -> None:
    """See that the caller may read the asset now; the worker asks again when it opens the table.

    Raises:
        NotFound: no such asset, or not decided on yet.
        Forbidden: rejected, stopped, or the caller holds no grant that counts.
        Gone: its key was destroyed.
    """
    del asked
    await flow.dependencies.policy.check_reader(asset_id, flow.by)


async def request_delivery(work: Work, asset_id: UUID, asked: DeliveryRequest) -> Delivery:
    """Have a worker bring a released table to where a connection leads.

    Raises:
        NotFound: there is no such asset or connection.
        Forbidden: the connection's owner does not let the caller use it.
        Conflict: the connection is not one to deliver through, or was retired; or no digest of the table was recorded.
        Invalid: a database is asked for a file, or a store for a table; or a column's name is none there.
    """
    row = await usable_connection(work, asked.connection_id, work.by, "deliver")
    _check_fits(row.target.kind, asked)
    file = await _table(work, asset_id)
    if file.delivered is None:
        raise Conflict(
            "This table was made before digests of what is handed out were taken: what would come to lie there could "
            "be held to nothing. Download it, or have it made anew.",
            code="not-recorded",
        )
    if asked.table is not None:
        await _check_columns(work, asset_id)
    stated = file.delivered.of(asked.wanted.written_as)
    kept = await work.deliveries.add(asset_id, asked, stated, file.rows, work.by, work.now)
    await _tell_of_request(work, kept)
    return kept.shown


async def _table(work: Work, asset_id: UUID) -> AssetFile:
    asset = (await work.runs.run(asset_id)).asset
    if asset is None:
        raise NotFound(f"Generation {asset_id} has made no table.")
    return asset


def _check_fits(kind: str, asked: DeliveryRequest) -> None:
    if (asked.table is not None) != (kind == "postgres"):
        needed = "table" if kind == "postgres" else "path"
        raise Invalid(f"Through a {kind} connection one delivers to a {needed}.", code="asked-wrongly")


async def _check_columns(work: Work, asset_id: UUID) -> None:
    """A database that cut a name off, or had a column of that name already, would keep another table."""
    run = await work.runs.run(asset_id)
    declaration = (await work.sources.source(run.plan.source_id)).declaration
    reasons = [
        {
            "code": "column-name-unfit",
            "column": name,
            "remedy": "deliver to a file, or declare a source with another name",
        }
        for name in unfit_columns([column.name for column in declaration.made])
    ]
    if reasons:
        raise Invalid(
            "A table of PostgreSQL cannot have columns of these names: they are longer than 63 bytes, or its own.",
            code="column-name-unfit",
            reasons=reasons,
        )


async def _tell_of_request(work: Work, kept: KeptDelivery) -> None:
    shown = kept.shown
    await work.schedule("delivery", shown.id, place=LAST)
    details = {"asset": str(shown.asset_id), "connection": str(shown.connection_id)}
    people, told = {"requester": shown.requested_by}, {"wanted": kept.wanted.model_dump(mode="json")}
    event = AuditEvent(
        work.by, Action.DELIVERY_REQUEST, f"delivery:{shown.id}", details=details, people=people, shown=told
    )
    await work.tell(event)


async def list_deliveries(work: Work, asset_id: UUID, after: UUID | None = None) -> Sequence[Delivery]:
    """An asset's deliveries, the latest first.

    Raises:
        NotFound: there is no such asset.
    """
    await work.runs.run(asset_id)
    return [await _shown(work, one) for one in await work.deliveries.page(asset_id, after)]


async def get_delivery(work: Work, delivery_id: UUID) -> Delivery:
    """Where a delivery stands.

    Raises:
        NotFound: there is none of that id.
    """
    return await _shown(work, await work.deliveries.delivery(delivery_id))


async def cancel_delivery(work: Work, delivery_id: UUID) -> Delivery:
    """End a delivery: at once where nothing was opened for it, else by the worker that has it.

    Whoever asked for it may, and whose connection it goes through. What is there already stays there.

    Raises:
        Conflict: it has ended.
        Forbidden: it is somebody else's.
    """
    kept = await work.deliveries.delivery(delivery_id)
    check_own(kept.shown.requested_by, work.by, "This delivery", await _owner_of_connection(work, kept))
    ended = await work.deliveries.ask_to_cancel(delivery_id, work.now)
    if ended is None:
        raise Conflict("This delivery has ended.", code="not-cancellable")
    await work.tell(AuditEvent(work.by, Action.DELIVERY_CANCEL, f"delivery:{delivery_id}"))
    return ended.shown


async def _shown(work: Work, kept: KeptDelivery) -> Delivery:
    return kept.shown.for_reader(work.by, await _owner_of_connection(work, kept))


async def _owner_of_connection(work: Work, kept: KeptDelivery) -> str:
    row = await work.connections.connection(kept.shown.connection_id)
    return await connection_owner(work, row.id, row.registered_by)
