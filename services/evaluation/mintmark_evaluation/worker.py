"""The loop around ``carry``."""

from uuid import UUID

from mintmark_evaluation.use_cases import ASSAY_JOB, Laboratory, carry
from mintmark_shared import queue


async def work(lab: Laboratory) -> None:
    """Take up assays until told to stop."""

    async def carry_assay(assay_id: UUID) -> None:
        await carry(lab, assay_id)

    await queue.work(
        lab.settings.database_url.get_secret_value(),
        {ASSAY_JOB: carry_assay},
        concurrent=lab.settings.concurrent_assays,
        heartbeat_seconds=lab.settings.heartbeat_seconds,
    )
