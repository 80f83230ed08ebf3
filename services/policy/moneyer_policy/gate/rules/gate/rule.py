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
class Suggestion:
    """One change that makes a clause pass: the place in the plan, a value, and the others that would do."""

    path: str
    value: object
    choices: tuple[object, ...] = ()


Remedy = Callable[[Facts, Charter], list[Suggestion]]


def nothing(facts: Facts, charter: Charter) -> list[Suggestion]:
    """The remedy of a rule that no change to the plan satisfies."""
    del facts, charter
    return []


@dataclass(frozen=True)
class Rule:
    """One rule of the gate.

    Attributes:
        code: what it fails with.
        ask: the clause that fails, of a plan and what is known of it; None where it passes.
        unwaivable: why it is never waived; None where it may be.
        by_glass: whether broken glass waives it too; otherwise only an exception does, which a committee votes on.
        of_text: whether the charter's text alone decides it, so that a draft can be tried on it.
        remedy: what the requester may change for it to pass.
    """

    code: str
    ask: Asked
    unwaivable: str | None
    by_glass: bool = True
    of_text: bool = False
    remedy: Remedy = nothing

    def __call__(self, facts: Facts) -> Clause | None:
        return self.ask(facts)


def waivable(
    code: str, *, by_glass: bool = True, of_text: bool = False, remedy: Remedy = nothing
) -> Callable[[Asked], Rule]:
    """A rule that an exception may set aside, and broken glass unless it is said otherwise."""
    return lambda ask: Rule(code, ask, None, by_glass, of_text, remedy)


def unwaivable(code: str, why: str, *, of_text: bool = False, remedy: Remedy = nothing) -> Callable[[Asked], Rule]:
    """A rule that nobody's word replaces; ``why`` is what who asks for an exception is told."""
    return lambda ask: Rule(code, ask, why, of_text=of_text, remedy=remedy)


def of_charter(rule: CharterRule) -> Asked:
    """A rule that needs a charter to judge by; without one the first rule has already refused."""

    def asked(facts: Facts) -> Clause | None:
        return rule(facts, facts.charter) if facts.charter is not None else None

    asked.__name__ = rule.__name__
    return asked
