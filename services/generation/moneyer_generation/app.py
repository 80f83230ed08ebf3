"""Wiring: settings in, application or dependencies out."""

import asyncio

from fastapi import FastAPI

from moneyer_generation.dependencies import Dependencies
from moneyer_generation.execution.children import Children
from moneyer_generation.execution.protocol import Executor
from moneyer_generation.routes import ROUTERS
from moneyer_generation.routes.renderings import Renderings
from moneyer_generation.settings import Settings
from moneyer_generation.tables import audits, deliveries, journal, pulls, runs, searches
from moneyer_shared import custody
from moneyer_shared.clients.evaluation import Evaluation, EvaluationOverHttp
from moneyer_shared.clients.policy import Policy, PolicyOverHttp
from moneyer_shared.clock import Clock, utc_now
from moneyer_shared.errors import Unavailable
from moneyer_shared.service import Surroundings
from moneyer_shared.telemetry import Metrics
from moneyer_shared.web import create_api


class WrittenOnce:
    """That the object store writes a name once only: tried until it was seen, and never again in this process."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._seen = False

    async def __call__(self) -> None:
        """Ask it.

        Raises:
            Unavailable: it does not answer, or is no store to seal anything in.
        """
        if self._seen:
            return
        try:
            await asyncio.to_thread(custody.check_writes_once, self._url)
        except custody.StoreUnfit as error:
            raise Unavailable(f"The object store cannot be used: {error}.") from error
        except Exception as error:
            raise Unavailable("The object store cannot be written to; try again.") from error
        self._seen = True


def create_dependencies(
    settings: Settings,
    around: Surroundings,
    *,
    clock: Clock = utc_now,
    policy: Policy | None = None,
    evaluation: Evaluation | None = None,
    executor: Executor | None = None,
) -> Dependencies:
    executor, written_once = executor or Children(), WrittenOnce(settings.objects_url)

    async def ready() -> None:
        await written_once()
        await executor.ready()

    return Dependencies(
        settings=settings,
        database=around.database,
        clock=clock,
        policy=policy or PolicyOverHttp(around.peer("policy", settings.policy_url)),
        evaluation=evaluation or EvaluationOverHttp(around.peer("evaluation", settings.evaluation_url)),
        objects=custody.open_store(settings.objects_url),
        make_table=executor.messages,
        ready=ready,
    )


def create_app(
    settings: Settings, *, surroundings: Surroundings | None = None, dependencies: Dependencies | None = None
) -> FastAPI:
    around = surroundings or Surroundings("generation", settings)
    metrics = Metrics()
    loops = [around.backlog(metrics, journal, audits, deliveries, pulls, runs, searches)]
    if settings.lineage_url:
        loops.append(around.delivery(journal, settings.lineage_url))
    app = create_api(
        name="generation",
        summary="Sources in custody, plans, runs, and released tables.",
        routers=ROUTERS,
        verifier=around.verifier,
        checks=around.checks("moneyer_generation") | {"objects": WrittenOnce(settings.objects_url)},
        metrics=metrics,
        lifespan=lambda: around.live(loops),
    )
    app.state.dependencies = dependencies or create_dependencies(settings, around)
    app.state.renderings = Renderings()
    return app
