"""Durable jobs on Postgres (pgqueuer): enqueued with our rows, taken over from workers that die."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial
from uuid import UUID

import asyncpg
from pgqueuer import AsyncpgDriver, AsyncpgPoolDriver, Job, PgQueuer, Queries, RetryRequested
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment
from pgqueuer.domain.models import TracebackRecord
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_shared.database import driver_connection
from moneyer_shared.errors import MoneyerError

logger = logging.getLogger("moneyer.queue")
ASK_AGAIN = timedelta(seconds=1)
TRY_AGAIN = timedelta(seconds=3)
TRY_LATER = timedelta(seconds=30)
Carry = Callable[[UUID], Awaitable[None]]


class Later(Exception):
    """Nothing is wrong; the job waits for somebody else. Ask again."""

    def __init__(self, delay: timedelta = ASK_AGAIN) -> None:
        super().__init__()
        self.delay = delay


class Superseded(Exception):
    """Another worker took the job up; leave it to that one."""


class HeldQueries(Queries):
    """Gives a job back only if it is still held here, and never loses one that cannot be given back.

    When giving back fails, pgqueuer notes the job as failed and deletes it as soon as the database answers.
    A job left as it is loses its heartbeat instead, and any worker takes it up.
    """

    async def retry_job(self, job: Job, delay: timedelta, traceback_record: TracebackRecord | None) -> None:
        statement = f"""
            UPDATE {self.qbq.qualified.queue_table}
            SET status = 'queued', execute_after = now() + $3::interval, attempts = attempts + 1,
                updated = now(), queue_manager_id = NULL
            WHERE id = $1::bigint AND queue_manager_id = $2::uuid
        """  # noqa: S608 - the name is pgqueuer's own, quoted by it
        try:
            await self.driver.execute(statement, job.id, job.queue_manager_id, delay)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            fields = {"job": job.id, "asked": traceback_record and traceback_record.exception_type}
            logger.warning("job cannot be given back; its heartbeat ends", exc_info=error, extra={"fields": fields})


async def enqueue(connection: AsyncConnection, entrypoint: str, subject: UUID, *, place: int = 0) -> None:
    """Put a job in the queue in the transaction of its subject's row; the lowest place is taken up first."""
    queue = Queries(AsyncpgDriver(await driver_connection(connection)))
    await queue.enqueue(entrypoint, str(subject).encode(), priority=-place)


async def work(database_url: str, carriers: Mapping[str, Carry], *, concurrent: int, heartbeat_seconds: float) -> None:
    """Carry jobs, by entrypoint, until told to stop by SIGTERM or SIGINT. Each may be carried more than once."""
    async with asyncpg.create_pool(database_url.replace("+asyncpg", ""), min_size=2, max_size=8) as pool:
        driver = AsyncpgPoolDriver(pool)
        queue = PgQueuer(driver, queries=HeldQueries(driver))

        for entrypoint, carry in carriers.items():
            queue.entrypoint(entrypoint)(partial(_on_job, carry))
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, queue.shutdown.set)
        await queue.run(
            batch_size=concurrent,
            max_concurrent_tasks=2 * concurrent,
            dequeue_timeout=timedelta(seconds=1),
            heartbeat_timeout=timedelta(seconds=heartbeat_seconds),
        )


async def _on_job(carry: Carry, job: Job) -> None:
    await carry_or_retry(carry, UUID((job.payload or b"").decode()))


async def carry_or_retry(carry: Carry, subject: UUID) -> None:
    """Carry one job; whatever is only a wait or an outage is asked for again by the queue."""
    try:
        await carry(subject)
    except Later as wait:
        raise RetryRequested(delay=wait.delay, reason="waiting") from None
    except Superseded as lost:
        logger.warning("another worker took the job up", exc_info=lost, extra={"fields": {"subject": str(subject)}})
        # Not a success: that would delete the job under the worker that has it now.
        raise RetryRequested(delay=ASK_AGAIN, reason="superseded") from None
    except MoneyerError as error:
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
