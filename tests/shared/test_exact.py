"""Dates, times and decimals as whole numbers of a step, and back without loss."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from moneyer_shared.contracts.domains import (
    DateDomain,
    DecimalDomain,
    IntegerDomain,
    TextDomain,
    TimeDomain,
    TimestampDomain,
)
from moneyer_shared.contracts.generation import Column, SourceDeclaration
from moneyer_shared.exact import arrow_schema, arrow_type, from_steps, plain_table, to_steps

BORN = DateDomain(kind="date", minimum=date(1900, 1, 1), maximum=date(2030, 12, 31))
SEEN = TimestampDomain(kind="timestamp", minimum=datetime(1900, 1, 1), maximum=datetime(9999, 12, 31))  # noqa: DTZ001
FINE = SEEN.model_copy(update={"resolution": "millisecond"})
CLOCK = TimeDomain(kind="time")
PAID = DecimalDomain(kind="decimal", minimum="-1000.5", maximum="99999.99")


@pytest.mark.parametrize("domain", [BORN, SEEN, FINE, CLOCK, PAID])
@given(data=st.data())
def test_steps_become_values_and_steps_again(domain: DateDomain, data: st.DataObject) -> None:
    low, high = domain.bounds
    steps = pa.array(data.draw(st.lists(st.none() | st.integers(low, high), max_size=20)), pa.int64())
    values = from_steps(steps, domain)
    assert values.type == arrow_type(domain)
    assert to_steps(values, domain).equals(steps)


@pytest.mark.parametrize(
    ("domain", "text", "steps"),
    [
        (BORN, "1970-01-02", 1),
        (BORN, "1969-12-31", -1),
        (SEEN, "1970-01-01T00:01:00.999", 60),
        (FINE, "1969-12-31T23:59:59.999", -1),
        (CLOCK, "01:00:01", 3601),
        (PAID, "-3.14", -314),
        (PAID, "100", 10_000),
    ],
)
def test_a_text_is_read_in_steps(domain: DateDomain, text: str, steps: int) -> None:
    assert domain.steps(text) == steps


@pytest.mark.parametrize(
    ("domain", "text"),
    [
        (BORN, "1970-02-30"),
        (SEEN, "1970-01-01T00:00:00Z"),
        (CLOCK, "25:00"),
        (CLOCK, "01:00+02:00"),
        (PAID, "3.141"),
        (PAID, "NaN"),
        (PAID, "1e99"),
        (PAID, "much"),
    ],
)
def test_what_is_no_such_value_is_refused(domain: DateDomain, text: str) -> None:
    with pytest.raises(ValueError):
        domain.steps(text)


def test_bounds_must_be_in_order_and_representable() -> None:
    with pytest.raises(ValidationError, match="below minimum"):
        DateDomain(kind="date", minimum=date(2000, 1, 1), maximum=date(1999, 1, 1))
    with pytest.raises(ValidationError, match="too far"):
        DecimalDomain(kind="decimal", minimum="0", maximum="9999999", scale=9)


def test_engines_and_measures_see_whole_numbers_and_no_identifier() -> None:
    declaration = SourceDeclaration(
        name="s",
        description="d",
        population_id=UUID(int=0),
        columns=[
            Column(name="who", domain=TextDomain(kind="text", replacement="uuid"), role="identifier"),
            Column(name="born", domain=BORN, nullable=True),
            Column(name="paid", domain=PAID),
        ],
    )
    rows = [["a", "b"], [date(1970, 1, 3), None], [Decimal("1.00"), Decimal("2.50")]]
    table = pa.Table.from_arrays([pa.array(values) for values in rows], names=["who", "born", "paid"])
    plain = plain_table(table.cast(arrow_schema(declaration.columns)), declaration)
    assert plain.to_pydict() == {"born": [2, None], "paid": [100, 250]}
    assert all(isinstance(column.domain, IntegerDomain) for column in declaration.plain.learned)
    assert [column.name for column in declaration.made] == ["who", "born", "paid"]
