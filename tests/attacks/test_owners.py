"""A scope says what somebody may do; it does not say with whose things.

Every attacker here holds the scope that the route asks for, and turns it on what belongs to somebody else.
"""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from attacks import test_owners as here
from attacks.owned import WRITES, Owned
from evaluation.conftest import World as Evaluation
from evaluation.test_measures import population
from generation.intake.conftest import World as Factory
from generation.intake.conftest import csv, rows
from lineage.conftest import World as Lineage
from lineage.conftest import leaf
from lineage.test_impact import impact, listen, released, train
from lineage.test_models import figure
from lineage.test_registries import event as told_by_registry
from lineage.test_registries import post as as_registry
from policy.conftest import World as Policy
from policy.examples import charter_document
from policy.test_release_api import paid_run, release, unlock
from roles import routes

from mintmark_evaluation.use_cases import monitors


def refused(answer: httpx.Response, code: str = "not-yours", status: int = 403) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


# --- the table -------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", sorted(WRITES))
def test_the_table_says_of_every_write_whose_object_it_must_be(service: str) -> None:
    assert set(WRITES[service]) == set(routes(service, writes=True))


def test_every_owned_row_has_its_attack() -> None:
    owned = {row.test for rows_ in WRITES.values() for row in rows_.values() if isinstance(row, Owned)}
    assert {name for name in owned if not hasattr(here, name)} == set()


# --- lineage -----------------------------------------------------------------------------------------


MODELS = "lineage:models:write"


def training(world: Lineage, *assets: str) -> dict[str, Any]:
    return {"assets": list(assets), "trained_at": world.clock.now.isoformat()}


async def test_models_of_others(lineage: Lineage) -> None:
    """A stranger adds a version on an asset of his choice, and figures that make it look good."""
    asset, other = await released(lineage), await released(lineage)
    await train(lineage, "scientist", "churn", [asset])
    for person in ("lead-scientist", "platform"):
        refused(await lineage.call(person, "PUT", "/v1/models/churn", json={"description": "mine"}))
        for version in ("1", "2"):
            path = f"/v1/models/churn/versions/{version}"
            refused(await lineage.call(person, "PUT", path, json=training(lineage, other)))
        body = {"figures": [figure(0.99)]}
        refused(await lineage.call(person, "POST", "/v1/models/churn/versions/1/metrics", json=body))
    assert (await impact(lineage, other))["models"] == []
    assert await lineage.count("model_metrics") == 0
    assert await lineage.count("model_versions") == 1


async def test_a_model_that_nobody_shares_does_not_become_shared_by_asking(lineage: Lineage) -> None:
    await train(lineage, "scientist", "churn", [await released(lineage)])
    for body in ({"shared_with": ["lead-scientist"]}, {"owner": "scientist", "shared_with": ["lead-scientist"]}):
        refused(await lineage.call("lead-scientist", "PUT", "/v1/models/churn", json=body))


async def test_those_a_model_is_shared_with_add_to_it_and_do_not_take_it(lineage: Lineage) -> None:
    asset = await released(lineage)
    body = {"shared_with": ["lead-scientist"]}
    shared = await lineage.call("scientist", "PUT", "/v1/models/churn", json=body)
    assert shared.json()["shared_with"] == ["lead-scientist"]
    path = "/v1/models/churn/versions/1"
    answer = await lineage.call("lead-scientist", "PUT", path, json=training(lineage, asset))
    assert answer.status_code == 204
    figures = {"figures": [figure(0.8)]}
    assert (await lineage.call("lead-scientist", "POST", f"{path}/metrics", json=figures)).status_code == 200
    refused(await lineage.call("lead-scientist", "PUT", "/v1/models/churn", json={"owner": "lead-scientist"}))
    refused(await lineage.call("lead-scientist", "PUT", "/v1/models/churn", json={"shared_with": ["platform"]}))
    refused(await lineage.call("platform", "POST", f"{path}/metrics", json=figures))
    taken_back = await lineage.call("scientist", "PUT", "/v1/models/churn", json={"shared_with": []})
    assert taken_back.json()["shared_with"] == []
    refused(await lineage.call("lead-scientist", "POST", f"{path}/metrics", json=figures))


