"""Exceptions to one rule, broken glass, and which rules take any."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from moneyer_policy.gate.rules.waiver import LONGEST_GLASS_HOURS
from moneyer_policy.reviews.documents import Subject
from moneyer_shared.contracts.documents import Document, Moment, Name, Text


class ExceptionRequest(Document):
    """One rule of the gate, by its code, set aside until a date; ``GET /v1/rules`` says which may be."""

    rule: Name
    use_case: Name | None = None
    requester: Subject | None = None
    reason: Text
    valid_until: Moment
    single_use: bool = True


class GlassRequest(Document):
    requester: Subject
    reason: Text
    incident: Text
    hours: Annotated[int, Field(ge=1, le=LONGEST_GLASS_HOURS)] = 4


class Waiver(Document):
    """An exception that was granted, or glass that was broken; it counts once ``confirmed_by`` is said."""

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


class Rule(Document):
    """A rule of the gate; where it is never waived, why, and whether the rule itself or the house says so."""

    code: str
    waivable: bool
    reason: str | None
    by: Literal["rule", "house"] | None


class RuleOfHouse(Document):
    """Whether the house takes exceptions from a rule; one that says itself that it is never waived stays so."""

    waivable: bool
    reason: Text
