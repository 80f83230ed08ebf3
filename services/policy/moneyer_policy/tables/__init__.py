"""Policy's own database."""

from moneyer_policy.tables.budgets import accounts, budget_versions, ledger_entries, mechanisms, populations
from moneyer_policy.tables.charters import charter_versions, charters, suspensions
from moneyer_policy.tables.decisions import certificates, decisions, grants, keys, permits, releases, withdrawals
from moneyer_policy.tables.events import corrective_actions, deadlines, duties, feedback, incidents, notifications
from moneyer_policy.tables.looks import look_accounts, look_entries
from moneyer_policy.tables.metadata import idempotency_keys, journal, metadata, owners
from moneyer_policy.tables.reviews import conditions, delegations, members, quorum_rules, reviews, votes
from moneyer_policy.tables.rulebook import (
    access_policies,
    assessments,
    attestations,
    configurations,
    governance,
    house_rules,
    rejections,
    templates,
    waivers,
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
    "reviews",
    "suspensions",
    "templates",
    "votes",
    "waivers",
    "withdrawals",
]
