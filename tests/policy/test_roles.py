"""Every role at every route: the matrix is written here, the routes are read from the OpenAPI document."""

import json
import re
from pathlib import Path
from uuid import uuid4

import pytest
from policy.conftest import World

from mintmark_local.identity import PEOPLE, SERVICES

DOCUMENT = json.loads((Path(__file__).parents[2] / "openapi" / "policy.json").read_text())
VOTERS = {"privacy-officer", "security-officer", "counsel", "product-lead", "lead-scientist"}
EVERYBODY = {*PEOPLE, *SERVICES}
READERS = {*PEOPLE, "generation", "evaluation", "lineage", "dashboard"}
STOPPERS = VOTERS | {"steward"}
GROUPS: tuple[tuple[set[str], tuple[str, ...]], ...] = (
    (EVERYBODY, ("live", "ready", "metrics", "getCharterSchema", "getAuthzenConfiguration")),
    (
        READERS,
        (
            "listCharters",
            "getGrounds",
            "getCharter",
            "listCharterVersions",
            "getCharterVersion",
            "getCharterInForce",
            "diffCharter",
            "dryRunCharter",
            "listVotes",
            "listMembers",
            "getCommittee",
            "listDelegations",
            "listQuorumRules",
            "listReviews",
            "getReview",
            "listConfigurations",
            "getConfiguration",
            "listRejectionCriteria",
            "listQuestionnaires",
            "listAttestations",
            "getCompliance",
            "listWaivers",
            "listPopulations",
            "getPopulation",
            "forecastBudget",
            "getStatement",
            "getLedger",
            "getDecision",
            "searchDecisions",
            "explainDecision",
            "getRunDecision",
            "getRelease",
            "getAsset",
            "listGrants",
            "listCertificates",
            "getCertificateKey",
            "listIncidents",
            "getIncident",
            "listFeedback",
            "getCalendar",
            "listNotifications",
            "listAccessPolicies",
        ),
    ),
    ({*VOTERS, "steward", "auditor", "lineage"}, ("getDossier", "getSalts")),
    ({"scientist"}, ("draftCharter", "editCharter", "submitCharter", "resumeCharter", "retireCharter")),
    (STOPPERS, ("suspendCharter", "suspendAsset")),
    (VOTERS, ("voteOnCharter", "voteOnReview", "meetCondition", "delegateFunction", "revokeDelegation")),
    ({"admin"}, ("appointMember", "removeMember", "setQuorumRule")),
    ({"assessor"}, ("assessCharter",)),
    (
        {"steward"},
        (
            "proposeConfiguration",
            "retireConfiguration",
            "addRejectionCriterion",
            "withdrawRejectionCriterion",
            "publishQuestionnaire",
            "attestTraining",
            "reviewModel",
            "setAccessPolicy",
        ),
    ),
    ({"steward"}, ("createPopulation", "allocateBudget", "proposeBudget", "proposeTransfer")),
    ({"steward"}, ("grantAccess", "resumeAsset", "retireAsset", "withdrawAsset", "substituteAsset")),
    (STOPPERS | {"scientist"}, ("askForException",)),
    (STOPPERS, ("breakGlass", "confirmGlass")),
    (STOPPERS, ("openIncident", "addDuty", "doDuty", "addAction", "doAction", "closeIncident", "triageFeedback")),
    (set(PEOPLE) - {"auditor"} | {"lineage"}, ("sendFeedback",)),
    ({"steward", "platform"}, ("evaluateAccess", "evaluateAccesses")),
    ({"generation"}, ("decide", "createSourceKey", "redeemPermit", "settlePermit", "cancelPermit")),
    ({"generation"}, ("unlockAsset",)),
    ({"evaluation"}, ("openForAssay", "decideRelease", "reportFinding", "condemnGenerator")),
)
ALLOWED = {operation: roles for roles, operations in GROUPS for operation in operations}
ROUTES = {
    operation["operationId"]: (method.upper(), path)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}


def test_no_route_is_missing_from_the_matrix() -> None:
    assert set(ALLOWED) == set(ROUTES)


@pytest.mark.parametrize("operation", sorted(ROUTES))
async def test_every_role_at_this_route(world: World, operation: str) -> None:
    """Who may not is told so before anything else; who may gets as far as the request's own faults."""
    method, path = ROUTES[operation]
    filled = re.sub(r"\{[a-z_]+\}", str(uuid4()), path)
    let_in = set()
    for role in sorted(EVERYBODY):
        answer = await world.call(role, method, filled)
        assert answer.status_code < 500 or operation == "ready", f"{role}: {answer.text}"
        if answer.status_code != 403 or answer.json()["code"] != "missing-scope":
            let_in.add(role)
    assert let_in == ALLOWED[operation]
    anonymous = await world.call.bare(method, filled)
    assert (anonymous.status_code == 401) == (ALLOWED[operation] != EVERYBODY)
