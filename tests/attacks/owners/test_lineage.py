"""A scope says what somebody may do in lineage; it does not say with whose things.

Every attacker here holds the scope that the route asks for, and turns it on what belongs to somebody else.
"""

from typing import Any
from uuid import uuid4

import pytest
from attacks.owners.refusals import refused
from lineage.conftest import World as Lineage
from lineage.conftest import leaf
from lineage.test_impact import impact, listen, released, train
from lineage.test_models import figure
from lineage.test_registries import event as told_by_registry
from lineage.test_registries import post as as_registry

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
    tags = {f"moneyer.asset.{asset}": "", "moneyer.owner": "scientist"}
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


@pytest.mark.parametrize("space", ("moneyer.asset", "moneyer.source", "moneyer.model", "moneyer"))
async def test_tags_of_the_house(lineage: Lineage, space: str) -> None:
    asset = await released(lineage)
    path = f"/api/v1/namespaces/{space}/datasets/{asset}"
    for method in ("POST", "DELETE"):
        for tagged in ("tags/ANONYMOUS", "fields/age/tags/ANONYMOUS"):
            refused(await lineage.call("producer", method, f"{path}/{tagged}"))
