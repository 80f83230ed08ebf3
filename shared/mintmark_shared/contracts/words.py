"""The base of every document on the wire, and the exact decimal amounts in them."""

from decimal import Decimal
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
)

from mintmark_shared.clock import in_calendar


class Document(BaseModel):
    """A frozen JSON document; unknown members are refused, so a typo is heard of."""

    model_config = ConfigDict(frozen=True, extra="forbid")


AMOUNT = r"^(0|[1-9][0-9]{0,17})(\.[0-9]{1,30})?$"
AmountText = Annotated[str, StringConstraints(pattern=AMOUNT, max_length=50)]
"""A non-negative decimal as text: JSON numbers are binary floats to most readers, and budgets are exact."""

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=4000, pattern=r"^[^\x00]*$")]


Moment = Annotated[AwareDatetime, AfterValidator(in_calendar)]
"""A time with its offset, in the years 100 to 9899 of UTC: the one type of every time that a caller sends."""


def _finite(value: object) -> object:
    return repr(value) if isinstance(value, float) else value


Figure = Annotated[
    Decimal,
    BeforeValidator(_finite),
    Field(allow_inf_nan=False),
    PlainSerializer(str, return_type=str),
]
"""A statistic, as decimal text."""
