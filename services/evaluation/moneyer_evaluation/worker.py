"""The loops around assays and looks, and around the monitors whose time comes."""

import asyncio
from functools import partial

from moneyer_evaluation.dependencies import ITSELF, Dependencies
from moneyer_evaluation.use_cases.assays import carry_assay
from moneyer_evaluation.use_cases.looks import queue_due_looks, take_look
from moneyer_evaluation.work import Work
from moneyer_shared import queue
from moneyer_shared.work import Workflow


async def work(dependencies: Dependencies) -> None:
    """Take up assays and looks until the process is asked to stop."""
    flow, settings = Workflow(dependencies, ITSELF), dependencies.settings
    carriers = {"assay": partial(carry_assay, flow), "look": partial(take_look, flow)}
    await queue.work(
        settings.database_url.get_secret_value(),
        carriers,
        concurrent=settings.concurrent_assays,
        heartbeat_seconds=settings.heartbeat_seconds,
    )


async def watch(dependencies: Dependencies) -> None:
    """Queue looks as they fall due, for ever."""
    flow = Workflow(dependencies, ITSELF)
    while True:
        async with flow.begin(Work) as due:
            await queue_due_looks(due)
        await asyncio.sleep(dependencies.settings.glance_seconds)
