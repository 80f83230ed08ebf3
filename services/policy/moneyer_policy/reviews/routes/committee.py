"""The committee, its delegations and quorum rules, and everything put up for its votes."""

from collections.abc import Iterable
from typing import Any, Literal

from moneyer_policy.reviews.routes.documents import WrittenDocument, written_body
from moneyer_policy.reviews.rules.schema import QUORUM_SCHEMA
from moneyer_policy.reviews.use_cases import committee, reviews
from moneyer_shared.routes import Routes

_ONE_OF: Any = Literal
READ, MANAGE, VOTE = "policy:read", "policy:committee:write", "policy:votes:write"


def routes_for(kinds: Iterable[str]) -> Routes:
    """The committee's routes, which take these kinds of review and no others."""
    routes, kind = Routes(prefix="/v1", tag="committee"), _ONE_OF[tuple(kinds)]
    _add_members(routes)
    _add_quorum_rules(routes, kind)
    _add_reviews(routes, kind)
    return routes


def _add_members(routes: Routes) -> None:
    members, delegations = "/committee/members", "/committee/delegations"
    routes.add("POST", members, committee.appoint_member, "Give a function", scope=MANAGE, status=204)
    routes.add("POST", f"{members}:remove", committee.remove_member, "Take a function", scope=MANAGE, status=204)
    routes.add("GET", members, committee.list_members, "Who holds which function", scope=READ)
    routes.add("GET", "/committee", committee.get_committee, "The committee now, or at a version", scope=READ)
    lent = "Lend one's function for a time"
    routes.add("POST", delegations, committee.delegate_function, lent, scope=VOTE, status=201, once="may")
    revoke = f"{delegations}/{{delegation_id}}:revoke"
    routes.add("POST", revoke, committee.revoke_delegation, "End a delegation", scope=VOTE, status=204)
    routes.add("GET", delegations, committee.list_delegations, "Who stands in for whom", scope=READ)


def _add_quorum_rules(routes: Routes, kind: Any) -> None:
    routes.add(
        "PUT",
        "/committee/quorum-rules/{kind}",
        committee.set_quorum_rule,
        "The house's quorum for a kind of review",
        scope=MANAGE,
        given={"kind": kind, "document": WrittenDocument},
        extra={"openapi_extra": written_body(QUORUM_SCHEMA)},
    )
    routes.add(
        "GET",
        "/committee/quorum-rules",
        committee.list_quorum_rules,
        "What each kind of matter takes by the house",
        scope=READ,
    )


def _add_reviews(routes: Routes, kind: Any) -> None:
    routes.add(
        "GET",
        "/reviews",
        reviews.list_reviews,
        "What was put up for votes",
        scope=READ,
        page="id",
        given={"kind": kind | None},
    )
    routes.add("GET", "/reviews/{review_id}", reviews.get_review, "One review with its votes", scope=READ)
