"""Roles: bundles of scopes by the names that an identity provider gives people, so that nobody lists scopes by person.

A role is what somebody is at the issuer (a group or a role there); a scope is one right at one route. Who holds several
roles has the scopes of all of them.
"""

from collections.abc import Iterable, Mapping

_READ = "policy:read generation:read evaluation:read lineage:read"
_SPEAK = "policy:feedback:write"
# Lineage hands on what policy and evaluation tell it of an asset: to those who may ask them for it themselves.
_EVIDENCE = "policy:evidence:read lineage:evidence:read"
_RAW = "evaluation:raw:read policy:raw:read"
_VOTE = "policy:votes:write policy:charters:suspend policy:exceptions:write policy:glass:write policy:incidents:write"
_HAND_OVER = "policy:owners:write generation:owners:write evaluation:owners:write lineage:owners:write"
_BUNDLES: Mapping[str, str] = {
    "reader": _READ,
    "admin": f"{_READ} {_SPEAK} policy:committee:write {_HAND_OVER}",
    "steward": (
        f"{_READ} {_RAW} {_EVIDENCE} {_SPEAK} policy:budgets:write policy:grants:write policy:library:write "
        "policy:charters:suspend policy:incidents:write policy:exceptions:write policy:glass:write "
        "policy:access:evaluate "
        "generation:sources:write generation:connections:write generation:audits:write "
        "evaluation:reassays:write evaluation:monitors:write evaluation:shares:write"
    ),
    "scientist": (
        f"{_READ} {_SPEAK} policy:charters:write policy:exceptions:write generation:runs:write evaluation:scores:write "
        "lineage:models:write lineage:webhooks:write"
    ),
    "assessor": f"{_READ} {_RAW} {_SPEAK} policy:assessments:write",
    "committee-member": f"{_READ} {_RAW} {_EVIDENCE} {_SPEAK} {_VOTE}",
    "model-owner": f"{_READ} lineage:models:write lineage:webhooks:write",
    "auditor": f"{_READ} {_RAW} {_EVIDENCE}",
}
ROLES: Mapping[str, frozenset[str]] = {role: frozenset(scopes.split()) for role, scopes in _BUNDLES.items()}
"""What each role may do; no role is a service's, which are told their scopes by the issuer itself."""


def scopes_of(roles: Iterable[str]) -> frozenset[str]:
    """All that these roles may do together; a name that is no role gives nothing."""
    return frozenset[str]().union(*(ROLES.get(role, frozenset()) for role in roles))
