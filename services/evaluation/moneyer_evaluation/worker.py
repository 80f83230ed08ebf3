"""The loops around assays and looks, and around the monitors whose time comes."""

import asyncio
from functools import partial

from moneyer_evaluation.dependencies import Dependencies, Work, unasked
from moneyer_evaluation.use_cases.assays import carry_assay
from moneyer_evaluation.use_cases.looks import look, queue_due_looks
from moneyer_shared import queue


async def work(dependencies: Dependencies) -> None:
    """Take up assays and looks until told to stop."""
    flow, settings = unasked(dependencies), dependencies.settings
    carriers = {"assay": partial(carry_assay, flow), "look": partial(look, flow)}
    await queue.work(
        settings.database_url.get_secret_value(),
        carriers,
        concurrent=settings.concurrent_assays,
        heartbeat_seconds=settings.heartbeat_seconds,
    )


async def watch(dependencies: Dependencies) -> None:
    """Queue looks as they fall due, for ever."""
    flow = unasked(dependencies)
    while True:
        async with flow.begin(Work) as due:
            await queue_due_looks(due)
        await asyncio.sleep(dependencies.settings.glance_seconds)
