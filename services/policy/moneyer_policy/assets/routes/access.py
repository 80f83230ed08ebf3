"""The gate as a service to others: OpenID AuthZEN Authorization API 1.0. Advisory: nothing is reserved."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictStr, ValidationError

from moneyer_policy.assets.routes.office import InOffice
from moneyer_policy.assets.use_cases import access
from moneyer_policy.gate.use_cases.bench import Allowance
from moneyer_policy.library.routes.library import Expression
from moneyer_policy.library.store import LibraryStore
from moneyer_policy.library.use_cases import library
from moneyer_shared.auth import Caller, requires
from moneyer_shared.contracts.documents import Document, Name
from moneyer_shared.documents import faults_of, read_body
from moneyer_shared.errors import BadRequest, Invalid
from moneyer_shared.idempotency import ThisAttempt

router = APIRouter(tags=["access"])
Asker = Annotated[Caller, requires("policy:access:evaluate")]
MOST_AT_ONCE = 200


class Open(BaseModel):
    """AuthZEN has unknown members ignored, for later versions' sake."""

    model_config = ConfigDict(extra="ignore")


class Entity(Open):
    type: StrictStr
    id: StrictStr
    properties: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])


class Action(Open):
    name: StrictStr
    properties: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])


class Evaluation(Open):
    subject: Entity
    action: Action
    resource: Entity
    context: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])


class Answer(Open):
    """A decision, or with several questions one for each."""

    decision: bool | None = None
    context: dict[str, Any] | None = None
    evaluations: list[dict[str, Any]] | None = None


class AccessPolicy(Document):
    """``expression`` is CEL over the maps subject, action, resource and context."""

    name: Name
    resource_type: Name
    expression: Expression


class AccessPolicyShown(AccessPolicy):
    id: UUID


async def _read(request: Request) -> dict[str, Any]:
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


Question = Annotated[dict[str, Any], Depends(_read)]


def _body(*required: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    if required:
        schema["required"] = list(required)
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _checked(question: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return Evaluation.model_validate(question).model_dump()
    except ValidationError as error:
        raise BadRequest(
            "The question lacks something it needs.", code="question-invalid", reasons=faults_of(error)
        ) from error


@router.post(
    "/access/v1/evaluation",
    response_model=Answer,
    response_model_exclude_none=True,
    operation_id="evaluateAccess",
    summary="May this subject do this to that resource?",
    openapi_extra=_body("subject", "action", "resource"),
)
async def evaluation(_: Asker, question: Question, office: InOffice) -> dict[str, Any]:
    return await access.evaluate(office, _checked(question))


@router.post(
    "/access/v1/evaluations",
    response_model=Answer,
    response_model_exclude_none=True,
    operation_id="evaluateAccesses",
    summary="Several questions at once, with defaults",
    openapi_extra=_body(),
)
async def evaluations(_: Asker, question: Question, office: InOffice) -> dict[str, Any]:
    entries = question.get("evaluations") or []
    if not isinstance(entries, list) or len(entries) > MOST_AT_ONCE:
        raise BadRequest(f"evaluations must be a list of at most {MOST_AT_ONCE}.", code="question-invalid")
    if not entries:
        return await access.evaluate(office, _checked(question))
    allowance = Allowance()
    return {"evaluations": [await _one_of_many(office, question, entry, allowance) for entry in entries]}


async def _one_of_many(
    office: InOffice, defaults: Mapping[str, Any], entry: Any, allowance: Allowance
) -> dict[str, Any]:
    """One question's answer; a question that cannot be read is denied, and the others are answered."""
    try:
        return await access.evaluate(office, _checked(_merged(defaults, entry)), allowance)
    except BadRequest as refusal:
        return {"decision": False, "context": {"reasons": [{"code": refusal.problem_code}, *refusal.reasons]}}


def _merged(defaults: Mapping[str, Any], entry: Any) -> dict[str, Any]:
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


@router.get(
    "/.well-known/authzen-configuration",
    operation_id="getAuthzenConfiguration",
    summary="Where the AuthZEN endpoints are",
)
async def configuration(office: InOffice) -> dict[str, str]:
    base = office.public_url.rstrip("/")
    return {
        "policy_decision_point": base,
        "access_evaluation_endpoint": f"{base}/access/v1/evaluation",
        "access_evaluations_endpoint": f"{base}/access/v1/evaluations",
    }


@router.post(
    "/v1/access-policies",
    status_code=201,
    response_model=AccessPolicyShown,
    operation_id="setAccessPolicy",
    summary="Decide on resources that are not moneyer's own",
)
async def set_policy(
    request: AccessPolicy, office: InOffice, attempt: ThisAttempt, caller: Caller = requires("policy:library:write")
) -> JSONResponse:
    reply = await library.set_access_policy(
        office,
        name=request.name,
        resource_type=request.resource_type,
        expression=request.expression,
        by=caller.subject,
        attempt=attempt,
    )
    return reply.response()


@router.get("/v1/access-policies", operation_id="listAccessPolicies", summary="The policies in use")
async def policies(office: InOffice, _: Caller = requires("policy:read")) -> list[AccessPolicyShown]:
    async with office.database.transaction() as connection:
        rows = await LibraryStore(connection).access_policies()
    return [
        AccessPolicyShown(id=row.id, name=row.name, resource_type=row.resource_type, expression=row.expression)
        for row in rows
    ]
