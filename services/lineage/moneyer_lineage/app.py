"""Wiring: settings in, application out."""

import asyncio
from base64 import b64decode
from collections.abc import Awaitable, Callable
from functools import partial

from fastapi import FastAPI
from obstore.store import from_url

from moneyer_lineage.dashboards.use_cases.counting import count_events
from moneyer_lineage.dashboards.use_cases.summary import set_gauges
from moneyer_lineage.dependencies import Dependencies, Setup
from moneyer_lineage.log.publishers import Cosigning, Publisher, Webhook, WriteOnce, publish_checkpoint
from moneyer_lineage.log.rules.notes import CheckpointSigner, Witness
from moneyer_lineage.log.use_cases import log_acts, sign_checkpoint
from moneyer_lineage.models.use_cases.impact import announce
from moneyer_lineage.public.throttle import Throttle
from moneyer_lineage.public.use_cases import publish
from moneyer_lineage.record.sinks import Sink
from moneyer_lineage.record.use_cases.events import check_folded, check_order, fold_anew, open_months
from moneyer_lineage.record.use_cases.forwards import forward
from moneyer_lineage.routers import ROUTERS, EncodedNames, schemas
from moneyer_lineage.settings import Settings
from moneyer_lineage.webhooks.courier import Courier
from moneyer_lineage.webhooks.messenger import Messenger, plain_client
from moneyer_shared.clients.evidence import EvidenceClient, EvidenceOverHttp
from moneyer_shared.clock import Clock, utc_now
from moneyer_shared.service import Loop, Surroundings
from moneyer_shared.telemetry import Metrics
from moneyer_shared.web import create_api

NEWS_SECONDS = 1.0
GAUGE_SECONDS = 15.0
MONTH_SECONDS = 3600.0
MOST_HEARD_A_MINUTE = 20


def repeating(seconds: float, *steps: Callable[[], Awaitable[int]]) -> Loop:
    """A loop that takes steps in turn, each until it finds nothing more to do, and then rests."""

    async def loop() -> None:
        while True:
            for step in steps:
                while await step():
                    pass
            await asyncio.sleep(seconds)

    return loop


def create_publishers(settings: Settings, around: Surroundings) -> list[Publisher]:
    """Every place that checkpoints are published to."""
    publishers: list[Publisher] = [Webhook(url, around.http) for url in settings.checkpoint_webhooks]
    publishers += [Cosigning(url, Witness.of(key), around.http) for url, key in settings.witnesses.items()]
    if settings.checkpoint_store_url is not None:
        publishers.append(WriteOnce(settings.checkpoint_store_url, from_url(settings.checkpoint_store_url)))
    return publishers


def _loops(
    dependencies: Dependencies, seconds: float, metrics: Metrics, publishers: list[Publisher], sinks: list[Sink]
) -> list[Loop]:
    """What goes on beside the API; checkpoints and sinks take their turn every so many ``seconds``."""
    return [
        repeating(seconds, lambda: sign_checkpoint(dependencies)),
        # Whoever is told has a loop of their own: one that takes its time takes nobody else's.
        *(repeating(seconds, partial(publish_checkpoint, dependencies, [publisher])) for publisher in publishers),
        *(repeating(seconds, partial(forward, dependencies, [sink])) for sink in sinks),
        repeating(NEWS_SECONDS, lambda: announce(dependencies)),
        Courier(dependencies).run,
        repeating(NEWS_SECONDS, lambda: publish(dependencies)),
        repeating(NEWS_SECONDS, lambda: fold_anew(dependencies), lambda: count_events(dependencies)),
        repeating(MONTH_SECONDS, lambda: open_months(dependencies)),
        repeating(GAUGE_SECONDS, lambda: set_gauges(dependencies, metrics)),
    ]


def create_dependencies(
    settings: Settings,
    around: Surroundings,
    clock: Clock,
    evidence: EvidenceClient | None,
    messenger: Messenger | None,
) -> Dependencies:
    policy, evaluation = around.peer("policy", settings.policy_url), around.peer("evaluation", settings.evaluation_url)
    return Dependencies(
        database=around.database,
        clock=clock,
        setup=Setup(
            origin=settings.log_origin,
            webhook_key=b64decode(settings.webhook_key.get_secret_value(), validate=True),
            curator=settings.curator,
            registries={name: secret.get_secret_value() for name, secret in settings.registries.items()},
            speakers=settings.speakers,
        ),
        signer=CheckpointSigner(settings.checkpoint_key.get_secret_value(), settings.log_origin),
        evidence=evidence or EvidenceOverHttp(policy, evaluation),
        messenger=messenger or Messenger(plain_client(), settings.webhook_networks),
        throttle=Throttle(MOST_HEARD_A_MINUTE, clock),
        log_acts=log_acts,
    )


def create_app(
    settings: Settings,
    *,
    surroundings: Surroundings | None = None,
    clock: Clock = utc_now,
    evidence: EvidenceClient | None = None,
    messenger: Messenger | None = None,
) -> FastAPI:
    around = surroundings or Surroundings("lineage", settings)
    dependencies = create_dependencies(settings, around, clock, evidence, messenger)
    metrics = Metrics()
    sinks = [Sink(url, token.get_secret_value(), around.http) for url, token in settings.openlineage_sinks.items()]
    publishers = create_publishers(settings, around)
    loops = _loops(dependencies, settings.checkpoint_seconds, metrics, publishers, sinks)
    app = create_api(
        name="lineage",
        summary="OpenLineage in; graph, records and proofs out.",
        routers=ROUTERS,
        verifier=around.verifier,
        checks=around.checks("moneyer_lineage")
        | {"order": lambda: check_order(dependencies), "folded": lambda: check_folded(dependencies)},
        metrics=metrics,
        lifespan=lambda: around.live(loops),
        schemas=schemas(),
    )
    app.add_middleware(EncodedNames)
    app.state.dependencies = dependencies
    return app
