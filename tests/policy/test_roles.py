"""Every role at every route of policy: the matrix is written here, the routes are read from the OpenAPI document."""

import pytest
from policy.conftest import World
from roles import EVERYBODY, VOTERS, allowed, check, routes

from moneyer_local.identity import PEOPLE

READERS = {*PEOPLE, "generation", "evaluation", "lineage", "dashboard"}
STOPPERS = VOTERS | {"steward"}
GROUPS: tuple[tuple[set[str], tuple[str, ...]], ...] = (
    (EVERYBODY, ("live", "ready", "metrics", "getCharterSchema", "getAuthzenConfiguration")),
    (
        READERS,
        (
            "listCharters",
            "getProvenance",
            "getCharter",
            "listCharterVersions",
            "getCharterVersion",
            "getCharterInForce",
            "diffCharter",
            "dryRunCharter",
            "listVotes",
            "listCharterLooks",
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
            "listRules",
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
            "listAssetStates",
            "listGrants",
            "listCertificates",
            "getCertificateKey",
            "listIncidents",
            "getIncident",
            "listFeedback",
            "getCalendar",
            "listNotifications",
            "listAccessPolicies",
            "listSuspensions",
            "getInbox",
            "getMe",
        ),
    ),
    ({*VOTERS, "steward", "auditor", "lineage"}, ("getDossier", "getSalts")),
    ({"scientist"}, ("draftCharter", "editCharter", "submitCharter", "resumeCharter", "retireCharter")),
    (STOPPERS, ("suspendCharter", "suspendAsset", "suspendSource", "suspendPopulation")),
    (VOTERS, ("voteOnCharter", "voteOnReview", "meetCondition", "delegateFunction", "revokeDelegation")),
    ({"admin"}, ("appointMember", "removeMember", "setQuorumRule", "setRuleOfHouse")),
    ({"admin"}, ("handOver",)),
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
    ({"steward"}, ("createPopulation", "declareUnit", "allocateBudget", "proposeBudget", "proposeTransfer")),
    ({"steward"}, ("grantAccess", "resumeAsset", "retireAsset", "withdrawAsset", "substituteAsset")),
    ({"steward"}, ("resumeSource", "resumePopulation")),
    (STOPPERS | {"scientist"}, ("askForException",)),
    (STOPPERS, ("breakGlass", "confirmGlass")),
    (STOPPERS, ("openIncident", "addDuty", "doDuty", "addAction", "doAction", "closeIncident", "triageFeedback")),
    (set(PEOPLE) - {"auditor"} | {"lineage"}, ("sendFeedback",)),
    ({"steward", "platform"}, ("evaluateAccess", "evaluateAccesses")),
    (
        {"generation"},
        ("decide", "createSourceKey", "giveBackSourceKey", "redeemPermit", "settlePermit", "cancelPermit"),
    ),
    ({"generation"}, ("unlockAsset",)),
    ({"evaluation"}, ("openForAssay", "decideRelease", "reportFinding", "condemnGenerator")),
)
ALLOWED = allowed(GROUPS)
ROUTES = routes("policy")


def test_no_route_is_missing_from_the_matrix() -> None:
    assert set(ALLOWED) == set(ROUTES)


@pytest.mark.parametrize("operation", sorted(ROUTES))
async def test_every_role_at_this_route(world: World, operation: str) -> None:
    await check(world.call, *ROUTES[operation], ALLOWED[operation])
