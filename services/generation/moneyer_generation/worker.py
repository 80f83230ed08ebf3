"""The loop around carrying runs, searches and audits."""

from uuid import UUID

from moneyer_generation.dependencies import AUDIT_JOB, RUN_JOB, SEARCH_JOB, Workshop
from moneyer_generation.use_cases import audits, searches
from moneyer_generation.use_cases.runs import carry
from moneyer_shared import queue


async def work(works: Workshop) -> None:
    """Take up jobs until told to stop."""

    async def carry_run(run_id: UUID) -> None:
        await carry(works, run_id)

    async def carry_search(search_id: UUID) -> None:
        await searches.carry(works, search_id)

    async def carry_audit(audit_id: UUID) -> None:
        await audits.carry(works, audit_id)

    await queue.work(
        works.settings.database_url.get_secret_value(),
        {RUN_JOB: carry_run, SEARCH_JOB: carry_search, AUDIT_JOB: carry_audit},
        concurrent=works.settings.concurrent_runs,
        heartbeat_seconds=works.settings.heartbeat_seconds,
    )
