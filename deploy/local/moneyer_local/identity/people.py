"""Who there is on this machine: people with the roles of a deployment, and services with the scopes they need."""

from collections.abc import Mapping
from dataclasses import dataclass

from moneyer_shared.roles import scopes_of


@dataclass(frozen=True)
class Person:
    """Somebody whom one can sign in as: a name to show, and what the issuer says they are."""

    name: str
    roles: tuple[str, ...]
    about: str

    @property
    def scope(self) -> str:
        return " ".join(sorted(scopes_of(self.roles)))


CAST: Mapping[str, Person] = {
    "admin": Person("Administrator", ("admin",), "appoints the committee, hands things over"),
    "steward": Person("Data steward", ("steward",), "registers sources, answers for budgets and grants"),
    "scientist": Person("Scientist", ("scientist",), "writes charters, asks for tables"),
    "assessor": Person("Privacy assessor", ("assessor",), "assesses the impact of charters"),
    "privacy-officer": Person("Privacy officer", ("committee-member",), "votes for privacy"),
    "security-officer": Person("Security officer", ("committee-member",), "votes for security"),
    "counsel": Person("Counsel", ("committee-member",), "votes for legal"),
    "product-lead": Person("Product lead", ("committee-member",), "votes for product"),
    "lead-scientist": Person("Lead scientist", ("committee-member", "model-owner"), "votes for data science"),
    "auditor": Person("Auditor", ("auditor",), "reads everything but data"),
}
PEOPLE: Mapping[str, str] = {name: person.scope for name, person in CAST.items()}
SERVICES: Mapping[str, str] = {
    "policy": "lineage:deliveries:write",
    "generation": (
        "policy:read policy:decisions:write policy:keys:write policy:permits:redeem policy:assets:unlock "
        "evaluation:assays:write evaluation:read lineage:deliveries:write"
    ),
    "evaluation": (
        "policy:read policy:permits:assay policy:releases:write generation:objects:read lineage:deliveries:write"
    ),
    "lineage": "policy:read policy:evidence:read policy:feedback:write evaluation:read",
    "producer": "lineage:events:write",
    "dashboard": "policy:read lineage:read",
    "platform": (
        "policy:access:evaluate evaluation:scores:write lineage:read lineage:models:write lineage:webhooks:write"
    ),
}
