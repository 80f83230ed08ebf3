"""An identity provider for development: real signed tokens for people and services of this machine.

Production points every service at its own OpenID Connect issuer instead; nothing else changes.
"""

import hmac
import json
import os
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from joserfc import jwt
from joserfc.jwk import ECKey

LIFETIME_SECONDS = 3600
READ = "policy:read generation:read evaluation:read lineage:read"

EVIDENCE = "policy:evidence:read lineage:evidence:read"
"""Lineage hands on what policy and evaluation tell it of an asset: to those who may ask them for it themselves."""
SPEAK = "policy:feedback:write"
VOTE = "policy:votes:write policy:charters:suspend policy:exceptions:write policy:glass:write policy:incidents:write"
RAW = "evaluation:raw:read policy:raw:read"
HAND_OVER = "policy:owners:write generation:owners:write evaluation:owners:write lineage:owners:write"
MODELS = "lineage:models:write lineage:webhooks:write"

PEOPLE: Mapping[str, str] = {
    "admin": f"{READ} {SPEAK} policy:committee:write {HAND_OVER}",
    "steward": (
        f"{READ} {RAW} {EVIDENCE} {SPEAK} policy:budgets:write policy:grants:write policy:library:write "
        "policy:charters:suspend policy:incidents:write policy:exceptions:write policy:glass:write "
        "policy:access:evaluate "
        "generation:sources:write generation:connections:write generation:deliveries:write generation:audits:write "
        "evaluation:reassays:write "
        "evaluation:monitors:write "
        "evaluation:shares:write"
    ),
    "scientist": (
        f"{READ} {SPEAK} policy:charters:write policy:exceptions:write generation:runs:write "
        f"generation:deliveries:write evaluation:scores:write {MODELS}"
    ),
    "assessor": f"{READ} {RAW} {SPEAK} policy:assessments:write",
    "privacy-officer": f"{READ} {RAW} {EVIDENCE} {SPEAK} {VOTE}",
    "security-officer": f"{READ} {RAW} {EVIDENCE} {SPEAK} {VOTE}",
    "counsel": f"{READ} {RAW} {EVIDENCE} {SPEAK} {VOTE}",
    "product-lead": f"{READ} {RAW} {EVIDENCE} {SPEAK} {VOTE}",
    "lead-scientist": f"{READ} {RAW} {EVIDENCE} {SPEAK} {VOTE} {MODELS}",
    "auditor": f"{READ} {RAW} {EVIDENCE}",
}
SERVICES: Mapping[str, str] = {
    "policy": "lineage:deliveries:write",
    "generation": (
        "policy:read policy:decisions:write policy:keys:write policy:permits:redeem policy:assets:unlock "
        "evaluation:assays:write evaluation:read lineage:deliveries:write"
    ),
    "evaluation": (
        "policy:read policy:permits:assay policy:releases:write generation:objects:read lineage:deliveries:write"
    ),
    "lineage": "policy:read policy:evidence:read policy:feedback:write evaluation:read",
    "producer": "lineage:events:write",
    "dashboard": "policy:read lineage:read",
    "platform": f"policy:access:evaluate evaluation:scores:write lineage:read {MODELS}",
}


def new_registry() -> dict[str, Any]:
    """Keys and client secrets, made once at the first start."""
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, private=True, auto_kid=True)
    clients = {
        name: {"secret": secrets.token_urlsafe(32), "scope": scope} for name, scope in {**PEOPLE, **SERVICES}.items()
    }
    return {"key": key.as_dict(private=True), "clients": clients}


def _scope_of(registry: Mapping[str, Any], client: str) -> str:
    """What a client may do by this version, though its secret was made by an earlier one."""
    return {**PEOPLE, **SERVICES}.get(client) or str(registry["clients"][client]["scope"])


def sign_token(
    registry: Mapping[str, Any],
    *,
    issuer: str,
    client: str,
    audience: str,
    scope: str | None = None,
    lifetime: int = LIFETIME_SECONDS,
) -> str:
    """An RFC 9068 access token."""
    key = ECKey.import_key(registry["key"])
    now = int(time.time())
    claims = {
        "iss": issuer,
        "sub": client,
        "client_id": client,
        "aud": audience,
        "iat": now,
        "exp": now + lifetime,
        "jti": secrets.token_hex(16),
        "scope": _scope_of(registry, client) if scope is None else scope,
    }
    return jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": key.kid}, claims, key)


def create_app(registry: Mapping[str, Any], issuer: str) -> FastAPI:
    app = FastAPI(title="moneyer identity (development)", docs_url=None, redoc_url=None, openapi_url=None)
    public = ECKey.import_key(registry["key"]).as_dict(private=False)

    @app.get("/.well-known/openid-configuration")
    async def discovery() -> dict[str, Any]:
        return {
            "issuer": issuer,
            "jwks_uri": f"{issuer}/jwks",
            "token_endpoint": f"{issuer}/token",
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "id_token_signing_alg_values_supported": ["ES256"],
        }

    @app.get("/jwks")
    async def jwks() -> dict[str, Any]:
        return {"keys": [public]}

    @app.get("/readyz")
    async def ready() -> dict[str, str]:
        return {"keys": "ok"}

    @app.post("/token")
    async def token(request: Request) -> JSONResponse:
        form = {name: values[-1] for name, values in parse_qs((await request.body()).decode()).items()}
        client = registry["clients"].get(form.get("client_id", ""))
        given = form.get("client_secret", "")
        if client is None or not hmac.compare_digest(client["secret"].encode(), given.encode()):
            return JSONResponse({"error": "invalid_client"}, status_code=401)
        if form.get("grant_type") != "client_credentials" or "audience" not in form:
            return JSONResponse({"error": "invalid_request"}, status_code=400)
        access = sign_token(registry, issuer=issuer, client=form["client_id"], audience=form["audience"])
        return JSONResponse(
            {"access_token": access, "token_type": "Bearer", "expires_in": LIFETIME_SECONDS},
            headers={"Cache-Control": "no-store"},
        )

    return app


def main() -> None:
    registry = json.loads(Path(os.environ["MONEYER_IDENTITY_REGISTRY"]).read_text())
    issuer = os.environ["MONEYER_IDENTITY_ISSUER"]
    port = int(issuer.rsplit(":", 1)[1])
    uvicorn.run(create_app(registry, issuer), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
