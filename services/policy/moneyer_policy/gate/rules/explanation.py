"""What would make a refused plan pass: a change for every clause that one can be named for."""

from collections.abc import Sequence

from moneyer_policy.gate.rules.facts import Clause, Facts
from moneyer_policy.gate.rules.gate import RULES
from moneyer_policy.gate.rules.gate.rule import Suggestion


def suggest(clauses: Sequence[Clause], facts: Facts) -> tuple[tuple[str, Suggestion], ...]:
    """(code, change) for each clause that the requester can answer with one, in the clauses' order."""
    charter = facts.charter
    if charter is None:
        return ()
    return tuple((clause.code, found) for clause in clauses for found in RULES[clause.code].remedy(facts, charter))
