"""Wiring: settings in, application out."""

import asyncio
from base64 import b64decode
from collections.abc import Awaitable, Callable
from functools import partial

from fastapi import FastAPI
from obstore.store import from_url

from moneyer_lineage.api import ROUTERS, EncodedNames, schemas
from moneyer_lineage.domain.notes import CheckpointSigner, Witness
from moneyer_lineage.settings import Settings
from moneyer_lineage.use_cases.archive import Archive
from moneyer_lineage.use_cases.cards import Throttle, publish
from moneyer_lineage.use_cases.courier import Courier
from moneyer_lineage.use_cases.events import check_folded, check_order, fold_anew, open_months
from moneyer_lineage.use_cases.forwards import Sink, forward
from moneyer_lineage.use_cases.impact import announce
from moneyer_lineage.use_cases.log import sign_checkpoint
from moneyer_lineage.use_cases.messenger import Messenger, plain_client
from moneyer_lineage.use_cases.posts import Cosigning, Post, Webhook, WriteOnce, carry_out
from moneyer_lineage.use_cases.series import count_events
from moneyer_lineage.use_cases.summary import show
from moneyer_shared.clients.evidence import Tellers, TellersOverHttp
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


def create_posts(settings: Settings, around: Surroundings) -> list[Post]:
    """Every place that checkpoints are carried to."""
    posts: list[Post] = [Webhook(url, around.http) for url in settings.checkpoint_webhooks]
    posts += [Cosigning(url, Witness.of(key), around.http) for url, key in settings.witnesses.items()]
    if settings.checkpoint_store_url is not None:
        posts.append(WriteOnce(settings.checkpoint_store_url, from_url(settings.checkpoint_store_url)))
    return posts


def _loops(
    seconds: float, archive: Archive, metrics: Metrics, messenger: Messenger, posts: list[Post], sinks: list[Sink]
) -> list[Loop]:
    """What goes on beside the API; checkpoints and sinks take their turn every so many ``seconds``."""
    return [
        repeating(seconds, lambda: sign_checkpoint(archive)),
        # Whoever is told has a loop of their own: one that takes its time takes nobody else's.
        *(repeating(seconds, partial(carry_out, archive, [post])) for post in posts),
        *(repeating(seconds, partial(forward, archive, [sink])) for sink in sinks),
        repeating(NEWS_SECONDS, lambda: announce(archive)),
        Courier(archive, messenger).run,
        repeating(NEWS_SECONDS, lambda: publish(archive)),
        repeating(NEWS_SECONDS, lambda: fold_anew(archive), lambda: count_events(archive)),
        repeating(MONTH_SECONDS, lambda: open_months(archive)),
        repeating(GAUGE_SECONDS, lambda: show(archive, metrics)),
    ]


def create_app(
    settings: Settings,
    *,
    surroundings: Surroundings | None = None,
    clock: Clock = utc_now,
    tellers: Tellers | None = None,
    messenger: Messenger | None = None,
) -> FastAPI:
    around = surroundings or Surroundings("lineage", settings)
    signer = CheckpointSigner(settings.checkpoint_key.get_secret_value(), settings.log_origin)
    tellers = tellers or TellersOverHttp(
        around.peer("policy", settings.policy_url), around.peer("evaluation", settings.evaluation_url)
    )
    webhook_key = b64decode(settings.webhook_key.get_secret_value(), validate=True)
    archive = Archive(
        around.database, clock, signer, tellers, webhook_key, settings.curator, frozenset(settings.registries),
        settings.speakers,
    )  # fmt: skip
    posts = create_posts(settings, around)
    messenger = messenger or Messenger(plain_client(), settings.webhook_networks)

    metrics = Metrics()
    sinks = [Sink(url, token.get_secret_value(), around.http) for url, token in settings.openlineage_sinks.items()]
    loops = _loops(settings.checkpoint_seconds, archive, metrics, messenger, posts, sinks)
    app = create_api(
        name="lineage",
        summary="OpenLineage in; graph, records and proofs out.",
        routers=ROUTERS,
        verifier=around.verifier,
        checks=around.checks("moneyer_lineage")
        | {"order": lambda: check_order(archive), "folded": lambda: check_folded(archive)},
        metrics=metrics,
        lifespan=lambda: around.live(loops),
        schemas=schemas(),
    )
    app.add_middleware(EncodedNames)
    app.state.archive = archive
    app.state.messenger = messenger
    app.state.throttle = Throttle(MOST_HEARD_A_MINUTE, clock)
    app.state.registries = {name: secret.get_secret_value() for name, secret in settings.registries.items()}
    return app
