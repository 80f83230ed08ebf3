"""The one reader of numbers that come as text: ``Decimal`` itself takes underscores, other digits and spaces too."""

import re
import unicodedata
from decimal import Decimal, InvalidOperation

_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,39})(\.[0-9]{1,40})?")
_LONGEST = 90


def is_number(text: str) -> bool:
    """Whether a text is a decimal as it is written here: plain ASCII digits, no plus, no exponent, no spaces."""
    return len(text) <= _LONGEST and _NUMBER.fullmatch(text) is not None


def read_decimal(value: str | int) -> Decimal:
    """A decimal that came as text, exactly.

    Raises:
        ValueError: it is not written as one.
    """
    if isinstance(value, bool):
        message = "a truth is no number"
        raise ValueError(message)  # noqa: TRY004 - whoever reads a document asks for one kind of fault
    if isinstance(value, int):
        return Decimal(value)
    if not is_number(value):
        message = "not a decimal as it is written here"
        raise ValueError(message)
    return Decimal(value)


def canonical_number(text: str) -> str:
    """The one form of a decimal: without idle zeros, and without a sign where it is zero.

    Raises:
        ValueError: the text is no decimal.
    """
    read_decimal(text)
    whole, point, fraction = text.partition(".")
    fraction = fraction.rstrip("0") if point else ""
    form = f"{whole}.{fraction}" if fraction else whole
    return "0" if form == "-0" else form


def is_nearly_a_number(text: str) -> bool:
    """Whether some reader takes a text for a number that is none here: other digits, spaces, signs, exponents."""
    plain = unicodedata.normalize("NFKC", text).strip().replace("\N{MINUS SIGN}", "-").replace(",", ".")
    if is_number(text):
        return False
    try:
        Decimal(plain)
    except InvalidOperation:
        return re.fullmatch(r"[+-]?0[xXoObB][0-9a-fA-F_]+", plain) is not None
    return True
