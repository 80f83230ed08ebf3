"""What is put to the committee of a finding."""

from typing import Literal
from uuid import UUID

from moneyer_shared.contracts.documents import Document
from moneyer_shared.contracts.evaluation import CriterionResult
from moneyer_shared.figures import Precision


class FindingVotedOn(Document):
    """The members of ``Finding`` that votes are bound to."""

    asset_id: UUID
    cause: Literal["re-assay", "drift"]
    evidence: UUID
    criteria: list[CriterionResult]
    figures: Precision = "withheld"
    triggered: list[str]
