"""Assessments, the library, rejection criteria, training, access policies and models on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from moneyer_policy.library.rules.assessment import Risk
from moneyer_policy.reviews.documents import Digest, Review, Subject
from moneyer_shared.contracts.documents import AmountText, Document, Moment, Name, Text
from moneyer_shared.contracts.policy import GuaranteeLevel, Parameter

Grade = Annotated[int, Field(ge=1, le=5)]
Expression = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]


# --- assessments and their questionnaires -------------------------------------------------


class RiskStated(Document):
    """Likelihood and severity from 1 to 5 (as ISO/IEC 29134 grades them), before and after what is done about it."""

    description: Text
    likelihood: Grade
    severity: Grade
    mitigation: Text
    residual_likelihood: Grade
    residual_severity: Grade

    def risk(self) -> Risk:
        return Risk(**self.model_dump())


class AssessmentRequest(Document):
    digest: Digest
    acceptable: bool
    summary: Text
    valid_until: Moment
    template: Name | None = None
    answers: Annotated[dict[Name, Any], Field(max_length=200)] = Field(default_factory=dict[str, Any])
    risks: Annotated[list[RiskStated], Field(max_length=100)] = Field(default_factory=list[RiskStated])


class Assessment(Document):
    """What somebody independent said of one text of a charter; ``residual_risk`` is the largest that is left."""

    id: UUID
    charter_id: UUID
    digest: str
    assessor: str
    acceptable: bool
    summary: str
    template: str | None
    residual_risk: int
    made_at: datetime
    valid_until: datetime

    def as_evidence(self) -> dict[str, Any]:
        """As evidence shows it, and as the audit log holds a salted digest of it: written the same way in both."""
        return self.model_dump(mode="json", exclude={"charter_id", "template"})


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


class QuestionnaireVersion(Document):
    name: str
    version: int
    digest: str
    document: dict[str, Any]

    def read(self) -> Questionnaire:
        return Questionnaire.model_validate(self.document)


# --- configurations -----------------------------------------------------------------------


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


class Configuration(Document):
    """A configuration and what became of it; ``document`` is the text that was voted on, with its ``digest``."""

    id: UUID
    name: str
    state: Literal["proposed", "approved", "rejected", "retired"]
    digest: str
    review_id: UUID | None
    made_by: str
    made_at: datetime
    document: dict[str, Any]


# --- rejection criteria -------------------------------------------------------------------


class RejectionRequest(Document):
    """``expression`` is CEL over the plan; every plan for which it holds, or fails, is refused."""

    name: Name
    expression: Expression
    reason: Text


class NewRejectionCriterion(Document):
    """A criterion that applies from now on."""

    id: UUID
    name: str
    expression: str
    reason: str
    by: str


class RejectionCriterion(Document):
    """A criterion, withdrawn or not."""

    id: UUID
    name: str
    expression: str
    reason: str
    made_by: str
    made_at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None


# --- training, access policies and models -------------------------------------------------


class AttestationRequest(Document):
    person: Subject
    topic: Name
    evidence: Text
    valid_until: Moment


class Attestation(Document):
    """That somebody was trained in a topic."""

    id: UUID
    person: str
    topic: str
    attested_by: str
    evidence: str
    valid_until: datetime


class AccessPolicyRequest(Document):
    """``expression`` is CEL over the maps subject, action, resource and context."""

    name: Name
    resource_type: Name
    expression: Expression


class AccessPolicy(AccessPolicyRequest):
    """Who may do what to a kind of resource that is not moneyer's own."""

    id: UUID


class ModelReview(Document):
    """A model trained on assets, put up for a compliance review."""

    asset_ids: Annotated[list[UUID], Field(min_length=1, max_length=100)]
    use_case: Name
    owner: Subject
    findings: Text


class Compliance(Document):
    """What was decided on a model last."""

    model: str
    state: Literal["unreviewed", "open", "approved", "rejected", "lapsed"]
    review: Review | None
