"""The endpoints of the issuer."""

import time
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from joserfc.jwk import ECKey

from moneyer_local.identity import pages
from moneyer_local.identity.authorizing import OPENID_SCOPES
from moneyer_local.identity.browsers import Browsers
from moneyer_local.identity.clients import CODE, CREDENTIALS, DEVICE, REFRESH, authenticated, registered
from moneyer_local.identity.granting import Issuer
from moneyer_local.identity.memory import Clock, Memory
from moneyer_local.identity.requests import OAuthError, credentials_of, form_of, once
from moneyer_local.identity.tokens import ALGORITHM, read_own

CLAIMS = ("sub", "name", "preferred_username", "roles", "groups", "auth_time", "nonce", "sid")
AUTHENTICATION = ["client_secret_post", "client_secret_basic", "none"]


def create_app(
    registry: Mapping[str, Any], issuer: str, *, console_url: str = "http://127.0.0.1:8405", clock: Clock = time.time
) -> FastAPI:
    """An issuer with one registered console; ``registry`` is from ``new_registry``."""
    app = FastAPI(title="moneyer identity (development)", docs_url=None, redoc_url=None, openapi_url=None)
    clients = registered(registry, console_url)
    signs = Issuer(issuer, registry, Memory(clock))
    _publish(app, registry, issuer)
    _answer_clients(app, signs, Browsers(signs, clients))
    _answer_browsers(app, Browsers(signs, clients))
    return app


def discovery(issuer: str) -> dict[str, Any]:
    """OpenID Connect Discovery 1.0 §3, RFC 8414 §2."""
    return {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/jwks",
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "revocation_endpoint": f"{issuer}/revoke",
        "end_session_endpoint": f"{issuer}/end-session",
        "device_authorization_endpoint": f"{issuer}/device-authorization",
        "scopes_supported": list(OPENID_SCOPES),
        "claims_supported": list(CLAIMS),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "subject_types_supported": ["public"],
        "grant_types_supported": [CODE, REFRESH, CREDENTIALS, DEVICE],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": AUTHENTICATION,
        "revocation_endpoint_auth_methods_supported": AUTHENTICATION,
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "authorization_response_iss_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }


def _publish(app: FastAPI, registry: Mapping[str, Any], issuer: str) -> None:
    public = ECKey.import_key(registry["key"]).as_dict(private=False)

    @app.get("/.well-known/openid-configuration")
    async def configuration() -> dict[str, Any]:
        return discovery(issuer)

    @app.get("/jwks")
    async def jwks() -> dict[str, Any]:
        return {"keys": [public]}

    @app.get("/readyz")
    async def ready() -> dict[str, str]:
        return {"keys": "ok"}


def _answer_clients(app: FastAPI, issuer: Issuer, known: Browsers) -> None:
    @app.exception_handler(OAuthError)
    async def refused(_: Request, error: OAuthError) -> JSONResponse:
        return _said(error.body, status=error.status)

    @app.post("/token")
    async def token(request: Request) -> JSONResponse:
        form = await form_of(request)
        return _said(issuer.grant(authenticated(known.clients, *credentials_of(request, form)), form))

    @app.post("/device-authorization")
    async def device_authorization(request: Request) -> JSONResponse:
        form = await form_of(request)
        return _said(issuer.begin_device(authenticated(known.clients, *credentials_of(request, form)), form))

    @app.post("/revoke")
    async def revoke(request: Request) -> JSONResponse:
        form = await form_of(request)
        client = authenticated(known.clients, *credentials_of(request, form))
        issuer.revoke(client, form.get("token", ""))
        return _said({})

    @app.api_route("/userinfo", methods=["GET", "POST"])
    async def userinfo(request: Request) -> JSONResponse:
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        told = read_own(registry=issuer.registry, token=bearer, kind="at+jwt") if scheme.lower() == "bearer" else None
        if told is None or told["exp"] <= issuer.memory.clock() or "openid" not in told["scope"].split():
            return _said({"error": "invalid_token"}, status=401)
        return _said({name: told[name] for name in CLAIMS if name in told and name not in {"sid", "auth_time"}})


def _answer_browsers(app: FastAPI, browsers: Browsers) -> None:
    @app.api_route("/authorize", methods=["GET", "POST"])
    async def authorize(request: Request) -> Response:
        try:
            asked = once(request.query_params.multi_items()) if request.method == "GET" else await form_of(request)
        except OAuthError as error:
            return pages.say("This cannot go on", error.description, status=400)
        return browsers.authorize(request, asked)

    @app.post("/sign-in")
    async def sign_in(request: Request) -> Response:
        return browsers.sign_in(request, await form_of(request))

    @app.get("/device")
    async def device(request: Request, user_code: str = "") -> Response:
        return browsers.show_device(request, user_code)

    @app.post("/device")
    async def decide(request: Request) -> Response:
        return browsers.decide_device(request, await form_of(request))

    @app.api_route("/end-session", methods=["GET", "POST"])
    async def end_session(request: Request) -> Response:
        asked = once(request.query_params.multi_items()) if request.method == "GET" else await form_of(request)
        return browsers.end_session(request, asked)

    @app.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        return browsers.confirm_end(request, await form_of(request))


def _said(body: Mapping[str, Any], *, status: int = 200) -> JSONResponse:
    headers = {"Cache-Control": "no-store"}
    if status == 401:  # noqa: PLR2004 - RFC 9110 §15.5.2 asks for a challenge
        headers["WWW-Authenticate"] = (
            "Basic" if body.get("error") == "invalid_client" else 'Bearer error="invalid_token"'
        )
    return JSONResponse(dict(body), status, headers)
