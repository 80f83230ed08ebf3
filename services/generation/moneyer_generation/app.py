"""Wiring: settings in, application or dependencies out."""

from fastapi import FastAPI

from moneyer_generation.dependencies import Dependencies
from moneyer_generation.execution.children import Children
from moneyer_generation.execution.protocol import Executor
from moneyer_generation.routes import ROUTERS
from moneyer_generation.settings import Settings
from moneyer_generation.tables import audits, journal, pulls, runs, searches
from moneyer_shared import custody
from moneyer_shared.clients.evaluation import Evaluation, EvaluationOverHttp
from moneyer_shared.clients.policy import Policy, PolicyOverHttp
from moneyer_shared.clock import Clock, utc_now
from moneyer_shared.service import Surroundings
from moneyer_shared.telemetry import Metrics
from moneyer_shared.web import create_api


def create_dependencies(
    settings: Settings,
    around: Surroundings,
    *,
    clock: Clock = utc_now,
    policy: Policy | None = None,
    evaluation: Evaluation | None = None,
    executor: Executor | None = None,
) -> Dependencies:
    executor = executor or Children()
    return Dependencies(
        settings=settings,
        database=around.database,
        clock=clock,
        policy=policy or PolicyOverHttp(around.peer("policy", settings.policy_url)),
        evaluation=evaluation or EvaluationOverHttp(around.peer("evaluation", settings.evaluation_url)),
        objects=custody.open_store(settings.objects_url),
        make_table=executor.messages,
        ready=executor.ready,
    )


def create_app(
    settings: Settings, *, surroundings: Surroundings | None = None, dependencies: Dependencies | None = None
) -> FastAPI:
    around = surroundings or Surroundings("generation", settings)
    metrics = Metrics()
    loops = [around.backlog(metrics, journal, audits, pulls, runs, searches)]
    if settings.lineage_url:
        loops.append(around.delivery(journal, settings.lineage_url))
    app = create_api(
        name="generation",
        summary="Sources in custody, plans, runs, and released tables.",
        routers=ROUTERS,
        verifier=around.verifier,
        checks=around.checks("moneyer_generation"),
        metrics=metrics,
        lifespan=lambda: around.live(loops),
    )
    app.state.dependencies = dependencies or create_dependencies(settings, around)
    return app
