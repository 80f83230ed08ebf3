"""A plan judged: the gate's rules and the waivers that set some of them aside, on facts that were gathered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from moneyer_policy.budgets.rules.accounting import Account
from moneyer_policy.gate.rules import gate
from moneyer_policy.gate.rules.facts import Clause
from moneyer_policy.gate.rules.waiver import WaiverInEffect, waive
from moneyer_policy.gate.store.looks import Pair
from moneyer_policy.gate.use_cases.gate_input import GateInput


@dataclass(frozen=True)
class Judgement:
    """What the gate made of one plan."""

    verdict: Literal["permit", "deny", "review"]
    clauses: tuple[Clause, ...]
    waived: tuple[tuple[Clause, WaiverInEffect], ...] = ()


def judge(
    prepared: GateInput,
    accounts: Mapping[UUID, Account],
    looks: Mapping[Pair, int],
    *,
    alone: bool,
    reviewed: bool = False,
) -> Judgement | None:
    """The gate's verdict with waivers applied; None where that needs a transaction of its own."""
    facts = prepared.with_balances(accounts, looks)
    clauses = gate.judge(gate.GATE, facts)
    needs_review = not reviewed and prepared.version is not None and "plan" in prepared.version.charter.reviews
    if not alone and ((clauses and prepared.waivers) or (not clauses and needs_review)):
        return None
    clauses, waived = waive(
        clauses,
        prepared.waivers,
        prepared.closed,
        requester=facts.requester,
        use_case=facts.plan.use_case,
        now=facts.now,
        since=facts.in_force_at,
    )
    return Judgement("deny" if clauses else "review" if needs_review else "permit", clauses, waived)
