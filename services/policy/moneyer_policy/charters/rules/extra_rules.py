"""A charter's own rules in CEL (github.com/google/cel-spec): checked when written, and closed when in doubt.

Every rule is a condition a plan must meet. Anything but a plain ``true`` is a deny: ``false``, an
error, a missing parameter, a value that is no boolean. The evaluator itself bounds the cost of loops.
ε and δ enter as exact integers in units of 1e-12, never as doubles.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from typing import Any

from cel_expr_python import cel

from moneyer_shared.errors import Invalid

SCALE = 10**12
LONGEST = 2_000
_LOOPS = re.compile(r"\b(?:all|exists|exists_one|existsOne|map|filter)\b")
_T = cel.Type
_MAP = _T.Map(_T.STRING, _T.DYN)
_PLAN = cel.NewEnv(
    variables={
        "use_case": _T.STRING,
        "audience": _T.STRING,
        "source_id": _T.STRING,
        "generator": _T.STRING,
        "guarantee": _T.STRING,
        "requester": _T.STRING,
        "rows": _T.INT,
        "epsilon": _T.INT,
        "delta": _T.INT,
        "parameters": _MAP,
        "now": _T.TIMESTAMP,
    }
)
_ACCESS = cel.NewEnv(variables={"subject": _MAP, "action": _MAP, "resource": _MAP, "context": _MAP})


@dataclass(frozen=True)
class Expression:
    """A compiled condition; calling it answers (holds, why not)."""

    source: str
    compiled: Any

    def __call__(self, values: Mapping[str, object]) -> tuple[bool, str]:
        try:
            answer = self.compiled.eval(data=dict(values))
            value, kind = answer.value(), answer.type().name()
        except (RuntimeError, TypeError, ValueError) as error:
            return False, f"error: {_first_line(error)}"
        if kind == "ERROR":
            return False, "error: the expression cannot be evaluated for this plan"
        if isinstance(value, bool):
            return value, "" if value else "false"
        return False, f"a {kind.lower()}, not a boolean"


@lru_cache(maxsize=1_000)
def compile_plan_rule(source: str) -> Expression:
    """A condition on a plan.

    Raises:
        Invalid: it does not compile, is no boolean, uses doubles, or is too long.
    """
    return _compile(_PLAN, source)


@lru_cache(maxsize=1_000)
def compile_access_rule(source: str) -> Expression:
    """A condition on an AuthZEN request (subject, action, resource, context as maps).

    Raises:
        Invalid: as for a plan's rule.
    """
    return _compile(_ACCESS, source)


def check_work(source: str) -> None:
    """That a rule loops at most once: plans wait for it, and so does whoever stops something.

    Words are counted wherever they stand, also in a text: what is read more narrowly is got round.

    Raises:
        Invalid: it may loop within a loop.
    """
    if len(_LOOPS.findall(source)) > 1:
        raise Invalid(
            "A rule may name one of all, exists, exists_one, map and filter once; split it into several rules.",
            code="rule-too-costly",
        )


def _compile(environment: Any, source: str) -> Expression:
    if len(source) > LONGEST:
        raise Invalid(f"An expression may have {LONGEST} characters.", code="rule-invalid")
    try:
        compiled = environment.compile(source)
    except RuntimeError as error:
        raise Invalid(f"The rule does not compile: {_first_line(error)}", code="rule-invalid") from error
    if compiled.return_type().name() != "BOOL":
        raise Invalid("A rule must be a boolean expression.", code="rule-invalid")
    return Expression(source, compiled)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:300]


def exact_units(amount: Decimal | None) -> int:
    """An amount in units of 1e-12, rounded up; what is not stated is beyond every limit."""
    if amount is None:
        return 2**63 - 1
    return min(int((amount * SCALE).to_integral_value(rounding=ROUND_CEILING)), 2**63 - 1)
