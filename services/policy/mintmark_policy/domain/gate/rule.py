"""What a rule of the gate is."""

from collections.abc import Callable

from mintmark_policy.domain.charter import Charter
from mintmark_policy.domain.facts import Clause, Facts

RANK = {"none": 0, "claimed": 1, "proven": 2}
"""Guarantees, the stronger the higher."""

Rule = Callable[[Facts], Clause | None]
CharterRule = Callable[[Facts, Charter], Clause | None]


def of_charter(rule: CharterRule) -> Rule:
    """A rule that needs a charter to judge by; without one the first rule has already refused."""

    def asked(facts: Facts) -> Clause | None:
        return rule(facts, facts.charter) if facts.charter is not None else None

    asked.__name__ = rule.__name__
    return asked
