"""Wiring: settings in, application out."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from moneyer_console.failures import answer_with_pages
from moneyer_console.routes import ROUTERS
from moneyer_console.sessions import Endings
from moneyer_console.settings import Settings
from moneyer_console.signin.provider import Client, Provider
from moneyer_console.signin.signing import SIGN_IN_SECONDS, Signing
from moneyer_console.visits import Console
from moneyer_shared.doors import Limits, put_doors
from moneyer_shared.telemetry import Metrics
from moneyer_shared.web import Check, RequestMiddleware, operations

PATIENCE = httpx.Timeout(30, connect=2)
CONNECTIONS = httpx.Limits(max_connections=400, max_keepalive_connections=100)


def create_app(settings: Settings, *, http: httpx.AsyncClient | None = None) -> FastAPI:
    """The console; a test passes the client that it asks issuer and API with."""
    asks = http or httpx.AsyncClient(timeout=PATIENCE, limits=CONNECTIONS, follow_redirects=False)
    console = create_console(settings, asks)

    @asynccontextmanager
    async def live(_: FastAPI) -> AsyncGenerator[None]:
        yield
        await asks.aclose()

    app = FastAPI(title="moneyer console", lifespan=live, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.console = console
    app.state.limits = Limits()
    metrics = Metrics()
    for router in (*ROUTERS, operations(_checks(console), metrics)):
        put_doors(router)
        app.include_router(router)
    answer_with_pages(app)
    app.add_middleware(RequestMiddleware, metrics=metrics)
    return app


def create_console(settings: Settings, http: httpx.AsyncClient) -> Console:
    client = Client(
        settings.client_id,
        settings.client_secret.get_secret_value(),
        f"{settings.public_url}/sign-in/callback",
        settings.subject_claim,
    )
    kept = max(settings.session_seconds, SIGN_IN_SECONDS)
    endings = Endings(settings.ended_sessions, kept_seconds=kept)
    return Console(settings, Signing(settings, Provider(settings.issuer, client, http), endings), http)


def _checks(console: Console) -> dict[str, Check]:
    """Readiness: people can sign in, and what is ended stays ended. Services that are away have pages of their own."""

    async def issuer() -> None:
        await console.signing.provider.discovered()

    async def endings() -> None:
        console.signing.endings.check()

    return {"issuer": issuer, "endings": endings}
