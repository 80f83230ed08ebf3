"""The base of every document on the wire, and the exact decimal amounts in them."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    PlainSerializer,
    StringConstraints,
)
from pydantic_core import CoreSchema

from moneyer_shared.clock import in_calendar
from moneyer_shared.numbers import canonical_number, is_nearly_a_number, is_number

READ_STRICTLY = {"int", "float", "bool"}


def _read_strictly(part: Any) -> None:
    """Make every number and truth in a model's schema one that is written as such."""
    if isinstance(part, dict):
        kind = part.get("type")
        if isinstance(kind, str) and kind in READ_STRICTLY:
            part["strict"] = True
        for name, inner in part.items():
            if name not in {"metadata", "serialization"}:
                _read_strictly(inner)
    elif isinstance(part, list | tuple):
        for inner in part:
            _read_strictly(inner)


class Document(BaseModel):
    """A frozen JSON document; unknown members are refused, so a typo is heard of.

    Whole numbers, fractions and truths are taken as JSON writes them and in no other way: ``"1_0"``, ``1.0`` for a
    whole number and ``"on"`` are refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", from_attributes=True)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        _read_strictly(schema)
        return schema


AMOUNT = r"^(0|[1-9][0-9]{0,17})(\.[0-9]{1,30})?$"
AmountText = Annotated[str, StringConstraints(pattern=AMOUNT, max_length=50), AfterValidator(canonical_number)]
"""A non-negative decimal as text: JSON numbers are binary floats to most readers, and budgets are exact.

Kept without idle zeros: 1.50 and 1.5 are one number, and one text.
"""


def _one_form(text: str) -> str:
    """A parameter that is a number, in its one form; other text as it is.

    Raises:
        ValueError: some readers take it for a number and others do not, or for another one.
    """
    if is_number(text):
        return canonical_number(text)
    if is_nearly_a_number(text):
        message = "a number is written as in 0.25: plain digits, no sign +, no exponent, no spaces"
        raise ValueError(message)
    return text


ParameterText = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$"), AfterValidator(_one_form)]

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=4000, pattern=r"^[^\x00]*$")]


MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?([Zz]|[+-][0-9]{2}:?[0-9]{2})"
)


def _written_out(value: object) -> object:
    """A number is seconds to one reader and milliseconds to another; a date alone is a moment to some."""
    if not isinstance(value, datetime) and not (isinstance(value, str) and MOMENT.fullmatch(value)):
        message = "a time is written as in 2026-01-31T10:00:00Z, with its offset"
        raise ValueError(message)
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(in_calendar)]
"""A time with its offset, in the years 100 to 9899 of UTC: the one type of every time that a caller sends."""


FIGURE = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")


def _finite(value: object) -> object:
    """A float by its shortest text; a text as JSON writes numbers."""
    text = repr(value) if isinstance(value, float) else value
    if isinstance(text, bool) or (isinstance(text, str) and not FIGURE.fullmatch(text)):
        message = "a number is written as in 0.25"
        raise ValueError(message)
    return text


Figure = Annotated[
    Decimal,
    BeforeValidator(_finite),
    Field(allow_inf_nan=False),
    PlainSerializer(str, return_type=str),
]
"""A statistic, as decimal text."""
