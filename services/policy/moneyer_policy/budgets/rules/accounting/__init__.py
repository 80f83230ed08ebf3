"""Privacy budgets as a Rényi filter at one order, in exact integers.

Every mechanism has a cost at each order of a fixed grid, every budget (ε, δ) a cap at each order. An account is
held to one order, fixed when it is opened by (ε, δ) or its steward: a plan is admitted while the running sum at
that order fits its cap. So callers may choose each next mechanism by what came out of the last: Feldman & Zrnic
2021, "Individual Privacy Accounting via a Rényi Filter", Thm. 4.3; Lécuyer 2021, "Practical Privacy Filters and
Odometers with Rényi Differential Privacy". Choosing the order afterwards would be no filter. Costs are rounded
up, caps down; sums at the other orders are kept for statements alone.

A mechanism that fails with a probability of its own, a claimed (ε, δ), has its δ added up beside, against a part of
the budget's δ that its conversion does not use: Whitehouse et al. 2023, "Fully-Adaptive Composition in Differential
Privacy", Thm. 1, whose argument holds order by order.
"""

from moneyer_policy.budgets.rules.accounting.account import Account, added, balances
from moneyer_policy.budgets.rules.accounting.conversion import caps_of, default_order, epsilon_at, epsilon_of
from moneyer_policy.budgets.rules.accounting.mechanisms import (
    DELTA_SCALE,
    FREE,
    NAMED_ORDERS,
    ORDERS,
    SCALE,
    Cost,
    Costs,
    Mechanism,
    cost_of,
    event_of,
    in_words,
)

__all__ = [
    "DELTA_SCALE",
    "FREE",
    "NAMED_ORDERS",
    "ORDERS",
    "SCALE",
    "Account",
    "Cost",
    "Costs",
    "Mechanism",
    "added",
    "balances",
    "caps_of",
    "cost_of",
    "default_order",
    "epsilon_at",
    "epsilon_of",
    "event_of",
    "in_words",
]
