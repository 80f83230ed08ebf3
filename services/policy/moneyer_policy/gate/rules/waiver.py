"""Exceptions and break-glass: what may set a failed clause aside, and what never may."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from moneyer_policy.gate.rules.facts import Clause
from moneyer_policy.gate.rules.gate import RULES
from moneyer_shared.errors import Invalid

LONGEST_GLASS_HOURS = 8
REJECTED_FOR = timedelta(hours=24)
"""How long after the committee rejected broken glass none is broken for the same person and charter."""
UNDECLARED = "no rule of the gate says that this code may be waived"


@dataclass(frozen=True)
class WaiverInEffect:
    """A granted exception to one rule, or broken glass (``rule`` is None: any rule that may be waived)."""

    id: str
    kind: str
    rule: str | None
    made_at: datetime
    valid_until: datetime
    use_case: str | None = None
    requester: str | None = None
    single_use: bool = False


def why_never(code: str, closed: Mapping[str, str]) -> str | None:
    """Why a clause is never set aside, by the rule itself or by the house (``closed``); None if it may be."""
    rule = RULES.get(code)
    if rule is None:
        return UNDECLARED
    return rule.unwaivable or closed.get(code)


def check_rule(code: str, closed: Mapping[str, str]) -> None:
    """Whether an exception to this rule can be asked for at all.

    Raises:
        Invalid: it is never waived; the sentence says why.
    """
    why = why_never(code, closed)
    if why is not None:
        raise Invalid(f"No exception is made to {code}: {why}.", code="rule-not-waivable")


def waive(
    clauses: Sequence[Clause],
    waivers: Sequence[WaiverInEffect],
    closed: Mapping[str, str],
    *,
    requester: str,
    use_case: str,
    now: datetime,
    since: datetime | None,
) -> tuple[tuple[Clause, ...], tuple[tuple[Clause, WaiverInEffect], ...]]:
    """(the clauses that stand, the clauses set aside and by what).

    ``since`` is when the version in force came into force: an exception to another's rules is none to its own.
    """
    standing: list[Clause] = []
    aside: list[tuple[Clause, WaiverInEffect]] = []
    for clause in clauses:
        found = (entry for entry in waivers if _applies(entry, clause, requester, use_case, now, since))
        waiver = next(found, None) if why_never(clause.code, closed) is None else None
        if waiver is None:
            standing.append(clause)
        else:
            aside.append((clause, waiver))
    return tuple(standing), tuple(aside)


def _applies(
    waiver: WaiverInEffect, clause: Clause, requester: str, use_case: str, now: datetime, since: datetime | None
) -> bool:
    return (
        (waiver.rule == clause.code or (waiver.rule is None and RULES[clause.code].by_glass))
        and waiver.use_case in {None, use_case}
        and waiver.requester in {None, requester}
        and now < waiver.valid_until
        and (waiver.rule is None or since is None or waiver.made_at >= since)
    )
