"""The library: configurations, rejection criteria, questionnaires, training and models."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import Field, StringConstraints, model_validator

from moneyer_policy.library.store import LibraryStore
from moneyer_policy.library.use_cases import assessments, library
from moneyer_policy.reviews.documents import Review, ReviewOpened, Subject
from moneyer_policy.reviews.routes.office import InOffice
from moneyer_shared.auth import Caller, requires
from moneyer_shared.contracts.documents import AmountText, Document, Moment, Name, Text
from moneyer_shared.contracts.policy import GuaranteeLevel, Parameter
from moneyer_shared.idempotency import ThisAttempt

router = APIRouter(prefix="/v1", tags=["library"])
READ = requires("policy:read")
WRITE = requires("policy:library:write")
Expression = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]


class Range(Document):
    """What a parameter may be: from ``minimum`` to ``maximum``, or ``one_of``."""

    minimum: AmountText | None = None
    maximum: AmountText | None = None
    one_of: Annotated[list[Parameter], Field(min_length=1, max_length=200)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "Range":
        bounded = self.minimum is not None and self.maximum is not None
        if bounded == (self.one_of is not None):
            message = "give minimum and maximum, or one_of"
            raise ValueError(message)
        return self


class ConfigurationDocument(Document):
    """An approved generator set-up: what a plan naming it may be, what it gets by default, and why it is trusted."""

    name: Name
    generator: Name
    engine_version: Annotated[str, Field(max_length=100, pattern=r"^[^\x00]*$")] | None = None
    guarantee: GuaranteeLevel
    parameters: Annotated[dict[Name, Range], Field(max_length=50)]
    defaults: Annotated[dict[Name, Parameter], Field(max_length=50)] = Field(default_factory=dict[str, Parameter])
    evidence: Text


class ConfigurationShown(Document):
    id: UUID
    name: str
    state: Literal["proposed", "approved", "rejected", "retired"]
    digest: str
    review_id: UUID | None
    made_by: str
    made_at: datetime
    document: dict[str, Any]


class RejectionRequest(Document):
    """``expression`` is CEL over the plan; every plan for which it holds, or fails, is refused."""

    name: Name
    expression: Expression
    reason: Text


class RejectionMade(Document):
    id: UUID
    name: str
    expression: str
    reason: str
    by: str


class RejectionShown(Document):
    id: UUID
    name: str
    expression: str
    reason: str
    made_by: str
    made_at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None


class Question(Document):
    id: Name
    text: Text
    kind: Literal["yes-no", "choice", "text"]
    choices: Annotated[list[Text], Field(max_length=50)] = Field(default_factory=list[str])


class Questionnaire(Document):
    """A questionnaire; ``maximum_residual_risk`` is the largest likelihood × severity still acceptable."""

    name: Name
    title: Text
    questions: Annotated[list[Question], Field(min_length=1, max_length=200)]
    maximum_residual_risk: Annotated[int, Field(ge=1, le=25)]


class QuestionnaireShown(Document):
    name: str
    version: int
    digest: str
    document: dict[str, Any]


class AttestationRequest(Document):
    person: Subject
    topic: Name
    evidence: Text
    valid_until: Moment


class AttestationMade(Document):
    id: UUID
    person: str
    topic: str


class AttestationShown(Document):
    id: UUID
    person: str
    topic: str
    attested_by: str
    evidence: str
    valid_until: datetime


class ModelReview(Document):
    """A model trained on assets, put up for a compliance review."""

    asset_ids: Annotated[list[UUID], Field(min_length=1, max_length=100)]
    use_case: Name
    owner: Subject
    findings: Text


class Compliance(Document):
    model: str
    state: Literal["unreviewed", "open", "approved", "rejected", "lapsed"]
    review: Review | None


@router.post(
    "/configurations",
    status_code=201,
    response_model=ConfigurationShown,
    operation_id="proposeConfiguration",
    summary="Put a generator set-up up for approval",
)
async def propose(
    document: ConfigurationDocument, office: InOffice, attempt: ThisAttempt, caller: Caller = WRITE
) -> JSONResponse:
    written = document.model_dump(mode="json", exclude_none=True)
    return (
        await library.propose_configuration(office, document=written, by=caller.subject, attempt=attempt)
    ).response()


@router.get("/configurations", operation_id="listConfigurations", summary="The library")
async def configurations(
    office: InOffice, name: Annotated[Name | None, Query()] = None, _: Caller = READ
) -> list[ConfigurationShown]:
    async with office.database.transaction() as connection:
        rows = await LibraryStore(connection).configurations(name=name)
    return [ConfigurationShown.model_validate(library.show_configuration(row)) for row in rows]


@router.get("/configurations/{name}", operation_id="getConfiguration", summary="The approved one of a name")
async def configuration(name: Name, office: InOffice, _: Caller = READ) -> ConfigurationShown:
    return ConfigurationShown.model_validate(await library.configuration_named(office, name))


@router.post(
    "/configurations/{name}:retire", status_code=204, operation_id="retireConfiguration", summary="Out of use at once"
)
async def retire(name: Name, office: InOffice, caller: Caller = WRITE) -> None:
    await library.retire_configuration(office, name=name, by=caller.subject)


@router.post(
    "/rejection-criteria",
    status_code=201,
    response_model=RejectionMade,
    operation_id="addRejectionCriterion",
    summary="Refuse every plan that matches",
)
async def reject(
    request: RejectionRequest, office: InOffice, attempt: ThisAttempt, caller: Caller = WRITE
) -> JSONResponse:
    reply = await library.reject(
        office,
        name=request.name,
        expression=request.expression,
        reason=request.reason,
        by=caller.subject,
        attempt=attempt,
    )
    return reply.response()


@router.get("/rejection-criteria", operation_id="listRejectionCriteria", summary="What is refused by itself")
async def rejections(office: InOffice, _: Caller = READ) -> list[RejectionShown]:
    async with office.database.transaction() as connection:
        rows = await LibraryStore(connection).rejection_rows()
    return [
        RejectionShown(
            id=row.id, name=row.name, expression=row.expression, reason=row.reason, made_by=row.made_by,
            made_at=row.made_at, withdrawn_by=row.withdrawn_by, withdrawn_at=row.withdrawn_at,
        )
        for row in rows
    ]  # fmt: skip


@router.post(
    "/rejection-criteria/{rejection_id}:withdraw",
    status_code=204,
    operation_id="withdrawRejectionCriterion",
    summary="Apply it no longer",
)
async def withdraw(rejection_id: UUID, office: InOffice, caller: Caller = WRITE) -> None:
    await library.withdraw_rejection(office, rejection_id=rejection_id, by=caller.subject)


@router.post(
    "/questionnaires",
    status_code=201,
    response_model=QuestionnaireShown,
    operation_id="publishQuestionnaire",
    summary="A new version of an assessment's questionnaire",
)
async def publish(
    document: Questionnaire, office: InOffice, attempt: ThisAttempt, caller: Caller = WRITE
) -> JSONResponse:
    written = document.model_dump(mode="json")
    return (await assessments.add_template(office, document=written, by=caller.subject, attempt=attempt)).response()


@router.get("/questionnaires", operation_id="listQuestionnaires", summary="All questionnaires and versions")
async def questionnaires(office: InOffice, _: Caller = READ) -> list[QuestionnaireShown]:
    async with office.database.transaction() as connection:
        rows = await LibraryStore(connection).templates()
    return [
        QuestionnaireShown(name=row.name, version=row.version, digest=row.digest, document=row.document) for row in rows
    ]


@router.post(
    "/attestations",
    status_code=201,
    response_model=AttestationMade,
    operation_id="attestTraining",
    summary="Somebody was trained in a topic",
)
async def attest(
    request: AttestationRequest, office: InOffice, attempt: ThisAttempt, caller: Caller = WRITE
) -> JSONResponse:
    reply = await library.attest(
        office,
        person=request.person,
        topic=request.topic,
        evidence=request.evidence,
        valid_until=request.valid_until,
        by=caller.subject,
        attempt=attempt,
    )
    return reply.response()


@router.get("/attestations", operation_id="listAttestations", summary="Who was trained in what")
async def attestations(
    office: InOffice, person: Annotated[Subject | None, Query()] = None, _: Caller = READ
) -> list[AttestationShown]:
    async with office.database.transaction() as connection:
        rows = await LibraryStore(connection).attestations(person)
    return [
        AttestationShown(
            id=row.id, person=row.person, topic=row.topic, attested_by=row.attested_by, evidence=row.evidence,
            valid_until=row.valid_until,
        )
        for row in rows
    ]  # fmt: skip


@router.post(
    "/models/{model}/compliance-reviews",
    status_code=202,
    response_model=ReviewOpened,
    operation_id="reviewModel",
    summary="Put a model up for a compliance review",
)
async def review_model(
    model: Name, request: ModelReview, office: InOffice, attempt: ThisAttempt, caller: Caller = WRITE
) -> JSONResponse:
    reply = await assessments.review_model(
        office,
        model=model,
        asset_ids=request.asset_ids,
        use_case=request.use_case,
        findings=request.findings,
        owner=request.owner,
        by=caller.subject,
        attempt=attempt,
    )
    return reply.response()


@router.get("/models/{model}/compliance", operation_id="getCompliance", summary="What was decided on a model")
async def compliance(model: Name, office: InOffice, _: Caller = READ) -> Compliance:
    return Compliance.model_validate(await assessments.compliance_of(office, model))
