"""Exceptions and break-glass: what may set a failed clause aside, and what never may."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mintmark_policy.domain.facts import Clause
from mintmark_shared.errors import Invalid

NEVER = (
    "budget.", "looks.", "guarantee.", "model.may-", "model.not-", "delta.", "source.population", "charter.in-force",
    "charter.approval",
)  # fmt: skip
"""Budget, looks, labels, populations and the charter's own standing: no person's word replaces them."""
VOTED_ONLY = frozenset({"model.rejected"})
"""What an exception sets aside because a committee voted on it, and broken glass does not."""
LONGEST_GLASS_HOURS = 8


@dataclass(frozen=True)
class Waiver:
    """A granted exception to one rule, or broken glass (``rule`` is None: any rule that may be waived)."""

    id: str
    kind: str
    rule: str | None
    valid_until: datetime
    use_case: str | None = None
    requester: str | None = None
    single_use: bool = False


def may_be_waived(code: str) -> bool:
    return not code.startswith(NEVER)


def check_rule(code: str) -> None:
    """Whether an exception to this rule can be asked for at all.

    Raises:
        Invalid: the rule guards budget, labels, populations or the charter's standing.
    """
    if not may_be_waived(code):
        raise Invalid(f"No exception is made to {code}.", code="rule-not-waivable")


def waive(
    clauses: Sequence[Clause], waivers: Sequence[Waiver], *, requester: str, use_case: str, now: datetime
) -> tuple[tuple[Clause, ...], tuple[tuple[Clause, Waiver], ...]]:
    """(the clauses that stand, the clauses set aside and by what)."""
    standing: list[Clause] = []
    aside: list[tuple[Clause, Waiver]] = []
    for clause in clauses:
        waiver = next((entry for entry in waivers if _applies(entry, clause, requester, use_case, now)), None)
        if waiver is None:
            standing.append(clause)
        else:
            aside.append((clause, waiver))
    return tuple(standing), tuple(aside)


def _applies(waiver: Waiver, clause: Clause, requester: str, use_case: str, now: datetime) -> bool:
    return (
        may_be_waived(clause.code)
        and (waiver.rule == clause.code or (waiver.rule is None and clause.code not in VOTED_ONLY))
        and waiver.use_case in {None, use_case}
        and waiver.requester in {None, requester}
        and now < waiver.valid_until
    )
