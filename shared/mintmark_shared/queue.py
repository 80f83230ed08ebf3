"""Durable jobs on Postgres (pgqueuer): enqueued with our rows, taken over from workers that die."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import asyncpg
from pgqueuer import AsyncpgDriver, Job, PgQueuer, Queries, RetryRequested
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment
from sqlalchemy.ext.asyncio import AsyncConnection

from mintmark_shared.database import driver_connection
from mintmark_shared.errors import MintmarkError

logger = logging.getLogger("mintmark.queue")
ASK_AGAIN = timedelta(seconds=1)
TRY_AGAIN = timedelta(seconds=3)
TRY_LATER = timedelta(seconds=30)
Carry = Callable[[UUID], Awaitable[None]]


class Later(Exception):
    """Nothing is wrong; the job waits for somebody else. Ask again."""


async def enqueue(connection: AsyncConnection, entrypoint: str, subject: UUID) -> None:
    """Put a job in the queue in the transaction of its subject's row."""
    queue = Queries(AsyncpgDriver(await driver_connection(connection)))
    await queue.enqueue(entrypoint, str(subject).encode())


async def work(database_url: str, entrypoint: str, carry: Carry, *, concurrent: int, heartbeat_seconds: float) -> None:
    """Carry jobs until told to stop by SIGTERM or SIGINT. Each may be carried more than once."""
    async with asyncpg.create_pool(database_url.replace("+asyncpg", ""), min_size=2, max_size=8) as pool:
        queue = PgQueuer.from_asyncpg_pool(pool)

        @queue.entrypoint(entrypoint)
        async def on_job(job: Job) -> None:
            await carry_or_retry(carry, UUID((job.payload or b"").decode()))

        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, queue.shutdown.set)
        await queue.run(
            batch_size=concurrent,
            max_concurrent_tasks=2 * concurrent,
            dequeue_timeout=timedelta(seconds=1),
            heartbeat_timeout=timedelta(seconds=heartbeat_seconds),
        )


async def carry_or_retry(carry: Carry, subject: UUID) -> None:
    """Carry one job; whatever is only a wait or an outage is asked for again by the queue."""
    try:
        await carry(subject)
    except Later:
        raise RetryRequested(delay=ASK_AGAIN, reason="waiting") from None
    except MintmarkError as error:
        raise RetryRequested(delay=TRY_AGAIN, reason=error.problem_code) from None
    except Exception as error:
        # A job that fails is deleted by the queue, and its run would stand still for ever.
        logger.exception("job failed; it is asked for again", extra={"fields": {"subject": str(subject)}})
        raise RetryRequested(delay=TRY_LATER, reason=type(error).__name__) from None


def install_statements() -> list[str]:
    """Pgqueuer's own installation, one statement an item, for a migration to execute."""
    script = QueryBuilderEnvironment().build_install_query(create_schema=False)
    statements, inside_body = [""], False
    for line in script.splitlines():
        inside_body ^= line.count("$$") % 2 == 1
        statements[-1] += line + "\n"
        if line.rstrip().endswith(";") and not inside_body:
            statements.append("")
    return [text for text in statements if text.strip()]
