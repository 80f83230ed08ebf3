"""The loops around assays and looks, and around the monitors whose time comes."""

import asyncio
from uuid import UUID

from moneyer_evaluation.use_cases import monitors
from moneyer_evaluation.use_cases.assays import carry
from moneyer_evaluation.use_cases.laboratory import ASSAY_JOB, LOOK_JOB, Laboratory
from moneyer_shared import queue


async def work(lab: Laboratory) -> None:
    """Take up assays and looks until told to stop."""

    async def carry_assay(assay_id: UUID) -> None:
        await carry(lab, assay_id)

    async def look(monitor_id: UUID) -> None:
        await monitors.look(lab, monitor_id)

    await queue.work(
        lab.settings.database_url.get_secret_value(),
        {ASSAY_JOB: carry_assay, LOOK_JOB: look},
        concurrent=lab.settings.concurrent_assays,
        heartbeat_seconds=lab.settings.heartbeat_seconds,
    )


async def watch(lab: Laboratory) -> None:
    """Queue looks as they fall due, for ever."""
    while True:
        await monitors.enqueue_due(lab)
        await asyncio.sleep(lab.settings.glance_seconds)
