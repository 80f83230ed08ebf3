"""Exceptions to one rule, and broken glass."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field

from moneyer_policy.gate.routes.office import InOffice
from moneyer_policy.gate.rules.waiver import LONGEST_GLASS_HOURS
from moneyer_policy.gate.store.waivers import WaiverStore
from moneyer_policy.gate.use_cases import waivers
from moneyer_policy.reviews.documents import ReviewOpened, Subject
from moneyer_shared.auth import Caller, requires
from moneyer_shared.contracts.documents import Document, Moment, Name, Text
from moneyer_shared.idempotency import ThisAttempt

router = APIRouter(prefix="/v1", tags=["waivers"])
EXCEPT = requires("policy:exceptions:write")
GLASS = requires("policy:glass:write")


class ExceptionRequest(Document):
    """One rule of the gate, by its code, set aside until a date; ``GET /v1/rules`` says which may be."""

    rule: Name
    use_case: Name | None = None
    requester: Subject | None = None
    reason: Text
    valid_until: Moment
    single_use: bool = True


class RuleShown(Document):
    """A rule of the gate; where it is never waived, why, and whether the rule itself or the house says so."""

    code: str
    waivable: bool
    reason: str | None
    by: Literal["rule", "house"] | None


class RuleOfHouse(Document):
    """Whether the house takes exceptions from a rule; one that says itself that it is never waived stays so."""

    waivable: bool
    reason: Text


class GlassRequest(Document):
    requester: Subject
    reason: Text
    incident: Text
    hours: Annotated[int, Field(ge=1, le=LONGEST_GLASS_HOURS)] = 4


class WaiverShown(Document):
    id: UUID
    kind: Literal["exception", "break-glass"]
    charter_id: UUID
    rule: str | None
    use_case: str | None
    requester: str | None
    reason: str
    incident: str | None
    single_use: bool
    used_by: UUID | None
    review_id: UUID | None
    opened_by: str
    confirmed_by: str | None
    made_at: datetime
    valid_until: datetime


@router.post(
    "/charters/{charter_id}/exceptions",
    status_code=202,
    response_model=ReviewOpened,
    operation_id="askForException",
    summary="Ask that one rule be set aside; a vote decides",
)
async def ask_for_exception(
    charter_id: UUID, request: ExceptionRequest, office: InOffice, attempt: ThisAttempt, caller: Caller = EXCEPT
) -> JSONResponse:
    reply = await waivers.ask_for_exception(
        office,
        charter_id=charter_id,
        rule=request.rule,
        use_case=request.use_case,
        requester=request.requester,
        reason=request.reason,
        valid_until=request.valid_until,
        single_use=request.single_use,
        by=caller.subject,
        attempt=attempt,
    )
    return reply.response()


@router.post(
    "/charters/{charter_id}:break-glass",
    status_code=201,
    response_model=WaiverShown,
    operation_id="breakGlass",
    summary="The first of two people",
)
async def break_glass(
    charter_id: UUID, request: GlassRequest, office: InOffice, attempt: ThisAttempt, caller: Caller = GLASS
) -> JSONResponse:
    reply = await waivers.break_glass(
        office,
        charter_id=charter_id,
        requester=request.requester,
        reason=request.reason,
        incident=request.incident,
        hours=request.hours,
        by=caller.subject,
        attempt=attempt,
    )
    return reply.response()


@router.post(
    "/waivers/{waiver_id}:confirm",
    response_model=WaiverShown,
    operation_id="confirmGlass",
    summary="The second of two people",
)
async def confirm(waiver_id: UUID, office: InOffice, caller: Caller = GLASS) -> JSONResponse:
    return (await waivers.confirm_glass(office, waiver_id=waiver_id, by=caller.subject)).response()


@router.get("/charters/{charter_id}/waivers", operation_id="listWaivers", summary="Exceptions and broken glass")
async def list_waivers(charter_id: UUID, office: InOffice, _: Caller = requires("policy:read")) -> list[WaiverShown]:
    async with office.database.transaction() as connection:
        rows = await WaiverStore(connection).waiver_rows(charter_id)
    return [WaiverShown.model_validate(waivers.show(row)) for row in rows]


@router.get("/rules", operation_id="listRules", summary="The gate's rules, which may be waived, and why others not")
async def list_rules(office: InOffice, _: Caller = requires("policy:read")) -> list[RuleShown]:
    return [RuleShown.model_validate(entry) for entry in await waivers.rules(office)]


@router.put(
    "/rules/{code}",
    response_model=RuleShown,
    operation_id="setRuleOfHouse",
    summary="Have the house take no exceptions from a rule, or take them again",
)
async def set_rule(
    code: Name, request: RuleOfHouse, office: InOffice, caller: Caller = requires("policy:committee:write")
) -> JSONResponse:
    reply = await waivers.rule_of_house(
        office, code=code, waivable=request.waivable, reason=request.reason, by=caller.subject
    )
    return reply.response()
