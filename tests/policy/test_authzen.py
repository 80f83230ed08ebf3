"""OpenID AuthZEN Authorization API 1.0: the certification scenario's fixture and its Basic, Batch and Discovery levels.

The fixture (alice and bob, two records, eight decisions) is loaded as an access policy, as any other
system's policy would be; test names carry the scenario's section numbers.
"""

from typing import Any
from uuid import uuid4

import pytest
from policy.conftest import World

FIXTURE = """
resource.id in ['record-1', 'record-2'] && subject.type == 'user' && (
  (action.name == 'read' && subject.id in ['alice', 'bob'])
  || (action.name == 'write' && (
        (subject.id == 'alice' && !(has(resource.properties.status) && resource.properties.status == 'archived'))
        || (has(subject.properties.role) && subject.properties.role == 'admin')))
  || (action.name == 'delete' && subject.id == 'alice'
        && has(action.properties.soft) && action.properties.soft == true)
)
"""
ALICE, BOB = {"type": "user", "id": "alice"}, {"type": "user", "id": "bob"}
READ, WRITE = {"name": "read"}, {"name": "write"}
ONE, TWO = {"type": "record", "id": "record-1"}, {"type": "record", "id": "record-2"}
ADMIN = BOB | {"properties": {"role": "admin"}}
ARCHIVED = TWO | {"properties": {"status": "archived"}}
ACTIVE = ONE | {"properties": {"status": "active"}}


def question(subject: Any = ALICE, action: Any = READ, resource: Any = ONE, **others: Any) -> dict[str, Any]:
    return {"subject": subject, "action": action, "resource": resource} | others


@pytest.fixture
async def pdp(world: World) -> World:
    policy = {"name": "certification", "resource_type": "record", "expression": FIXTURE}
    await world.post("steward", "/v1/access-policies", 201, policy)
    return world


async def one(pdp: World, body: Any, status: int = 200, **options: Any) -> Any:
    options = {"json": body} | options
    answer = await pdp.call("platform", "POST", "/access/v1/evaluation", **options)
    assert answer.status_code == status, answer.text
    expected = "application/json" if status == 200 else "application/problem+json"
    assert answer.headers["content-type"] == expected
    return answer.json()


async def many(pdp: World, body: Any) -> Any:
    answer = await pdp.call("platform", "POST", "/access/v1/evaluations", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


# --- basic --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "decision"),
    [
        pytest.param(question(), True, id="c-2-2-1"),
        pytest.param(question(BOB, WRITE), False, id="c-2-2-2"),
        pytest.param(question(context={"time": "2025-06-27T18:03-07:00", "ip": "192.168.1.1"}), True, id="c-2-2-3"),
        pytest.param(question(ALICE, WRITE, ARCHIVED), False, id="c-2-2-4"),
        pytest.param(question(ADMIN, WRITE, ARCHIVED), True, id="c-2-2-5"),
        pytest.param(question(action={"name": "delete", "properties": {"soft": True}}), True, id="c-2-2-6"),
        pytest.param(question(action={"name": "delete", "properties": {"soft": False}}), False, id="c-2-2-7"),
        pytest.param(
            question(
                ALICE | {"properties": {"department": "Sales", "role": "manager"}},
                READ | {"properties": {"method": "GET"}},
                ONE | {"properties": {"status": "active", "owner": "bob"}},
            ),
            True,
            id="c-2-2-8",
        ),
        pytest.param(question(foo="bar", futureField={"nested": True}), True, id="c-2-2-9"),
        pytest.param(question(ALICE, WRITE), True, id="c-1-4-rule-2"),
        pytest.param(question(BOB, READ), True, id="c-1-4-rule-3"),
    ],
)
async def test_a_question_gets_its_decision(pdp: World, asked: Any, decision: bool) -> None:
    for _ in range(3):
        assert (await one(pdp, asked))["decision"] is decision, "c-2-6: the same each time"


@pytest.mark.parametrize(
    "asked",
    [
        {"action": READ, "resource": ONE},
        {"subject": ALICE, "resource": ONE},
        {"subject": ALICE, "action": READ},
        question(subject={"id": "alice"}),
        question(subject={"type": "user"}),
        question(action={}),
        question(resource={"id": "record-1"}),
        question(resource={"type": "record"}),
        question(subject="alice"),
        question(action={"name": 123}),
        [],
    ],
)
async def test_c_2_4_a_question_that_lacks_something_is_a_bad_request(pdp: World, asked: Any) -> None:
    await one(pdp, asked, 400)


@pytest.mark.parametrize(
    ("content", "media_type"),
    [(b"{}", "text/plain"), (b"{not json", "application/json"), (b"", "application/json")],
)
async def test_c_2_4_a_body_that_is_no_json_is_a_bad_request(pdp: World, content: bytes, media_type: str) -> None:
    answer = await pdp.call(
        "platform", "POST", "/access/v1/evaluation", content=content, headers={"Content-Type": media_type}
    )
    assert answer.status_code == 400


