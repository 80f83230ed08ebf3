"""Times at the ends of the calendar, where databases say infinity: sent once, they broke what they touched for ever."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from evaluation.conftest import World as Evaluation
from evaluation.test_after_release import HOLDOUT, OTHER, TRAIN, looks, monitor, post
from lineage.conftest import World as Lineage
from lineage.conftest import event
from policy.conftest import World as Policy
from policy.examples import charter_document

from moneyer_lineage.dashboards.use_cases.counting import count_events

ENDS = (
    "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "0001-01-02T00:00:00Z", "0099-12-31T23:59:59Z",
    "9900-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00",
)  # fmt: skip
INSIDE = ("0100-01-01T00:00:00Z", "9899-12-31T23:59:59.999999Z")


def why(answer: Any) -> str:
    assert answer.status_code == 422, answer.text
    return answer.text


@pytest.mark.parametrize("end", ENDS)
async def test_no_event_stops_the_counting(lineage: Lineage, end: str) -> None:
    told = event(str(uuid4())) | {"eventTime": end}
    assert "years 100 to 9899" in why(await lineage.tell(told))
    batch = await lineage.call("producer", "POST", "/api/v1/lineage/batch", json=[told, event(str(uuid4()))])
    assert (batch.json()["summary"]["successful"], batch.json()["failed_events"][0]["index"]) == (1, 0)
    items = [{"id": str(uuid4()), "kind": "openlineage", "payload": told}]
    delivered = (await lineage.call("policy", "POST", "/v1/deliveries", json={"items": items})).json()
    assert len(delivered["refused"]) == 1
    assert await lineage.count("events") == 1
    assert await count_events(lineage.app.state.dependencies) == 1


@pytest.mark.parametrize("edge", INSIDE)
async def test_what_is_taken_is_counted_walked_and_shown(lineage: Lineage, edge: str) -> None:
    run = str(uuid4())
    assert (await lineage.tell(event(run, ["n/a"], ["n/b"]) | {"eventTime": edge})).status_code == 201
    assert await count_events(lineage.app.state.dependencies) == 1
    assert await count_events(lineage.app.state.dependencies) == 0
    for path in ("/v1/events", "/api/v1/jobs", f"/api/v1/jobs/runs/{run}", "/v1/graph?node=dataset:n:b", "/v1/summary"):
        assert (await lineage.call("auditor", "GET", path)).status_code == 200, path


@pytest.mark.parametrize("end", ENDS)
async def test_no_version_or_figure_breaks_its_model(lineage: Lineage, end: str) -> None:
    made = {"owner": "scientist", "description": "d"}
    await lineage.call("scientist", "PUT", "/v1/models/churn", json=made)
    version = {"assets": [str(uuid4())], "trained_at": end}
    assert "years 100" in why(await lineage.call("scientist", "PUT", "/v1/models/churn/versions/1", json=version))
    figure = {"metric": "auc", "value": "0.5", "measured_at": end}
    path = "/v1/models/churn/versions/1/metrics"
    assert (await lineage.call("scientist", "POST", path, json={"figures": [figure]})).status_code in {404, 405, 422}
    for path in ("/v1/models/churn/versions", "/v1/models"):
        assert (await lineage.call("auditor", "GET", path)).status_code == 200


async def test_no_assessment_holds_for_ever(policy: Policy) -> None:
    await policy.set_up()
    for end in ENDS:
        body = {"digest": policy.digest, "acceptable": True, "summary": "fine", "valid_until": end}
        why(await policy.call("assessor", "POST", f"/v1/charters/{policy.charter_id}/assessments", json=body))
    decision = await policy.decide()
    assert decision.json()["verdict"] == "permit", decision.text


@pytest.mark.parametrize("name", ["revalidate_by", "expires_at", "in_force_from"])
async def test_no_charter_says_a_date_that_its_vote_cannot_keep(policy: Policy, name: str) -> None:
    for end in ENDS:
        document = charter_document(sources=[policy.source_id], **{name: end})
        answer = await policy.call("scientist", "POST", "/v1/charters", json=document)
        assert (answer.status_code, answer.json()["code"]) == (422, "charter-invalid"), answer.text
        assert answer.json()["reasons"][0]["where"] == name


async def test_a_charter_to_the_edge_of_the_calendar_comes_into_force(policy: Policy) -> None:
    await policy.set_up(revalidate_by=INSIDE[1], expires_at=INSIDE[1], retention_days=36500)
    assert (await policy.decide()).json()["verdict"] == "permit"


async def test_no_other_time_of_policy_is_endless(policy: Policy) -> None:
    for end in ENDS:
        await _refused_everywhere(policy, end)


async def _refused_everywhere(policy: Policy, end: str) -> None:
    soon = (policy.now + timedelta(days=1)).isoformat()
    delegation = {"delegate": "counsel", "function": "privacy", "valid_from": soon, "valid_until": end}
    asked = [
        ("privacy-officer", "/v1/committee/delegations", delegation),
        ("privacy-officer", "/v1/committee/delegations", delegation | {"valid_from": end, "valid_until": soon}),
        ("steward", f"/v1/assets/{uuid4()}/grants", {"subject": "a", "use_case": "research", "valid_until": end}),
    ]
    for person, path, body in asked:
        why(await policy.call(person, "POST", path, json=body))
    calendar = await policy.call("auditor", "GET", "/v1/calendar", params={"from": end, "start": end})
    assert calendar.status_code in {200, 422}, calendar.text


# --- numbers at the ends of theirs -------------------------------------------------------------


async def test_scores_to_the_ends_of_the_numbers_are_counted(evaluation: Evaluation) -> None:
    asset = await evaluation.assayed(TRAIN, HOLDOUT, OTHER)
    made = await monitor(evaluation, asset, kind="scores", minimum=-1e308, maximum=1e308)
    for scores in ([-1e308, 0.0, 1e308] * 40, [1e308] * 120):
        await post(evaluation, made, scores)
    (look,) = await looks(evaluation, made)
    assert look["breaches"], "half of them moved to the end"
    refused = await monitor(evaluation, asset, 422, kind="scores", minimum=0.0, maximum=5e-324)
    assert "above minimum" in str(refused)


async def test_a_monitor_that_may_never_be_wrong_is_refused(evaluation: Evaluation) -> None:
    for chance in ("0.0", "0.000000"):
        body = {"asset_id": str(uuid4()), "terms": {"kind": "scores", "false_alarms": chance}}
        refused = await evaluation.send("POST", "/v1/monitors", 422, body)
        assert "false_alarms lies above 0" in str(refused)


@pytest.mark.parametrize("score", ["0.5", True, None, [0.5]])
async def test_a_score_is_a_number(evaluation: Evaluation, score: Any) -> None:
    await evaluation.send("POST", f"/v1/monitors/{uuid4()}/scores", 422, {"scores": [0.1, score]})
