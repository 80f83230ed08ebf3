"""Categories: by their letters, by the truth they spell, or by the number they are."""

from decimal import Decimal
from typing import Any

import pyarrow as pa

from moneyer_shared.contracts.domains import CategoricalDomain, IntegerDomain
from moneyer_shared.intake.readings.reading import (
    FLOATS,
    OUTSIDE,
    SIGNIFICANT_BITS,
    WIDE,
    Read,
    all_read,
    as_decimal128,
    as_mask,
    each,
    pc,
    present,
    without,
    without_nan,
)
from moneyer_shared.intake.readings.texts import text, uuid
from moneyer_shared.numbers import is_number

TRUE, FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")


def truth_words(domain: Any) -> dict[str, Any]:
    """Words and truths that a domain knows another value by; none where it holds no truths.

    A domain of truths is a list of categories with exactly one spelling of true and one of false, or the whole numbers
    0 and 1.
    """
    if isinstance(domain, IntegerDomain):
        if (domain.minimum, domain.maximum) != (0, 1):
            return {}
        return dict.fromkeys(TRUE, 1) | dict.fromkeys(FALSE, 0)
    if not isinstance(domain, CategoricalDomain):
        return {}
    yes = [label for label in domain.categories if label.lower() == "true"]
    no = [label for label in domain.categories if label.lower() == "false"]
    if len(yes) != 1 or len(no) != 1:
        return {}
    return dict.fromkeys(TRUE, yes[0]) | dict.fromkeys(FALSE, no[0])


def label(array: pa.Array, domain: CategoricalDomain) -> Read:
    """A category as it is written; a domain of truths knows true and false in three spellings."""
    read = text(array, domain)
    words = truth_words(domain)
    values = read.values
    if words:
        places = pc.index_in(values, value_set=pa.array(list(words)))
        values = pc.coalesce(pa.array(list(words.values())).take(places), values)
    return _listed(Read(values, read.unreadable, read.outside), domain)


def uuid_as_label(array: pa.Array, domain: CategoricalDomain) -> Read:
    return _listed(uuid(array, domain), domain)


def _listed(read: Read, domain: CategoricalDomain) -> Read:
    """The same with what is not listed outside."""
    listed = pc.is_in(read.values, value_set=pa.array(domain.categories, pa.string()))
    outside = as_mask(pc.invert(listed)) & present(read.values)
    return Read(without(read.values, outside), read.unreadable, read.outside | outside)


def truth_as_label(array: pa.Array, domain: CategoricalDomain) -> Read:
    words = truth_words(domain)
    return all_read(pc.if_else(array, pa.scalar(words["true"]), pa.scalar(words["false"])))


def number_labels(domain: Any) -> dict[Decimal, str]:
    """The categories that are numbers, by their value; none where one could stand for two or is written oddly."""
    labels: dict[Decimal, str] = {}
    for category in domain.categories:
        value = _as_number(category)
        if value is None:
            continue
        if not is_number(category) or format(value.normalize(WIDE), "f") != category or value in labels:
            return {}
        labels[value] = category
    return labels if len({float(value) for value in labels}) == len(labels) else {}


def _as_number(written: str) -> Decimal | None:
    """The number that some reader takes a text for."""
    try:
        value = Decimal(written.strip())
    except ArithmeticError:
        return None
    return value if value.is_finite() else None


def number_as_label(array: pa.Array, domain: CategoricalDomain) -> Read:
    """The category whose number it is, exactly; a binary fraction is the category whose nearest one it is."""
    labels = number_labels(domain)
    if pa.types.is_floating(array.type):
        kind = FLOATS[array.type.bit_width]
        array = without_nan(array.cast(pa.float64()))
        most = 2 ** SIGNIFICANT_BITS[kind().itemsize * 8]
        nearest = {float(kind(float(value))): name for value, name in labels.items() if abs(value) <= most}
        return each(array, lambda value: nearest.get(value, OUTSIDE), pa.string())
    exact = as_decimal128(array) if pa.types.is_decimal(array.type) else array
    return each(exact, lambda value: labels.get(Decimal(value), OUTSIDE), pa.string())
