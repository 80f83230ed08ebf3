"""Pulls as callers ask for them: begun, looked at, ended."""

from collections.abc import Sequence
from uuid import UUID

from moneyer_generation.documents.connections import Use
from moneyer_generation.documents.pulls import Pull, PullRequest
from moneyer_generation.rules.pull import DATABASES
from moneyer_generation.store.connections import Kept
from moneyer_generation.store.pulls import KeptPull
from moneyer_generation.use_cases.connections import check_in_use
from moneyer_generation.use_cases.owners import check_own_source, connection_owner, source_owner
from moneyer_generation.work import Work
from moneyer_shared.contracts.actions import Action
from moneyer_shared.errors import Conflict, Invalid
from moneyer_shared.journal import AuditEvent
from moneyer_shared.ownership import check_own

LAST = 2**29
"""The place in the queue: behind the runs that somebody paid for."""


async def request_pull(work: Work, source_id: UUID, asked: PullRequest) -> Pull:
    """Have a worker fetch a version of a source.

    Raises:
        NotFound: there is no such source or connection.
        Forbidden: the source is somebody else's, or the connection's owner does not let the caller pull through it.
        Conflict: the connection was retired.
        Invalid: a database is asked for a file, or a store for a query.
    """
    await check_own_source(work, source_id)
    row = await usable_connection(work, asked.connection_id, work.by)
    _check_fits(row.target.kind, asked)
    kept = await work.pulls.add(source_id, asked, work.by, at=work.now, due_at=work.now)
    await tell_of_request(work, kept)
    return kept.shown


async def usable_connection(work: Work, connection_id: UUID, by: str, use: Use = "pull") -> Kept:
    """The connection, which somebody may use so.

    Raises:
        NotFound: there is none of that id.
        Forbidden: its owner does not name them.
        Conflict: it was retired, or is not for that.
    """
    row = await work.connections.connection(connection_id)
    check_own(await connection_owner(work, row.id, row.registered_by), by, "This connection", *row.users)
    check_in_use(row)
    if use not in row.uses:
        raise Conflict(
            f"This connection is not one to {use} through: register another.", code="connection-not-for-this"
        )
    return row


async def tell_of_request(work: Work, kept: KeptPull) -> None:
    """Queue a pull, and say who asked for it."""
    pull = kept.shown
    await work.schedule("pull", pull.id, place=LAST)
    details = {"source": str(pull.source_id), "connection": str(pull.connection_id)}
    people, shown = {"requester": pull.requested_by}, {"asked": kept.asked.model_dump(mode="json")}
    await work.tell(
        AuditEvent(work.by, Action.PULL_REQUEST, f"pull:{pull.id}", details=details, people=people, shown=shown)
    )


async def list_pulls(work: Work, source_id: UUID, after: UUID | None = None) -> Sequence[Pull]:
    """A source's pulls, the latest first.

    Raises:
        NotFound: there is no such source.
    """
    owner = await source_owner(work, source_id)
    return [one.shown.for_reader(work.by, owner) for one in await work.pulls.page(source_id, after)]


async def get_pull(work: Work, pull_id: UUID) -> Pull:
    """Where a pull stands.

    Raises:
        NotFound: there is none of that id.
    """
    pull = (await work.pulls.pull(pull_id)).shown
    return pull.for_reader(work.by, await source_owner(work, pull.source_id))


async def cancel_pull(work: Work, pull_id: UUID) -> Pull:
    """End a pull, and the schedule it is of: at once where it waits, else by the worker that has it.

    Raises:
        Conflict: it has ended.
        Forbidden: the source is somebody else's.
    """
    await check_own_source(work, (await work.pulls.pull(pull_id)).shown.source_id)
    kept = await work.pulls.ask_to_cancel(pull_id, work.now)
    if kept is None:
        raise Conflict("This pull has ended.", code="not-cancellable")
    await work.tell(AuditEvent(work.by, Action.PULL_CANCEL, f"pull:{pull_id}"))
    return kept.shown


def _check_fits(kind: str, asked: PullRequest) -> None:
    of_a_database = asked.query is not None or asked.table is not None
    if kind == "iceberg" and asked.query is not None:
        raise Invalid("Through an iceberg connection one pulls by table.", code="asked-wrongly")
    if of_a_database != (kind in DATABASES):
        needed = "query or table" if kind in DATABASES else "path, delta or iceberg"
        raise Invalid(f"Through a {kind} connection one pulls by {needed}.", code="asked-wrongly")