async def test_who_registers_a_model_for_its_owner_goes_on_telling_of_it_until_the_owner_ends_that(
    lineage: Lineage,
) -> None:
    """A platform's pipeline registers what a scientist answers for, as the client does."""
    asset = await released(lineage)
    made = await lineage.call("platform", "PUT", "/v1/models/churn", json={"owner": "scientist"})
    assert (made.json()["owner"], made.json()["shared_with"]) == ("scientist", ["platform"])
    path = "/v1/models/churn/versions/1"
    assert (await lineage.call("platform", "PUT", path, json=training(lineage, asset))).status_code == 204
    await lineage.call("scientist", "PUT", "/v1/models/churn", json={"shared_with": []})
    refused(await lineage.call("platform", "PUT", path, json=training(lineage, asset)))


async def test_a_leavers_model_is_handed_over_by_who_answers_for_that(lineage: Lineage) -> None:
    asset = await released(lineage)
    await train(lineage, "scientist", "churn", [asset])
    body = {"owner": "lead-scientist"}
    for person in ("scientist", "lead-scientist", "steward", "platform"):
        refused(await lineage.call(person, "PUT", "/v1/owners/model/churn", json=body), "missing-scope")
    given = await lineage.call("admin", "PUT", "/v1/owners/model/churn", json=body)
    assert given.json() == {"kind": "model", "subject": "churn", "owner": "lead-scientist"}
    path = "/v1/models/churn/versions/2"
    assert (await lineage.call("lead-scientist", "PUT", path, json=training(lineage, asset))).status_code == 204
    refused(await lineage.call("scientist", "PUT", path, json=training(lineage, asset)))
    assert (await lineage.call("admin", "PUT", "/v1/owners/model/none", json=body)).status_code == 404
    said = (await lineage.call("auditor", "GET", "/v1/log/entries", params={"subject": "model:churn"})).text
    assert "owner.give" in said
    assert "lead-scientist" not in said, "no name goes into the log"


async def test_names_of_registries(lineage: Lineage) -> None:
    """A stranger takes names in a registry's namespace before the registry tells of them."""
    asset = await released(lineage)
    for name in ("plant:churn", "Plant:churn", "PLANT :churn", " plant:churn", "plant:", "plant:a:b"):
        refused(await lineage.call("lead-scientist", "PUT", f"/v1/models/{name}", json={}))
    assert (await lineage.call("lead-scientist", "PUT", "/v1/models/plants:churn", json={})).status_code == 200
    tags = {f"mintmark.asset.{asset}": "", "mintmark.owner": "scientist"}
    body = told_by_registry("model_version", "created", name="churn", version="1", source="models:/m", tags=tags)
    assert (await as_registry(lineage, body, {})).status_code in {401, 422}, "unsigned, nobody speaks for it"
    assert (await as_registry(lineage, body)).status_code == 204
    (model,) = [one for one in (await impact(lineage, asset))["models"] if one["model"] == "plant:churn"]
    assert model["owner"] == "scientist"
    refused(
        await lineage.call("lead-scientist", "PUT", "/v1/models/plant:churn/versions/1", json=training(lineage, asset))
    )
    figures = {"figures": [figure(0.8)]}
    path = "/v1/models/plant:churn/versions/1/metrics"
    refused(await lineage.call("lead-scientist", "POST", path, json=figures))
    assert (await lineage.call("scientist", "POST", path, json=figures)).status_code == 200, "its owner measures it"


