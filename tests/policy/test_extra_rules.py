"""Rules in CEL: typed when written, bounded when run, closed when in doubt."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moneyer_policy.charters.rules.extra_rules import compile_access_rule, compile_plan_rule, exact_units
from moneyer_shared.errors import Invalid

VALUES = {"rows": 10, "epsilon": exact_units(Decimal("0.5")), "parameters": {"n": 3}, "use_case": "research"}


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("rows > 10", "false"),
        ("parameters['missing'] > 1", "error"),
        ("parameters['n'] > 'a'", "error"),
        ("delta < 5", "error"),
        ("rows / 0 > 1", "error"),
    ],
)
def test_anything_but_true_is_a_deny(rule: str, why: str) -> None:
    held, told = compile_plan_rule(rule)(VALUES)
    assert not held
    assert told.startswith(why)


def test_a_rule_that_costs_too_much_is_stopped_and_denies() -> None:
    long = "[" + ",".join(map(str, range(150))) + "]"
    costly = f"{long}.all(a, {long}.all(b, {long}.all(c, a + b + c >= 0)))"
    held, told = compile_plan_rule(costly)(VALUES)
    assert not held
    assert told.startswith("error")


@pytest.mark.parametrize("source", ["rows", "rows +", "nobody > 1", "rows > 'a'", "'" + "a" * 2000 + "' == use_case"])
def test_what_does_not_compile_to_a_boolean_is_refused_when_it_is_written(source: str) -> None:
    with pytest.raises(Invalid):
        compile_plan_rule(source)


def test_an_access_rule_sees_maps_and_a_value_that_is_no_boolean_denies() -> None:
    assert compile_access_rule("subject.id == 'a' && resource.id == 'b'")(
        {"subject": {"id": "a"}, "action": {}, "resource": {"id": "b"}, "context": {}}
    ) == (True, "")


@given(st.decimals(0, 1000, places=12))
def test_amounts_are_exact_integers_never_doubles(amount: Decimal) -> None:
    units = exact_units(amount)
    assert units == amount * 10**12
    assert compile_plan_rule(f"epsilon == {units}")({"epsilon": units})[0]
    assert not compile_plan_rule(f"epsilon <= {units - 1}")({"epsilon": units})[0]


def test_an_amount_that_is_not_stated_is_beyond_every_limit() -> None:
    assert not compile_plan_rule("epsilon < 9223372036854775807")({"epsilon": exact_units(None)})[0]
