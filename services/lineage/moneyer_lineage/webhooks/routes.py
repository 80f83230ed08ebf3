"""Webhooks of those who own models."""

from typing import Annotated

from fastapi import Request
from fastapi.responses import JSONResponse

from moneyer_lineage.dependencies import Dependencies, Work
from moneyer_lineage.webhooks import use_cases as webhooks
from moneyer_lineage.webhooks.documents import Webhook, WebhookRequest, WebhookWithSecret
from moneyer_lineage.webhooks.rules.signing import secret_of
from moneyer_shared.auth import Caller, requires
from moneyer_shared.idempotency import KeyedAttempt, Reply
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1/webhooks", tag="webhooks")
OWN = "lineage:webhooks:write"
NOT_CACHED = {"Cache-Control": "no-store"}


@routes.router.post(
    "", status_code=201, response_model=WebhookWithSecret, operation_id="addWebhook", summary="Have yourself called"
)
async def add_webhook(
    asked: WebhookRequest, request: Request, attempt: KeyedAttempt, caller: Annotated[Caller, requires(OWN)]
) -> JSONResponse:
    # What is kept for a repeat holds no secret, which is derived anew: so this is no declaration.
    dependencies: Dependencies = request.app.state.dependencies
    reply = await attempt.answered_before(dependencies.database, caller.subject)
    if reply is None:
        await webhooks.check_url(dependencies.messenger, asked.url)
        async with dependencies.begin(Work, caller) as work:
            reply = await attempt.answered(work.connection, caller.subject)
            if reply is None:
                made = await webhooks.add_webhook(work, asked.url)
                reply = Reply(201, made.model_dump(mode="json"))
                await attempt.keep(work.connection, caller.subject, reply)
    kept = Webhook.model_validate(reply.body)
    shown = kept.with_secret(secret_of(dependencies.setup.webhook_key, kept.id, kept.generation))
    return JSONResponse(shown.model_dump(mode="json"), reply.status, NOT_CACHED)


routes.add("GET", "", webhooks.list_webhooks, "Your webhooks", scope=OWN)
routes.add(
    "POST", "/{webhook_id}:rotate", webhooks.rotate_webhook, "A new secret; for a day the one before signs too",
    scope=OWN, headers=NOT_CACHED,
)  # fmt: skip
routes.add("DELETE", "/{webhook_id}", webhooks.remove_webhook, "Be called no more", scope=OWN, status=204)
routes.add(
    "GET", "/{webhook_id}/deliveries", webhooks.list_deliveries, "What it was told, the latest first", scope=OWN,
    page="id",
)  # fmt: skip
routes.add(
    "POST", "/{webhook_id}/deliveries/{delivery_id}:retry", webhooks.retry_delivery, "Try a delivery again now",
    scope=OWN, status=204,
)  # fmt: skip
