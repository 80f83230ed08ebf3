"""Assessments on the wire."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from moneyer_policy.library.rules.assessment import Risk
from moneyer_policy.reviews.documents import Digest
from moneyer_shared.contracts.documents import Document, Moment, Name, Text

Grade = Annotated[int, Field(ge=1, le=5)]


class RiskStated(Document):
    """Likelihood and severity from 1 to 5, before and after what is done about it."""

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


class AssessmentMade(Document):
    id: UUID
    charter_id: UUID
    digest: str
    residual_risk: int
