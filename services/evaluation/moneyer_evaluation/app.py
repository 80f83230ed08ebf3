"""Wiring: settings in, application or collaborators out."""

from fastapi import FastAPI

from moneyer_evaluation.dependencies import Dependencies
from moneyer_evaluation.routes import ROUTERS
from moneyer_evaluation.settings import Settings
from moneyer_evaluation.tables import assays, journal, looks, monitors
from moneyer_shared import custody
from moneyer_shared.clients.generation import Generation, GenerationOverHttp
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
    generation: Generation | None = None,
) -> Dependencies:
    return Dependencies(
        settings=settings,
        database=around.database,
        clock=clock,
        policy=policy or PolicyOverHttp(around.peer("policy", settings.policy_url)),
        generation=generation or GenerationOverHttp(around.peer("generation", settings.generation_url)),
        objects=custody.open_store(settings.objects_url),
    )


def create_app(
    settings: Settings, *, surroundings: Surroundings | None = None, dependencies: Dependencies | None = None
) -> FastAPI:
    around = surroundings or Surroundings("evaluation", settings)
    metrics = Metrics()
    loops = [around.backlog(metrics, journal, assays, looks, monitors)]
    if settings.lineage_url:
        loops.append(around.delivery(journal, settings.lineage_url))
    app = create_api(
        name="evaluation",
        summary="Assays of synthetic tables, every figure with its uncertainty.",
        routers=ROUTERS,
        verifier=around.verifier,
        checks=around.checks("moneyer_evaluation"),
        metrics=metrics,
        lifespan=lambda: around.live(loops),
    )
    app.state.dependencies = dependencies or create_dependencies(settings, around)
    return app
