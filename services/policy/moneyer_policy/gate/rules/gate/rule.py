"""What a rule of the gate is, and whether anybody may set it aside."""

from collections.abc import Callable
from dataclasses import dataclass

from moneyer_policy.charters.rules.charter import Charter
from moneyer_policy.gate.rules.facts import Clause, Facts

RANK = {"none": 0, "claimed": 1, "proven": 2}
"""Guarantees, the stronger the higher."""

Asked = Callable[[Facts], Clause | None]
CharterRule = Callable[[Facts, Charter], Clause | None]


@dataclass(frozen=True)
class Rule:
    """One rule: the code it fails with, what it asks, and why it is never waived (None where it may be).

    ``by_glass``: broken glass waives it too; otherwise only an exception does, which a committee votes on.
    """

    code: str
    asked: Asked
    unwaivable: str | None
    by_glass: bool = True

    def __call__(self, facts: Facts) -> Clause | None:
        return self.asked(facts)


def waivable(code: str, *, by_glass: bool = True) -> Callable[[Asked], Rule]:
    """A rule that an exception may set aside, and broken glass unless it is said otherwise."""
    return lambda asked: Rule(code, asked, None, by_glass)


def unwaivable(code: str, why: str) -> Callable[[Asked], Rule]:
    """A rule that nobody's word replaces; ``why`` is what who asks for an exception is told."""
    return lambda asked: Rule(code, asked, why)


def of_charter(rule: CharterRule) -> Asked:
    """A rule that needs a charter to judge by; without one the first rule has already refused."""

    def asked(facts: Facts) -> Clause | None:
        return rule(facts, facts.charter) if facts.charter is not None else None

    asked.__name__ = rule.__name__
    return asked
