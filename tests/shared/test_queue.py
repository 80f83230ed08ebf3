"""Jobs and the database's absence: a job is given back by its holder alone, and none is lost."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest
from conftest import Cluster
from pgqueuer import AsyncpgPoolDriver, Job
from pgqueuer.domain.types import QueueEntrypoint, QueueManagerId
from pgqueuer.ports.repository import EntrypointExecutionParameter

from moneyer_shared.queue import HeldQueries

ENTRYPOINT = QueueEntrypoint("run")
NOW = timedelta(0)


@pytest.fixture
async def pool(cluster: Cluster) -> AsyncIterator[asyncpg.Pool]:
    url = (await cluster.fresh("generation")).replace("+asyncpg", "")
    async with asyncpg.create_pool(url, min_size=1, max_size=2) as pool:
        yield pool


@pytest.fixture
def queries(pool: asyncpg.Pool) -> HeldQueries:
    return HeldQueries(AsyncpgPoolDriver(pool))


async def pick(queries: HeldQueries) -> Job:
    """A new worker takes the oldest job, a held one too."""
    jobs = await queries.dequeue(
        batch_size=1,
        entrypoints={ENTRYPOINT: EntrypointExecutionParameter(concurrency_limit=0)},
        queue_manager_id=QueueManagerId(uuid4()),
        global_concurrency_limit=None,
        heartbeat_timeout=NOW,
    )
    return jobs[0]


async def held(pool: asyncpg.Pool) -> tuple[str, object]:
    row = await pool.fetchrow("SELECT status::text, queue_manager_id FROM pgqueuer")
    return row["status"], row["queue_manager_id"]


async def test_a_job_goes_back_to_the_queue(queries: HeldQueries, pool: asyncpg.Pool) -> None:
    await queries.enqueue(ENTRYPOINT, b"")
    await queries.retry_job(await pick(queries), NOW, None)
    assert await held(pool) == ("queued", None)


async def test_a_worker_that_lost_its_job_does_not_take_it_from_the_one_that_has_it(
    queries: HeldQueries, pool: asyncpg.Pool
) -> None:
    await queries.enqueue(ENTRYPOINT, b"")
    lost, taken = await pick(queries), await pick(queries)
    await queries.retry_job(lost, NOW, None)
    assert await held(pool) == ("picked", taken.queue_manager_id)


async def test_a_job_that_cannot_be_given_back_stays_for_others_to_take_up(
    queries: HeldQueries, pool: asyncpg.Pool
) -> None:
    """Raising here would have it noted as failed, and deleted once the database answers again."""
    await queries.enqueue(ENTRYPOINT, b"")
    job = await pick(queries)

    class Away(AsyncpgPoolDriver):
        async def execute(self, query: str, *args: object) -> str:
            raise asyncpg.CannotConnectNowError(query)

    await HeldQueries(Away(pool)).retry_job(job, NOW, None)
    assert (await pick(queries)).id == job.id
