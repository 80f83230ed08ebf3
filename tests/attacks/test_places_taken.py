"""Nobody keeps others from stopping something by taking the name or the place that it needs."""

from uuid import uuid4

from policy.conftest import World
from policy.stories.words import codes

NEVER = {"expression": "rows < 0", "reason": "mine"}


async def test_an_audits_condemnation_is_not_held_off_by_taking_its_name(policy: World) -> None:
    await policy.set_up()
    audit = str(uuid4())
    taken = await policy.post("steward", "/v1/rejection-criteria", 422, NEVER | {"name": f"audit-{audit}"})
    assert taken["code"] == "name-reserved"
    body = {"generator": "dpmm-mst", "audit_id": audit, "claimed": "1", "measured": "2.5"}
    answer = await policy.call(
        "evaluation", "POST", "/v1/condemnations", json=body, headers={"Idempotency-Key": "once"}
    )
    assert answer.status_code == 201, answer.text
    assert codes(await policy.decide()) == ["configuration.rejected"]


async def test_one_steward_does_not_take_all_places_of_criteria(policy: World) -> None:
    await policy.set_up()
    path = "/v1/rejection-criteria"
    for number in range(50):
        await policy.post("steward", path, 201, NEVER | {"name": f"n{number}"})
    assert (await policy.post("steward", path, 409, NEVER | {"name": "one-more"}))["code"] == "too-many-criteria"
    stop = {"name": "stop", "expression": "rows > 50", "reason": "danger"}
    answer = await policy.call("rival", "POST", path, json=stop, scope="policy:library:write")
    assert answer.status_code == 201, answer.text
    assert codes(await policy.decide()) == ["configuration.rejected"]
