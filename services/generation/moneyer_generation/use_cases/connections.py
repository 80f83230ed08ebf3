"""Connections: registered by who may, used by whom their owner names, tested by a worker."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from moneyer_generation.connectors.faults import Fault
from moneyer_generation.connectors.fetching import fetched
from moneyer_generation.connectors.secrets import read_secret
from moneyer_generation.connectors.wire import FetchJob
from moneyer_generation.dependencies import Flow
from moneyer_generation.documents.connections import Connection, ConnectionRequest, Problem
from moneyer_generation.settings import Settings
from moneyer_generation.store.connections import Kept
from moneyer_generation.use_cases.owners import connection_owner
from moneyer_generation.work import Work
from moneyer_shared.contracts.actions import Action
from moneyer_shared.errors import Conflict
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import Word
from moneyer_shared.ownership import check_own

TEST_SECONDS = 30.0


async def register_connection(work: Work, asked: ConnectionRequest) -> Connection:
    """Keep where a connection leads, and by which secret; nothing is reached yet.

    Raises:
        Conflict: the name is taken.
        Forbidden: somebody else's connection uses that secret.
    """
    await _check_secret_is_own(work, asked.secret_ref)
    row = await work.connections.add(asked, work.by, work.now)
    details = {"kind": Word(asked.target.kind), "users": len(asked.users), "uses": [Word(use) for use in asked.uses]}
    shown = {"connection": asked.model_dump(mode="json")}
    await work.tell(
        AuditEvent(work.by, Action.CONNECTION_REGISTER, f"connection:{row.id}", details=details, shown=shown)
    )
    return await _shown(work, row)


async def _check_secret_is_own(work: Work, secret_ref: str | None) -> None:
    """A secret is whose connection used it: by its name alone anybody could pull as its user may."""
    for row in await work.connections.by_secret(secret_ref) if secret_ref else ():
        owner = await connection_owner(work, row.id, row.registered_by)
        check_own(owner, work.by, f"The secret at {secret_ref}")


async def list_connections(work: Work, after: UUID | None = None) -> Sequence[Connection]:
    return [await _shown(work, row) for row in await work.connections.page(after)]


async def get_connection(work: Work, connection_id: UUID) -> Connection:
    """A connection.

    Raises:
        NotFound: there is none of that id.
    """
    return await _shown(work, await work.connections.connection(connection_id))


async def retire_connection(work: Work, connection_id: UUID) -> Connection:
    """Let it be used no more; a pull or delivery that is under way goes on.

    Raises:
        Forbidden: it is somebody else's.
    """
    await _own(work, connection_id)
    await work.connections.retire(connection_id, work.now)
    await work.tell(AuditEvent(work.by, Action.CONNECTION_RETIRE, f"connection:{connection_id}"))
    return await get_connection(work, connection_id)


async def test_connection(work: Work, connection_id: UUID) -> Connection:
    """Have a worker see whether the place can be spoken with; ``tested_at`` and ``problem`` say how that went.

    Raises:
        Forbidden: it is somebody else's.
        Conflict: it was retired.
    """
    row = await _own(work, connection_id)
    check_in_use(row)
    await work.schedule("connection", connection_id)
    await work.tell(AuditEvent(work.by, Action.CONNECTION_TEST, f"connection:{connection_id}"))
    return await _shown(work, row)


async def carry_test(flow: Flow, connection_id: UUID) -> None:
    """See whether a place can be spoken with, and keep what came of it."""
    async with flow.begin(Work, read_only=True) as work:
        row = await work.connections.connection(connection_id)
    problem = None
    try:
        async for _ in fetched(fetch_job(flow.dependencies.settings, row, None, seconds=TEST_SECONDS)):
            pass
    except Fault as fault:
        problem = problem_of(fault)
    async with flow.begin(Work) as work:
        await work.connections.save_test(connection_id, work.now, problem)


def check_in_use(row: Kept) -> None:
    """That a connection was not retired.

    Raises:
        Conflict: it was.
    """
    if row.retired_at is not None:
        raise Conflict("This connection was retired; register another.", code="connection-retired")


def fetch_job(settings: Settings, row: Kept, asked: dict[str, Any] | None, *, seconds: float) -> FetchJob:
    """What a fetching process is told. The secret is read here, and goes no further than its pipe.

    Raises:
        Fault: there is no such secret.
    """
    ref, certificates = row.secret_ref, settings.connector_certificates
    return FetchJob(
        target=row.target.model_dump(mode="json"),
        asked=asked,
        secret=read_secret(ref, settings.connector_secrets) if ref is not None else None,
        hosts=[host.lower() for host in settings.connector_hosts],
        files=str(settings.connector_files) if settings.connector_files else None,
        seconds=seconds,
        mebibytes=settings.pull_mebibytes,
        table_bytes=settings.maximum_table_bytes,
        certificates=str(certificates) if certificates else None,
    )


def problem_of(fault: Fault) -> Problem:
    return Problem(code=fault.code, detail=fault.detail, reasons=fault.reasons)


async def _own(work: Work, connection_id: UUID) -> Kept:
    row = await work.connections.connection(connection_id)
    check_own(await connection_owner(work, connection_id, row.registered_by), work.by, "This connection")
    return row


async def _shown(work: Work, row: Kept) -> Connection:
    """Where it leads is told to those who may use it."""
    owner = await connection_owner(work, row.id, row.registered_by)
    theirs = work.by == owner or work.by in row.users
    return Connection(
        id=row.id,
        name=row.name,
        kind=row.target.kind,
        target=row.target if theirs else None,
        secret_ref=row.secret_ref if theirs else None,
        users=[*row.users] if theirs else None,
        uses=[*row.uses],
        owner=owner,
        registered_by=row.registered_by,
        registered_at=row.registered_at,
        retired_at=row.retired_at,
        tested_at=row.tested_at,
        problem=row.problem,
    )
