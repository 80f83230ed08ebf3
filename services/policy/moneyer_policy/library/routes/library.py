"""The library: configurations, rejection criteria, questionnaires, training, access policies and models."""

from moneyer_policy.library.use_cases import assessments, library
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1", tag="library")
access = Routes(prefix="/v1", tag="access")
audits = Routes(prefix="/v1", tag="gate")
READ, WRITE = "policy:read", "policy:library:write"

routes.add(
    "POST",
    "/configurations",
    library.propose_configuration,
    "Put a generator set-up up for approval",
    scope=WRITE,
    status=201,
    once="may",
)
routes.add("GET", "/configurations", library.list_configurations, "The library", scope=READ)
routes.add("GET", "/configurations/{name}", library.get_configuration, "The approved one of a name", scope=READ)
routes.add(
    "POST",
    "/configurations/{name}:retire",
    library.retire_configuration,
    "Out of use at once",
    scope=WRITE,
    status=204,
)
routes.add(
    "POST",
    "/rejection-criteria",
    library.add_rejection_criterion,
    "Refuse every plan that matches",
    scope=WRITE,
    status=201,
    once="may",
    first=library.check_criterion,
)
routes.add(
    "GET", "/rejection-criteria", library.list_rejection_criteria, "What is refused by itself", scope=READ
)  # fmt: skip
routes.add(
    "POST",
    "/rejection-criteria/{rejection_id}:withdraw",
    library.withdraw_rejection_criterion,
    "Apply it no longer",
    scope=WRITE,
    status=204,
)
routes.add(
    "POST",
    "/questionnaires",
    assessments.publish_questionnaire,
    "A new version of an assessment's questionnaire",
    scope=WRITE,
    status=201,
    once="may",
)
routes.add(
    "GET", "/questionnaires", assessments.list_questionnaires, "All questionnaires and versions", scope=READ
)  # fmt: skip
routes.add(
    "POST",
    "/attestations",
    library.attest_training,
    "Somebody was trained in a topic",
    scope=WRITE,
    status=201,
    once="may",
)
routes.add("GET", "/attestations", library.list_attestations, "Who was trained in what", scope=READ)
routes.add(
    "POST",
    "/models/{model}/compliance-reviews",
    assessments.review_model,
    "Put a model up for a compliance review",
    scope=WRITE,
    status=202,
    once="may",
    location="/v1/reviews/{review_id}",
)
routes.add("GET", "/models/{model}/compliance", assessments.get_compliance, "What was decided on a model", scope=READ)
access.add(
    "POST",
    "/access-policies",
    library.set_access_policy,
    "Decide on resources that are not moneyer's own",
    scope=WRITE,
    status=201,
    once="may",
    first=library.check_access_policy,
)
access.add("GET", "/access-policies", library.list_access_policies, "The policies in use", scope=READ)
audits.add(
    "POST",
    "/condemnations",
    library.condemn_generator,
    "Refuse plans that rest on a claim an audit disproved",
    scope="policy:releases:write",
    status=201,
    once="must",
)
