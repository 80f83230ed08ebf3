"""Whose object each write must be: every route of the four documents that is no read, by service and operation.

``Owned``: a stranger who holds the scope is refused, as the named test in ``owners`` shows. ``Anyone``: the scope
is all that is asked, for the reason given. A new route is one line.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Owned:
    whose: str
    test: str


@dataclass(frozen=True)
class Anyone:
    because: str


READ = Anyone("it changes nothing: a question in the form of a POST")
NEW = Anyone("it makes a new object, which is the caller's own")
STOP = Anyone("it only stops: whoever sees danger must not have to look for an owner first")
VOTED = Anyone("it only puts a matter up for votes; who asked, who profits and who owns are barred from them")
HOUSE = Anyone("the house's own, kept by the role that holds the scope; logged under the name of who did it")
SERVICE = Anyone("one service alone holds the scope, and speaks for all of its users")
LABEL = Anyone("tags are a vocabulary that all producers share; nothing is decided by them")
CHARTER = "the charter's owner"

WRITES: dict[str, dict[str, Owned | Anyone]] = {
    "policy": {
        "decide": SERVICE,
        "explainDecision": READ,
        "createSourceKey": SERVICE,
        "giveBackSourceKey": SERVICE,
        "redeemPermit": Owned("who holds the permit's token, for its plan", "test_permits_of_others"),
        "settlePermit": SERVICE,
        "cancelPermit": SERVICE,
        "openForAssay": Owned("the asset that the permit paid for", "test_permits_of_others"),
        "decideRelease": SERVICE,
        "reportFinding": SERVICE,
        "condemnGenerator": SERVICE,
        "grantAccess": Owned("somebody else's access: nobody grants to themself", "test_ones_own_matters"),
        "checkReader": READ,
        "voidCopy": SERVICE,
        "unlockAsset": Owned("a reader who holds a grant of this asset", "test_assets_of_others"),
        "withdrawAsset": VOTED,
        "substituteAsset": Anyone("it names what to use instead of what was withdrawn by vote already; nothing opens"),
        "suspendAsset": STOP,
        "resumeAsset": VOTED,
        "suspendSource": STOP,
        "resumeSource": VOTED,
        "suspendPopulation": STOP,
        "resumePopulation": VOTED,
        "retireAsset": VOTED,
        "draftCharter": NEW,
        "editCharter": Owned(CHARTER, "test_charters_of_others"),
        "submitCharter": Owned(CHARTER, "test_charters_of_others"),
        "retireCharter": Owned(CHARTER, "test_charters_of_others"),
        "dryRunCharter": READ,
        "suspendCharter": STOP,
        "resumeCharter": VOTED,
        "voteOnCharter": Owned("a function the voter holds, in a matter not their own", "test_votes_of_others"),
        "voteOnReview": Owned("a function the voter holds, in a matter not their own", "test_votes_of_others"),
        "assessCharter": Owned("somebody else's charter", "test_ones_own_matters"),
        "appointMember": Owned("somebody else's seat: nobody appoints themself", "test_ones_own_matters"),
        "removeMember": HOUSE,
        "delegateFunction": Owned("a function held in one's own right", "test_votes_of_others"),
        "revokeDelegation": Owned("who lent the function", "test_delegations_of_others"),
        "setQuorumRule": HOUSE,
        "setRuleOfHouse": HOUSE,
        "meetCondition": Owned("who set the condition", "test_conditions_of_others"),
        "proposeConfiguration": VOTED,
        "retireConfiguration": STOP,
        "addRejectionCriterion": STOP,
        "withdrawRejectionCriterion": Owned("the criterion's owner", "test_rejection_criteria_of_others"),
        "publishQuestionnaire": Owned("the owner of the name, if it is taken", "test_questionnaires_of_others"),
        "attestTraining": Owned("somebody else's training", "test_ones_own_matters"),
        "reviewModel": VOTED,
        "setAccessPolicy": Owned("the owner of the kind of resource, if it has one", "test_access_policies_of_others"),
        "askForException": VOTED,
        "breakGlass": Anyone("nothing opens before a second person, who does not profit, has confirmed"),
        "confirmGlass": Owned("glass that somebody else broke, for somebody else", "test_ones_own_matters"),
        "createPopulation": NEW,
        "declareUnit": Owned("the population's owner", "test_populations_of_others"),
        "allocateBudget": Owned("the population's owner, for a charter not their own", "test_populations_of_others"),
        "proposeBudget": VOTED,
        "proposeTransfer": VOTED,
        "forecastBudget": READ,
        "openIncident": STOP,
        "addDuty": Anyone("it only adds to what must be done before the incident is closed"),
        "addAction": Anyone("it only adds to what must be done before the incident is closed"),
        "doDuty": Owned("the incident's owner", "test_incidents_of_others"),
        "doAction": Owned("the action's owner, or the incident's", "test_incidents_of_others"),
        "closeIncident": Owned("the incident's owner", "test_incidents_of_others"),
        "sendFeedback": NEW,
        "triageFeedback": Owned("somebody else's feedback: nobody answers themself", "test_ones_own_matters"),
        "evaluateAccess": READ,
        "evaluateAccesses": READ,
        "handOver": HOUSE,
    },
    "generation": {
        "draftSource": READ,
        "registerSource": NEW,
        "uploadSource": Owned("the source's owner", "test_sources_of_others"),
        "offerGeneration": Owned("who asked for the run whose model is sampled, if one is", "test_runs_of_others"),
        "requestGeneration": Owned("who asked for the run whose model is sampled, if one is", "test_runs_of_others"),
        "cancelGeneration": Owned("who asked for the run", "test_runs_of_others"),
        "requestSearch": NEW,
        "cancelSearch": Owned("who asked for the search", "test_searches_of_others"),
        "registerConnection": NEW,
        "testConnection": Owned("the connection's owner", "test_connections_of_others"),
        "retireConnection": Owned("the connection's owner", "test_connections_of_others"),
        "requestPull": Owned("the source's owner, through a connection whose owner lets them", "test_pulls_of_others"),
        "cancelPull": Owned("the source's owner", "test_pulls_of_others"),
        "requestDelivery": Owned(
            "a reader who holds a grant, through a connection whose owner lets them", "test_deliveries_of_others"
        ),
        "cancelDelivery": Owned("who asked for it, or whose connection it is", "test_deliveries_of_others"),
        "requestAudit": Anyone("it fits engines to a public table: an audit has no object but itself"),
        "handOver": HOUSE,
    },
    "evaluation": {
        "requestAssay": SERVICE,
        "auditGuarantee": SERVICE,
        "reassay": Anyone("stewards look at whatever is out; what a look may show and cost is held elsewhere"),
        "makeMonitor": NEW,
        "postScores": Owned("the monitor's owner, and the scorers the owner names", "test_monitors_of_others"),
        "nameScorers": Owned("the monitor's owner", "test_monitors_of_others"),
        "pauseMonitor": Owned("the monitor's owner", "test_monitors_of_others"),
        "resumeMonitor": Owned("the monitor's owner", "test_monitors_of_others"),
        "declareShares": Owned("who declared the population's shares, if somebody did", "test_shares_of_others"),
        "handOver": HOUSE,
    },
    "lineage": {
        "postLineage": Anyone("producers tell of what is theirs; what they say of assets counts for nothing"),
        "postLineageBatch": Anyone("producers tell of what is theirs; what they say of assets counts for nothing"),
        "takeDeliveries": Owned("a service's own audit events", "test_leaves_of_other_services"),
        "appendAuditEvent": Owned("a service's own audit events", "test_leaves_of_other_services"),
        "marquezTagDataset": Owned("datasets that are not the house's own", "test_tags_of_the_house"),
        "marquezUntagDataset": Owned("datasets that are not the house's own", "test_tags_of_the_house"),
        "marquezTagField": Owned("datasets that are not the house's own", "test_tags_of_the_house"),
        "marquezUntagField": Owned("datasets that are not the house's own", "test_tags_of_the_house"),
        "marquezPutTag": LABEL,
        "registerModel": Owned("the model's owner; a registry's names are its own", "test_models_of_others"),
        "trainModel": Owned("the model's owner, and those it is shared with", "test_models_of_others"),
        "measureModel": Owned("the model's owner, and those it is shared with", "test_models_of_others"),
        "addWebhook": NEW,
        "rotateWebhook": Owned("the webhook's owner (to others there is none)", "test_webhooks_of_others"),
        "removeWebhook": Owned("the webhook's owner (to others there is none)", "test_webhooks_of_others"),
        "retryDelivery": Owned("the webhook's owner (to others there is none)", "test_webhooks_of_others"),
        "hearMlflow": Owned("the registry that has the secret, in its own namespace", "test_names_of_registries"),
        "sendPublicFeedback": Anyone("the public may say something; so many a minute"),
        "sendFeedbackForm": Anyone("the public may say something; so many a minute"),
        "handOver": HOUSE,
    },
}
