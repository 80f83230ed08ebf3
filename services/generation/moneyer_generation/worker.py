"""The loop around carrying runs, searches, audits, pulls and deliveries, and around clearing away lost uploads."""

from uuid import UUID

from moneyer_generation.dependencies import ITSELF, Dependencies
from moneyer_generation.use_cases.audits import carry_audit
from moneyer_generation.use_cases.connections import carry_test
from moneyer_generation.use_cases.delivering import carry_delivery
from moneyer_generation.use_cases.pulling import carry_pull
from moneyer_generation.use_cases.runs import carry_run
from moneyer_generation.use_cases.searches import carry_search
from moneyer_generation.use_cases.uploads import clear_lost
from moneyer_generation.work import JobName
from moneyer_shared import queue
from moneyer_shared.work import Workflow


async def work(dependencies: Dependencies) -> None:
    """Take up jobs until told to stop."""
    flow = Workflow(dependencies, ITSELF)

    async def run(run_id: UUID) -> None:
        await carry_run(flow, run_id)

    async def search(search_id: UUID) -> None:
        await carry_search(flow, search_id)

    async def audit(audit_id: UUID) -> None:
        await carry_audit(flow, audit_id)

    async def pull(pull_id: UUID) -> None:
        await carry_pull(flow, pull_id)

    async def connection(connection_id: UUID) -> None:
        await carry_test(flow, connection_id)

    async def upload(version_id: UUID) -> None:
        await clear_lost(flow, version_id)

    async def delivery(delivery_id: UUID) -> None:
        await carry_delivery(flow, delivery_id)

    carriers: dict[JobName, queue.Carry] = {
        "run": run, "search": search, "audit": audit, "pull": pull, "connection": connection,
        "upload": upload, "delivery": delivery,
    }  # fmt: skip
    await queue.work(
        dependencies.settings.database_url.get_secret_value(),
        {str(name): carry for name, carry in carriers.items()},
        concurrent=dependencies.settings.concurrent_runs,
        heartbeat_seconds=dependencies.settings.heartbeat_seconds,
    )
