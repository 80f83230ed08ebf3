"""What is asked of a search: engines and parameters to choose from, and the ε that all trials share."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictInt, model_validator

from moneyer_shared.contracts.documents import AmountText, Document, Name, Text
from moneyer_shared.contracts.policy import GuaranteeLevel, Parameter
from moneyer_shared.contracts.shape import Shape, Suppression


class Choice(Document):
    """What one parameter may be: one of some values, or from a minimum to a maximum (``log``: by orders of magnitude).

    Ends written as text are decimals, ends written as numbers whole numbers.
    """

    one_of: Annotated[list[Parameter], Field(min_length=1, max_length=50)] | None = None
    minimum: StrictInt | AmountText | None = None
    maximum: StrictInt | AmountText | None = None
    log: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> "Choice":
        ends = (self.minimum, self.maximum)
        if (self.one_of is None) == (ends == (None, None)):
            message = "give one_of, or minimum and maximum"
            raise ValueError(message)
        if self.one_of is None and type(self.minimum) is not type(self.maximum):
            message = "give both ends, of the same kind"
            raise ValueError(message)
        return self


class Candidate(Document):
    """An engine and what its parameters may be; those not named stay at their defaults."""

    generator: Name
    parameters: dict[Name, Choice] = Field(default_factory=dict[str, Choice], max_length=50)


class SearchRequest(Document):
    """A governed search: trial after trial is planned, permitted, charged, assayed and decided on like any run.

    It ends when a table is released, or when the ε, the trials or the gate's patience is used up. ``epsilon`` is what
    all fits together may cost one privacy unit; a candidate that does not say what its ε may be is given equal parts.
    """

    charter_id: UUID
    use_case: Name
    audience: Name
    source_id: UUID
    candidates: Annotated[list[Candidate], Field(min_length=1, max_length=20)]
    epsilon: AmountText
    most_trials: Annotated[int, Field(ge=1, le=200)] = 20
    rows: Annotated[int, Field(ge=1, le=10_000_000)]
    requested_guarantee: GuaranteeLevel = "proven"
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    shape: Shape | None = None
    suppression: Suppression | None = None
    rationale: Text

    @model_validator(mode="after")
    def _each_engine_once(self) -> "SearchRequest":
        names = [candidate.generator for candidate in self.candidates]
        if len(set(names)) != len(names):
            message = "name each generator once"
            raise ValueError(message)
        return self