async def test_c_2_5_the_request_id_comes_back(pdp: World) -> None:
    given = str(uuid4())
    answer = await pdp.call(
        "platform", "POST", "/access/v1/evaluation", json=question(), headers={"X-Request-ID": given}
    )
    assert answer.headers["x-request-id"] == given
    assert (await pdp.call("platform", "POST", "/access/v1/evaluation", json=question())).status_code == 200


# --- batch --------------------------------------------------------------------------------

PERMIT, DENY = True, False


@pytest.mark.parametrize(
    ("asked", "decisions"),
    [
        pytest.param(
            {"subject": ALICE, "action": READ, "evaluations": [{"resource": ONE}, {"resource": TWO}]},
            [PERMIT, PERMIT],
            id="c-3-2-1",
        ),
        pytest.param(
            {"subject": BOB, "resource": ONE, "evaluations": [{"action": READ}, {"action": WRITE}]},
            [PERMIT, DENY],
            id="c-3-2-2",
        ),
        pytest.param(
            {"subject": ALICE, "action": WRITE, "evaluations": [{"resource": ACTIVE}, {"resource": ARCHIVED}]},
            [PERMIT, DENY],
            id="c-3-2-3",
        ),
        pytest.param(
            {"action": WRITE, "resource": ARCHIVED, "evaluations": [{"subject": ALICE}, {"subject": ADMIN}]},
            [DENY, PERMIT],
            id="c-3-2-4",
        ),
        pytest.param({"evaluations": [question(), question(BOB, WRITE)]}, [PERMIT, DENY], id="c-3-2-5"),
        pytest.param(
            {
                "subject": ALICE,
                "action": READ,
                "context": {"time": "2025-06-27T18:03-07:00"},
                "evaluations": [{"resource": ONE}, {"resource": TWO, "context": {"source": "batch-override"}}],
            },
            [PERMIT, PERMIT],
            id="c-3-2-6",
        ),
        pytest.param(
            {
                "subject": ALICE,
                "action": WRITE,
                "resource": {"type": "record"},
                "evaluations": [
                    {"resource": {"id": "record-1", "properties": {"status": "active"}}},
                    {"resource": ARCHIVED},
                ],
            },
            [PERMIT, DENY],
            id="c-3-2-7",
        ),
        pytest.param(
            {"subject": ALICE, "action": READ, "evaluations": [{"resource": ONE}, {}]}, [PERMIT, DENY], id="c-3-4-1"
        ),
        pytest.param({"evaluations": [question(), "not an object"]}, [PERMIT, DENY], id="not-an-object"),
    ],
)
async def test_several_questions_get_their_decisions_in_order(pdp: World, asked: Any, decisions: list[bool]) -> None:
    answer = await many(pdp, asked)
    assert [entry["decision"] for entry in answer["evaluations"]] == decisions
    assert "decision" not in answer


@pytest.mark.parametrize("asked", [question(), question(evaluations=[])], ids=["c-3-4-2", "c-3-4-3"])
async def test_without_several_it_answers_one(pdp: World, asked: Any) -> None:
    assert await many(pdp, asked) == {"decision": True}


async def test_too_many_or_no_list_is_a_bad_request(pdp: World) -> None:
    for bad in ({"evaluations": "all"}, {"evaluations": [{}] * 201}):
        answer = await pdp.call("platform", "POST", "/access/v1/evaluations", json=bad)
        assert answer.status_code == 400


# --- discovery ----------------------------------------------------------------------------


async def test_c_6_discovery_names_the_endpoints(world: World) -> None:
    answer = await world.call.bare("GET", "/.well-known/authzen-configuration", headers={"Host": "pdp.example.com"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    base = told["policy_decision_point"]
    assert told["access_evaluation_endpoint"] == f"{base}/access/v1/evaluation"
    assert told["access_evaluations_endpoint"] == f"{base}/access/v1/evaluations"


# --- what nobody decided on ---------------------------------------------------------------


async def test_what_has_no_policy_is_denied_and_an_error_is_a_denial(pdp: World) -> None:
    unknown = await one(pdp, question(resource={"type": "spaceship", "id": "1"}))
    assert unknown["context"]["reasons"][0]["code"] == "no-policy"
    doubtful = {"name": "doubtful", "resource_type": "record", "expression": "subject.properties.clearance > 3"}
    await pdp.post("steward", "/v1/access-policies", 201, doubtful)
    assert (await one(pdp, question()))["decision"] is False, "a property that is missing"
    for bad in ("subject.id", "subject.id ==", "nobody"):
        refused = await pdp.post("steward", "/v1/access-policies", 422, doubtful | {"expression": bad})
        assert refused["code"] == "rule-invalid"
    reserved = doubtful | {"resource_type": "asset", "expression": "true"}
    await pdp.post("steward", "/v1/access-policies", 422, reserved)
