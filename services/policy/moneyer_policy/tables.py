"""Policy's own database."""

from moneyer_policy.assets.tables import certificates, copies, grants
from moneyer_policy.budgets.tables import accounts, budget_versions, ledger_entries, mechanisms, populations
from moneyer_policy.charters.tables import charter_versions, charters, suspensions
from moneyer_policy.deadlines import deadlines, notifications
from moneyer_policy.gate.tables.decisions import decisions, keys, permits, releases, returned_keys, withdrawals
from moneyer_policy.gate.tables.looks import look_accounts, look_entries
from moneyer_policy.gate.tables.rulebook import governance, waivers
from moneyer_policy.incidents.tables import corrective_actions, duties, feedback, incidents
from moneyer_policy.library.tables import (
    access_policies,
    assessments,
    attestations,
    configurations,
    house_rules,
    rejections,
    templates,
)
from moneyer_policy.metadata import idempotency_keys, journal, metadata, owners
from moneyer_policy.reviews.tables import (
    conditions,
    delegations,
    members,
    quorum_rules,
    reviews,
    votes,
)

APPEND_ONLY = (
    votes, assessments, ledger_entries, mechanisms, budget_versions, decisions, releases, attestations,
    quorum_rules, house_rules, templates, certificates, withdrawals, look_entries, owners, journal.audit_events,
)  # fmt: skip
"""Tables whose rows a trigger keeps from being changed or removed."""

__all__ = [
    "APPEND_ONLY",
    "access_policies",
    "accounts",
    "assessments",
    "attestations",
    "budget_versions",
    "certificates",
    "charter_versions",
    "charters",
    "conditions",
    "configurations",
    "copies",
    "corrective_actions",
    "deadlines",
    "decisions",
    "delegations",
    "duties",
    "feedback",
    "governance",
    "grants",
    "house_rules",
    "idempotency_keys",
    "incidents",
    "journal",
    "keys",
    "ledger_entries",
    "look_accounts",
    "look_entries",
    "mechanisms",
    "members",
    "metadata",
    "notifications",
    "owners",
    "permits",
    "populations",
    "quorum_rules",
    "rejections",
    "releases",
    "returned_keys",
    "reviews",
    "suspensions",
    "templates",
    "votes",
    "waivers",
    "withdrawals",
]