async def test_webhooks_of_others(lineage: Lineage) -> None:
    hook = await listen(lineage, "scientist", "https://one.example/hook")
    for method, path, body in (
        ("POST", f"{hook['id']}:rotate", {"generation": 1}),
        ("DELETE", hook["id"], None),
        ("POST", f"{hook['id']}/deliveries/{uuid4()}:retry", None),
    ):
        answer = await lineage.call("lead-scientist", method, f"/v1/webhooks/{path}", json=body)
        refused(answer, "not-found", 404)
        unknown = path.replace(hook["id"], str(uuid4()))
        missing = await lineage.call("lead-scientist", method, f"/v1/webhooks/{unknown}", json=body)
        assert missing.json()["code"] == answer.json()["code"], "another's is as good as none"


async def test_leaves_of_other_services(lineage: Lineage) -> None:
    """A service of the house says in another's name that a plan was permitted."""
    said = leaf(service="policy")
    refused(await lineage.call("evaluation", "POST", "/v1/audit-events", json=said))
    items = [{"id": said["id"], "kind": "audit", "payload": said}]
    refused(await lineage.call("generation", "POST", "/v1/deliveries", json={"items": items}))
    stranger = await lineage.call("intruder", "POST", "/v1/audit-events", json=said, scope="lineage:deliveries:write")
    refused(stranger)
    assert await lineage.count("leaves") == 0
    assert (await lineage.call("policy", "POST", "/v1/audit-events", json=said)).status_code == 201


@pytest.mark.parametrize("space", ("mintmark.asset", "mintmark.source", "mintmark.model", "mintmark"))
async def test_tags_of_the_house(lineage: Lineage, space: str) -> None:
    asset = await released(lineage)
    path = f"/api/v1/namespaces/{space}/datasets/{asset}"
    for method in ("POST", "DELETE"):
        for tagged in ("tags/ANONYMOUS", "fields/age/tags/ANONYMOUS"):
            refused(await lineage.call("producer", method, f"{path}/{tagged}"))


# --- evaluation ----------------------------------------------------------------------------------------

WATCH, SCORE, SHARE = "evaluation:monitors:write", "evaluation:scores:write", "evaluation:shares:write"
TERMS = {"kind": "scores", "minimum": 0, "maximum": 1}


