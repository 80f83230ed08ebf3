"""Votes: the one that decides also does what was decided."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from moneyer_policy.charters.documents import CharterVersion
from moneyer_policy.effects.use_cases import outcomes
from moneyer_policy.effects.use_cases.office import Office
from moneyer_policy.reviews.documents import ReviewShown, VoteRequest
from moneyer_policy.reviews.routes.office import the_office
from moneyer_shared.auth import Caller, requires
from moneyer_shared.contracts.documents import Document, Text
from moneyer_shared.idempotency import ThisAttempt

router = APIRouter(prefix="/v1", tags=["committee"])
charters = APIRouter(prefix="/v1", tags=["charters"])
VOTE = requires("policy:votes:write")
InOffice = Annotated[Office, Depends(the_office)]


class ConditionMet(Document):
    evidence: Text


@router.post(
    "/reviews/{review_id}/votes",
    status_code=201,
    response_model=ReviewShown,
    operation_id="voteOnReview",
    summary="Vote on exactly one digest",
)
async def vote(
    review_id: UUID, vote: VoteRequest, office: InOffice, attempt: ThisAttempt, caller: Caller = VOTE
) -> JSONResponse:
    reply = await outcomes.vote(office, review_id=review_id, ballot=vote.ballot(), by=caller.subject, attempt=attempt)
    return reply.response()


@router.post(
    "/reviews/{review_id}/conditions/{condition_id}:meet",
    response_model=ReviewShown,
    operation_id="meetCondition",
    summary="Confirm that a condition of one's own is met",
)
async def meet(
    review_id: UUID, condition_id: UUID, request: ConditionMet, office: InOffice, caller: Caller = VOTE
) -> JSONResponse:
    reply = await outcomes.meet_condition(
        office, review_id=review_id, condition_id=condition_id, evidence=request.evidence, by=caller.subject
    )
    return reply.response()


@charters.post(
    "/charters/{charter_id}/votes",
    status_code=201,
    response_model=CharterVersion,
    operation_id="voteOnCharter",
    summary="Vote on a submitted version",
)
async def vote_on_charter(
    charter_id: UUID,
    vote: VoteRequest,
    office: InOffice,
    attempt: ThisAttempt,
    caller: Caller = VOTE,
) -> JSONResponse:
    reply = await outcomes.vote_on_charter(
        office, charter_id=charter_id, ballot=vote.ballot(), by=caller.subject, attempt=attempt
    )
    return reply.response()
