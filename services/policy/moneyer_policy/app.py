"""Wiring: settings in, application out."""

import asyncio

from fastapi import FastAPI

from moneyer_policy.assets.use_cases.destruction import destroy_due
from moneyer_policy.assets.use_cases.keyring import Keyring, Vault
from moneyer_policy.dependencies import KINDS, Dependencies
from moneyer_policy.effects.use_cases.calendar import fire_due
from moneyer_policy.gate.use_cases.reservations import return_expired
from moneyer_policy.gate.use_cases.signer import Signer
from moneyer_policy.routers import ROUTERS
from moneyer_policy.settings import Settings
from moneyer_policy.tables import feedback, incidents, journal, reviews
from moneyer_policy.work import ITSELF, Work
from moneyer_shared.clock import Clock, utc_now
from moneyer_shared.service import Surroundings
from moneyer_shared.telemetry import Metrics
from moneyer_shared.web import create_api


def create_app(settings: Settings, *, surroundings: Surroundings | None = None, clock: Clock = utc_now) -> FastAPI:
    around = surroundings or Surroundings("policy", settings)
    dependencies = Dependencies(
        database=around.database,
        clock=clock,
        keyring=Keyring(settings.master_key.get_secret_value(), Vault(settings.vault)),
        signer=Signer(settings.signing_key.get_secret_value()),
        permit_lifetime=settings.permit_lifetime,
        kinds=KINDS,
        backups_kept=settings.vault_backups_kept,
        public_url=settings.public_url or f"http://{settings.host}:{settings.port}",
    )

    async def sweep() -> None:
        while True:
            async with dependencies.begin(Work, ITSELF) as work:
                await return_expired(work)
            await fire_due(dependencies)
            await destroy_due(dependencies)
            await asyncio.sleep(settings.sweep_seconds)

    metrics = Metrics()
    loops = [sweep, around.backlog(metrics, journal, feedback, incidents, reviews)]
    if settings.lineage_url:
        loops.append(around.delivery(journal, settings.lineage_url))
    app = create_api(
        name="policy",
        summary="Charters, privacy budgets, the gate, permits and releases.",
        routers=ROUTERS,
        verifier=around.verifier,
        checks=around.checks("moneyer_policy"),
        metrics=metrics,
        lifespan=lambda: around.live(loops),
    )
    app.state.dependencies = dependencies
    return app
