"""The loop around ``carry``."""

import logging
from uuid import UUID

from mintmark_generation.store import Superseded
from mintmark_generation.use_cases.runs import carry
from mintmark_generation.use_cases.workshop import RUN_JOB, Workshop
from mintmark_shared import queue

logger = logging.getLogger("mintmark.worker")


async def work(works: Workshop) -> None:
    """Take up runs until told to stop."""

    async def carry_run(run_id: UUID) -> None:
        try:
            await carry(works, run_id)
        except Superseded as lost:
            fields = {"run": str(run_id)}
            logger.warning("another worker took the run up", exc_info=lost, extra={"fields": fields})

    await queue.work(
        works.settings.database_url.get_secret_value(),
        RUN_JOB,
        carry_run,
        concurrent=works.settings.concurrent_runs,
        heartbeat_seconds=works.settings.heartbeat_seconds,
    )