async def monitor(world: Evaluation, **more: Any) -> str:
    """A monitor of a model's scores, made by the steward."""
    asset = await world.assayed(population(60, 1), population(60, 2), population(60, 3))
    body = {"name": "watch", "asset_id": str(asset), "terms": TERMS} | more
    answer = await world.call("steward", "POST", "/v1/monitors", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def scores(world: Evaluation, person: str, made: str, values: list[float]) -> httpx.Response:
    return await world.call(person, "POST", f"/v1/monitors/{made}/scores", json={"scores": values}, scope=SCORE)


async def test_monitors_of_others(evaluation: Evaluation) -> None:
    """A stranger posts two batches that lie apart: a finding, a review, and the asset stops if nobody votes."""
    made = await monitor(evaluation, scorers=["platform"])
    for values in ([0.1] * 500, [0.9] * 500):
        refused(await scores(evaluation, "scientist", made, values))
    await monitors.look(evaluation.laboratory, UUID(made))
    assert evaluation.peers.found == []
    for action in ("pause", "resume"):
        refused(await evaluation.call("rival", "POST", f"/v1/monitors/{made}:{action}", scope=WATCH))
    body = {"scorers": ["rival"]}
    refused(await evaluation.call("rival", "PUT", f"/v1/monitors/{made}/scorers", json=body, scope=WATCH))
    refused(await scores(evaluation, "rival", made, [0.5]))


async def test_scorers_are_named_by_the_owner(evaluation: Evaluation) -> None:
    made = await monitor(evaluation)
    refused(await scores(evaluation, "platform", made, [0.5]))
    named = await evaluation.call("steward", "PUT", f"/v1/monitors/{made}/scorers", json={"scorers": ["platform"]})
    assert named.json()["scorers"] == ["platform"]
    assert (await scores(evaluation, "platform", made, [0.5])).status_code == 202
    assert (await scores(evaluation, "steward", made, [0.5])).status_code == 202, "the owner too"
    await evaluation.call("steward", "PUT", f"/v1/monitors/{made}/scorers", json={"scorers": []})
    refused(await scores(evaluation, "platform", made, [0.5]))


async def test_a_leavers_monitor_is_handed_over(evaluation: Evaluation) -> None:
    made = await monitor(evaluation)
    path, body = f"/v1/owners/monitor/{made}", {"owner": "rival"}
    refused(await evaluation.call("steward", "PUT", path, json=body), "missing-scope")
    assert (await evaluation.call("admin", "PUT", path, json=body)).json()["owner"] == "rival"
    assert (await evaluation.call("rival", "POST", f"/v1/monitors/{made}:pause", scope=WATCH)).status_code == 200
    refused(await evaluation.call("steward", "POST", f"/v1/monitors/{made}:resume"))
    missing = await evaluation.call("admin", "PUT", f"/v1/owners/monitor/{uuid4()}", json=body)
    assert missing.status_code == 404


async def test_shares_of_others(evaluation: Evaluation) -> None:
    """Another steward's "published shares" would trip every monitor of them."""
    path = f"/v1/populations/{uuid4()}/shares"
    body = {"source": "census", "as_of": "2026-01-01", "shares": {"sex": {"f": "0.5", "m": "0.5"}}}
    assert (await evaluation.call("steward", "POST", path, json=body)).status_code == 201
    refused(await evaluation.call("rival", "POST", path, json=body, scope=SHARE))
    assert (await evaluation.call("steward", "POST", path, json=body)).json()["version"] == 2
    subject = path.split("/")[3]
    await evaluation.call("admin", "PUT", f"/v1/owners/shares/{subject}", json={"owner": "rival"})
    assert (await evaluation.call("rival", "POST", path, json=body, scope=SHARE)).json()["version"] == 3
    refused(await evaluation.call("steward", "POST", path, json=body))


async def test_two_who_declare_the_first_shares_at_once_do_not_both_own_them(evaluation: Evaluation) -> None:
    path = f"/v1/populations/{uuid4()}/shares"
    body = {"source": "census", "as_of": "2026-01-01", "shares": {"sex": {"f": "0.5", "m": "0.5"}}}
    answers = await asyncio.gather(
        *(evaluation.call(person, "POST", path, json=body, scope=SHARE) for person in ("a", "b", "c"))
    )
    assert sorted(one.status_code for one in answers) == [201, 403, 403]


# --- generation ------------------------------------------------------------------------------------------

RUN, UPLOAD = "generation:runs:write", "generation:sources:write"


async def test_sources_of_others(intake: Factory) -> None:
    """Another steward puts a table of his own under a source that charters name."""
    path = f"/v1/sources/{intake.source_id}/versions"
    sent = {"content": csv(rows()), "headers": {"Content-Type": "text/csv"}}
    refused(await intake.call("rival", "POST", path, scope=UPLOAD, **sent))
    assert intake.policy.asked == [], "no key was made for it"
    assert await intake.nothing_was_stored()
    assert (await intake.upload(csv(rows()))).status_code == 201
    body = {"owner": "rival"}
    owner = f"/v1/owners/source/{intake.source_id}"
    refused(await intake.call("steward", "PUT", owner, json=body), "missing-scope")
    assert (await intake.call("admin", "PUT", owner, json=body)).status_code == 200
    assert (await intake.call("rival", "POST", path, scope=UPLOAD, **sent)).status_code == 201
    assert intake.policy.asked[-1].owner == "rival", "who answers for the data has no vote on what uses it"
    refused(await intake.upload(csv(rows())))


async def test_a_refused_upload_is_not_even_read(intake: Factory) -> None:
    """The table of a stranger is refused before its bytes are taken in."""
    read = []

    async def endless() -> Any:
        while len(read) < 100:
            read.append(1)
            yield b"x" * 65536

    path = f"/v1/sources/{intake.source_id}/versions"
    sent = {"content": endless(), "headers": {"Content-Type": "text/csv"}}
    refused(await intake.call("rival", "POST", path, scope=UPLOAD, **sent))


async def run_of(world: Factory, person: str, **plan: Any) -> httpx.Response:
    made = {
        "charter_id": str(uuid4()), "use_case": "u", "audience": "a", "source_id": world.source_id,
        "generator": "dpmm-mst", "rows": 10, "rationale": "r",
    } | plan  # fmt: skip
    headers = {"Idempotency-Key": uuid4().hex}
    return await world.call(person, "POST", "/v1/generations", json=made, headers=headers, scope=RUN)


async def test_runs_of_others(generation: Factory) -> None:
    """A stranger ends another's run, or makes a table of the model that another's charter paid for."""
    assert (await generation.upload(csv(rows()))).status_code == 201
    made = (await run_of(generation, "scientist")).json()
    refused(await generation.call("rival", "POST", f"/v1/generations/{made['id']}:cancel", scope=RUN))
    connection = await asyncpg.connect(generation.url)
    await connection.execute("UPDATE runs SET model_sealed = true")
    await connection.close()
    refused(await run_of(generation, "rival", model=made["id"]))
    assert (await run_of(generation, "scientist", model=made["id"])).status_code == 202


async def test_a_key_means_a_run_of_ones_own(generation: Factory) -> None:
    """An Idempotency-Key that was guessed or overheard names no run of somebody else's."""
    await generation.upload(csv(rows()))
    plan = {
        "charter_id": str(uuid4()), "use_case": "u", "audience": "a", "source_id": generation.source_id,
        "generator": "dpmm-mst", "rows": 10, "rationale": "r",
    }  # fmt: skip
    ids = set()
    for person in ("scientist", "rival"):
        headers = {"Idempotency-Key": "monday"}
        answer = await generation.call(person, "POST", "/v1/generations", json=plan, headers=headers, scope=RUN)
        assert (answer.status_code, answer.json()["requester"]) == (202, person)
        ids.add(answer.json()["id"])
    assert len(ids) == 2


async def test_searches_of_others(generation: Factory) -> None:
    connection = await asyncpg.connect(generation.url)
    made = await connection.fetchval(
        "INSERT INTO searches (requester, request, state, requested_at, changed_at)"
        " VALUES ('scientist', '{}', 'searching', now(), now()) RETURNING id"
    )
    await connection.close()
    refused(await generation.call("rival", "POST", f"/v1/searches/{made}:cancel", scope=RUN))


# --- policy ------------------------------------------------------------------------------------------------

LIBRARY, INCIDENTS, BUDGETS = "policy:library:write", "policy:incidents:write", "policy:budgets:write"
VOTES, CHARTERS = "policy:votes:write", "policy:charters:write"


async def test_charters_of_others(policy: Policy) -> None:
    await policy.make_charter()
    path = f"/v1/charters/{policy.charter_id}"
    shown = await policy.call("auditor", "GET", path)
    headers = {"If-Match": shown.headers["etag"]}
    document = charter_document(owner="rival")
    edited = await policy.call("rival", "PUT", path, json=document, headers=headers, scope=CHARTERS)
    assert edited.status_code == 403, edited.text
    drafted = await policy.call("scientist", "PUT", path, json=charter_document(), headers=headers)
    assert drafted.status_code == 200
    for action, body in (("submit", None), ("retire", {"reason": "away with it"})):
        answer = await policy.call("rival", "POST", f"{path}:{action}", json=body, scope=CHARTERS)
        assert answer.status_code == 403, answer.text


async def test_votes_of_others(policy: Policy) -> None:
    await policy.make_charter()
    body = {"document": 1}
    proposed = await policy.post("steward", "/v1/configurations", 201, configuration_document())
    review = proposed["review_id"]
    digest = (await policy.get(f"/v1/reviews/{review}"))["digest"]
    body = {"function": "privacy", "verdict": "approve", "digest": digest, "reason": "good"}
    for path in (f"/v1/reviews/{review}/votes", f"/v1/charters/{policy.charter_id}/votes"):
        answer = await policy.call("rival", "POST", path, json=body, scope=VOTES)
        assert answer.status_code in {403, 409}, answer.text
    answer = await policy.call("rival", "POST", f"/v1/reviews/{review}/votes", json=body, scope=VOTES)
    refused(answer, "function-not-held")
    until = (policy.now + timedelta(days=2)).isoformat()
    lent = {"delegate": "friend", "function": "privacy", "valid_from": policy.now.isoformat(), "valid_until": until}
    refused(
        await policy.call("rival", "POST", "/v1/committee/delegations", json=lent, scope=VOTES), "function-not-held"
    )


def configuration_document() -> dict[str, Any]:
    return {
        "name": "careful", "generator": "dpmm-mst", "guarantee": "proven", "evidence": "e",
        "parameters": {"epsilon": {"minimum": "0.1", "maximum": "1"}},
    }  # fmt: skip


async def test_delegations_of_others(policy: Policy) -> None:
    await policy.make_charter()
    until = (policy.now + timedelta(days=2)).isoformat()
    lent = {"delegate": "friend", "function": "privacy", "valid_from": policy.now.isoformat(), "valid_until": until}
    made = await policy.post("privacy-officer", "/v1/committee/delegations", 201, lent)
    path = f"/v1/committee/delegations/{made['id']}:revoke"
    refused(await policy.call("counsel", "POST", path))
    assert (await policy.call("privacy-officer", "POST", path)).status_code == 204
    assert (await policy.call("counsel", "POST", f"/v1/committee/delegations/{uuid4()}:revoke")).status_code == 404


async def test_conditions_of_others(policy: Policy) -> None:
    await policy.make_charter()
    proposed = await policy.post("steward", "/v1/configurations", 201, configuration_document())
    cast = await policy.ballot(proposed["review_id"], conditions=["when it was measured"])
    (condition,) = cast.json()["conditions"]
    path = f"/v1/reviews/{proposed['review_id']}/conditions/{condition['id']}:meet"
    refused(await policy.call("counsel", "POST", path, json={"evidence": "trust me"}))
    missing = f"/v1/reviews/{proposed['review_id']}/conditions/{uuid4()}:meet"
    assert (await policy.call("counsel", "POST", missing, json={"evidence": "e"})).status_code == 404
    assert (await policy.call("privacy-officer", "POST", path, json={"evidence": "e"})).status_code == 200


async def test_rejection_criteria_of_others(policy: Policy) -> None:
    """A colleague of the steward lifts what every plan is held against, alone and at once."""
    body = {"name": "no-night-runs", "expression": "rows > 100", "reason": "r"}
    made = await policy.post("steward", "/v1/rejection-criteria", 201, body)
    path = f"/v1/rejection-criteria/{made['id']}:withdraw"
    refused(await policy.call("rival", "POST", path, scope=LIBRARY))
    owner, given = f"/v1/owners/rejection-criterion/{made['id']}", {"owner": "rival"}
    refused(await policy.call("steward", "PUT", owner, json=given), "missing-scope")
    assert (await policy.call("admin", "PUT", owner, json=given)).status_code == 200
    refused(await policy.call("steward", "POST", path))
    assert (await policy.call("rival", "POST", path, scope=LIBRARY)).status_code == 204


async def test_questionnaires_of_others(policy: Policy) -> None:
    """Under a name that charters ask for, a stranger publishes one that asks nothing and lets every risk pass."""
    question = {"id": "q", "text": "Is it needed?", "kind": "yes-no"}
    body = {"name": "dpia", "title": "Assessment", "questions": [question], "maximum_residual_risk": 6}
    await policy.post("steward", "/v1/questionnaires", 201, body)
    lax = body | {"maximum_residual_risk": 25}
    refused(await policy.call("rival", "POST", "/v1/questionnaires", json=lax, scope=LIBRARY))
    await policy.post("steward", "/v1/questionnaires", 201, body)
    await policy.call("admin", "PUT", "/v1/owners/questionnaire/dpia", json={"owner": "rival"})
    taken = await policy.call("rival", "POST", "/v1/questionnaires", json=lax, scope=LIBRARY)
    assert taken.json()["version"] == 3
    missing = await policy.call("admin", "PUT", "/v1/owners/questionnaire/none", json={"owner": "rival"})
    assert missing.status_code == 404


async def test_access_policies_of_others(policy: Policy) -> None:
    """Whoever may write one policy replaces another's with ``true``."""
    body = {"name": "models", "resource_type": "model", "expression": "subject.id == 'scientist'"}
    await policy.post("steward", "/v1/access-policies", 201, body)
    open_to_all = body | {"name": "other", "expression": "true"}
    refused(await policy.call("rival", "POST", "/v1/access-policies", json=open_to_all, scope=LIBRARY))
    await policy.call("admin", "PUT", "/v1/owners/access-policy/model", json={"owner": "rival"})
    taken = await policy.call("rival", "POST", "/v1/access-policies", json=open_to_all, scope=LIBRARY)
    assert taken.status_code == 201


async def test_populations_of_others(policy: Policy) -> None:
    """A stranger gives all of a population's budget to a friend's charter: no vote is asked for that."""
    await policy.make_population()
    await policy.make_charter()
    body = {"charter_id": policy.charter_id, "epsilon": "2", "delta": "0.00001"}
    path = f"/v1/populations/{policy.population_id}/allocations"
    refused(await policy.call("rival", "POST", path, json=body, scope=BUDGETS))
    await policy.sql("UPDATE populations SET unit_kind = 'undeclared'")
    declaring = f"/v1/populations/{policy.population_id}:declare-unit"
    refused(await policy.call("rival", "POST", declaring, json={"kind": "row"}, scope=BUDGETS))
    await policy.call("admin", "PUT", f"/v1/owners/population/{policy.population_id}", json={"owner": "rival"})
    assert (await policy.call("rival", "POST", path, json=body, scope=BUDGETS)).status_code == 201


async def incident(policy: Policy) -> dict[str, Any]:
    body = {
        "title": "odd downloads", "severity": "high", "description": "d", "personal_data": True,
        "discovered_at": (policy.now - timedelta(hours=1)).isoformat(),
    }  # fmt: skip
    opened = await policy.post("privacy-officer", "/v1/incidents", 201, body)
    action = {"action": "rotate", "owner": "security-officer", "due_at": (policy.now + timedelta(days=3)).isoformat()}
    made: dict[str, Any] = await policy.post("counsel", f"/v1/incidents/{opened['id']}/actions", 201, action)
    return made


async def test_incidents_of_others(policy: Policy) -> None:
    """A stranger says that the authority was told, which stops the clock of 72 hours, and has the incident closed."""
    made = await incident(policy)
    path, evidence = f"/v1/incidents/{made['id']}", {"evidence": "sent, I think"}
    duty, action = made["duties"][0]["id"], made["actions"][0]["id"]
    refused(await policy.call("counsel", "POST", f"{path}/duties/{duty}:done", json=evidence))
    refused(await policy.call("counsel", "POST", f"{path}/actions/{action}:done"))
    assert (await policy.call("security-officer", "POST", f"{path}/actions/{action}:done")).status_code == 200
    refused(await policy.call("security-officer", "POST", f"{path}/duties/{duty}:done", json=evidence))
    assert (
        await policy.call("privacy-officer", "POST", f"{path}/duties/{duty}:done", json=evidence)
    ).status_code == 200
    refused(await policy.call("counsel", "POST", f"{path}:close", json={"post_mortem": "nothing to see"}))
    await policy.call("admin", "PUT", f"/v1/owners/incident/{made['id']}", json={"owner": "counsel"})
    closing = await policy.call("counsel", "POST", f"{path}:close", json={"post_mortem": "what we learned"})
    assert closing.status_code == 202


async def test_permits_of_others(policy: Policy) -> None:
    await policy.set_up()
    mine, other = (await policy.decide()).json(), (await policy.decide()).json()
    stolen = await policy.redeem(mine, token=other["permit"]["token"])
    assert stolen.status_code == 403, "a token opens its own permit"
    await policy.redeem(mine, key="a")
    await policy.settle(mine)
    body = {"asset_id": other["run_id"], "purpose": "release", "others": []}
    path = f"/v1/permits/{mine['permit']['id']}:open-for-assay"
    refused(await policy.call("evaluation", "POST", path, json=body), "not-redeemed", 409)


async def test_assets_of_others(policy: Policy) -> None:
    await policy.set_up()
    asset = await paid_run(policy)
    await release(policy, asset)
    refused(await unlock(policy, asset, "rival"), "no-grant")


async def test_ones_own_matters(policy: Policy) -> None:
    await policy.set_up()
    asset = await paid_run(policy)
    await release(policy, asset)
    until = (policy.now + timedelta(days=2)).isoformat()
    own = "own-matter"
    grant = {"subject": "steward", "use_case": "research", "valid_until": until}
    refused(await policy.call("steward", "POST", f"/v1/assets/{asset}/grants", json=grant), own)
    seat = {"subject": "admin", "function": "privacy"}
    refused(await policy.call("admin", "POST", "/v1/committee/members", json=seat), own)
    training_ = {"person": "steward", "topic": "t", "evidence": "e", "valid_until": until}
    refused(await policy.call("steward", "POST", "/v1/attestations", json=training_), own)
    body = {"digest": policy.digest, "acceptable": True, "summary": "fine", "valid_until": until}
    path = f"/v1/charters/{policy.charter_id}/assessments"
    refused(await policy.call("scientist", "POST", path, json=body, scope="policy:assessments:write"), own)
    glass = {"requester": "scientist", "reason": "r", "incident": "i", "hours": 2}
    broken = await policy.post("steward", f"/v1/charters/{policy.charter_id}:break-glass", 201, glass)
    refused(await policy.call("steward", "POST", f"/v1/waivers/{broken['id']}:confirm"), own)
    said = {"about_kind": "charter", "about": policy.charter_id, "message": "too wide"}
    sent = await policy.post("steward", "/v1/feedback", 201, said)
    answer = {"state": "declined", "note": "n"}
    refused(await policy.call("steward", "POST", f"/v1/feedback/{sent['id']}:triage", json=answer), own)
    triaged = await policy.call("counsel", "POST", f"/v1/feedback/{sent['id']}:triage", json=answer)
    assert triaged.status_code == 200, triaged.text


async def test_owners_are_given_by_whoever_answers_for_that_alone(policy: Policy) -> None:
    for kind, subject in (("charter", str(uuid4())), ("source", str(uuid4()))):
        unknown = await policy.call("admin", "PUT", f"/v1/owners/{kind}/{subject}", json={"owner": "rival"})
        assert unknown.status_code == 422, "a charter's owner stands in it, and is voted on"
    for kind in ("incident", "rejection-criterion", "population"):
        for subject in (str(uuid4()), "none", "1"):
            missing = await policy.call("admin", "PUT", f"/v1/owners/{kind}/{subject}", json={"owner": "rival"})
            assert missing.status_code in {404, 422}
    assert await policy.sql("SELECT * FROM owners") == []
