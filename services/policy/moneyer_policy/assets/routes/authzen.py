"""The gate as a service to others: OpenID AuthZEN Authorization API 1.0. Advisory: nothing is reserved."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import ValidationError

from moneyer_policy.assets.documents.authzen import Answer, Question, denied
from moneyer_policy.assets.use_cases import authzen
from moneyer_shared.documents import faults_of, read_body
from moneyer_shared.errors import BadRequest, Invalid
from moneyer_shared.routes import Routes

routes = Routes(prefix="", tag="access")
ASK = "policy:access:evaluate"
MOST_AT_ONCE = 200


async def _body(request: Request) -> dict[str, Any]:
    """The body; AuthZEN answers whatever is wrong with it with 400."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise BadRequest("Send application/json.", code="content-type")
    try:
        body = await read_body(await request.body())
    except Invalid as error:
        raise BadRequest(error.detail, code=error.problem_code) from error
    if not isinstance(body, dict):
        raise BadRequest("The body must be an object.", code="not-an-object")
    return body


Body = Annotated[dict[str, Any], Depends(_body)]


async def _question(body: Body) -> Question:
    """The one question of a body.

    Raises:
        BadRequest: it lacks something it needs.
    """
    try:
        return Question.model_validate(body)
    except ValidationError as error:
        raise BadRequest(
            "The question lacks something it needs.", code="question-invalid", reasons=faults_of(error)
        ) from error


async def _questions(body: Body) -> Question | list[Question | Answer]:
    """The questions of a body; one that cannot be read is denied, and the others are asked.

    Raises:
        BadRequest: they are no list, or too many; or there is one alone, and it lacks something.
    """
    entries = body.get("evaluations") or []
    if not isinstance(entries, list) or len(entries) > MOST_AT_ONCE:
        raise BadRequest(f"evaluations must be a list of at most {MOST_AT_ONCE}.", code="question-invalid")
    return [await _one_of_many(body, entry) for entry in entries] if entries else await _question(body)


async def _one_of_many(defaults: Mapping[str, object], entry: object) -> Question | Answer:
    try:
        return await _question(_merged(defaults, entry))
    except BadRequest as refusal:
        return denied({"code": refusal.problem_code}, *refusal.reasons)


def _merged(defaults: Mapping[str, object], entry: object) -> dict[str, Any]:
    """An entry's members replace the defaults whole, but for identifiers they leave out."""
    if not isinstance(entry, dict):
        raise BadRequest("Each evaluation is an object.", code="question-invalid")
    made = {name: defaults[name] for name in ("subject", "action", "resource", "context") if name in defaults}
    for name, value in entry.items():
        default = made.get(name)
        if isinstance(value, dict) and isinstance(default, dict) and name != "context":
            identifiers = {part: default[part] for part in ("type", "id", "name") if part in default}
            made[name] = identifiers | value
        else:
            made[name] = value
    return made


def _said_of_body(*required: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    if required:
        schema["required"] = list(required)
    body = {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
    return {"openapi_extra": body, "response_model_exclude_none": True}


routes.add(
    "POST",
    "/access/v1/evaluation",
    authzen.evaluate_access,
    "May this subject do this to that resource?",
    scope=ASK,
    given={"asked": Annotated[Question, Depends(_question)]},
    extra=_said_of_body("subject", "action", "resource"),
)
routes.add(
    "POST",
    "/access/v1/evaluations",
    authzen.evaluate_accesses,
    "Several questions at once, with defaults",
    scope=ASK,
    given={"asked": Annotated[Any, Depends(_questions)]},
    extra=_said_of_body(),
)
routes.add(
    "GET",
    "/.well-known/authzen-configuration",
    authzen.describe_endpoints,
    "Where the AuthZEN endpoints are",
    scope=None,
    operation="getAuthzenConfiguration",
)
