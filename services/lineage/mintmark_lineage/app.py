"""Wiring: settings in, application out."""

import asyncio

from fastapi import FastAPI

from mintmark_lineage.api import router, schemas
from mintmark_lineage.domain import CheckpointSigner
from mintmark_lineage.settings import Settings
from mintmark_lineage.use_cases import Archive, sign_checkpoint
from mintmark_shared.clock import Clock, utc_now
from mintmark_shared.service import Surroundings
from mintmark_shared.telemetry import Metrics
from mintmark_shared.web import create_api


def create_app(settings: Settings, *, surroundings: Surroundings | None = None, clock: Clock = utc_now) -> FastAPI:
    around = surroundings or Surroundings("lineage", settings)
    signer = CheckpointSigner(settings.checkpoint_key.get_secret_value(), settings.log_origin)
    archive = Archive(around.database, clock, signer)

    async def sign_news() -> None:
        while True:
            await sign_checkpoint(archive)
            await asyncio.sleep(settings.checkpoint_seconds)

    app = create_api(
        name="lineage",
        summary="OpenLineage in; graph, records and proofs out.",
        routers=[router],
        verifier=around.verifier,
        checks=around.checks("mintmark_lineage"),
        metrics=Metrics(),
        lifespan=lambda: around.live([sign_news]),
        schemas=schemas(),
    )
    app.state.archive = archive
    return app
