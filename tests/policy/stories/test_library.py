"""Assessments, training, models under review, and the library of configurations."""

from typing import Any

from policy.conftest import World
from policy.stories.words import DAY, MISSING, codes, configuration, later


async def test_an_assessment_answers_its_questionnaire_and_keeps_to_its_risk(world: World) -> None:
    questions = [
        {"id": "necessity", "text": "Is it needed?", "kind": "yes-no"},
        {"id": "scale", "text": "How many people?", "kind": "choice", "choices": ["few", "many"]},
    ]
    template = {"name": "dpia", "title": "Assessment", "questions": questions, "maximum_residual_risk": 6}
    await world.post("scientist", "/v1/questionnaires", 403, template)
    assert (await world.post("steward", "/v1/questionnaires", 201, template))["version"] == 1
    assert (await world.post("steward", "/v1/questionnaires", 201, template))["version"] == 2
    await world.set_up(assessment_template="dpia")
    assert codes(await world.decide()) == ["assessment.valid"], "the plain one does not count"

    def risk(residual: int) -> dict[str, Any]:
        return {
            "description": "re-identification", "likelihood": 4, "severity": 4, "mitigation": "noise",
            "residual_likelihood": residual, "residual_severity": 3,
        }  # fmt: skip

    body = {
        "digest": world.digest, "acceptable": True, "summary": "s", "valid_until": later(world, days=9),
        "template": "dpia", "answers": {"necessity": True, "scale": "few"}, "risks": [risk(2)],
    }  # fmt: skip
    path = f"/v1/charters/{world.charter_id}/assessments"
    unanswered = await world.post("assessor", path, 422, body | {"answers": {"scale": "some", "extra": 1}})
    assert {reason["where"] for reason in unanswered["reasons"]} == {"necessity", "scale", "extra"}
    assert (await world.post("assessor", path, 422, body | {"risks": [risk(3)]}))["code"] == "risk-too-high"
    assert (await world.post("assessor", path, 201, body))["residual_risk"] == 6
    assert (await world.decide()).json()["verdict"] == "permit"
    world.now += 10 * DAY
    assert codes(await world.decide()) == ["assessment.valid"]


async def test_training_is_attested_by_somebody_else_and_runs_out(world: World) -> None:
    await world.set_up(required_training=["privacy-101"])
    assert codes(await world.decide()) == ["training.attested"]
    body = {"person": "scientist", "topic": "privacy-101", "evidence": "course", "valid_until": later(world, days=5)}
    await world.post("scientist", "/v1/attestations", 403, body)
    await world.post("steward", "/v1/attestations", 403, body | {"person": "steward"})
    await world.post("steward", "/v1/attestations", 201, body)
    assert (await world.decide()).json()["verdict"] == "permit"
    world.now += 6 * DAY
    assert codes(await world.decide()) == ["training.attested"]


async def test_a_model_is_reviewed_for_compliance(world: World) -> None:
    await world.make_charter()
    assert (await world.get("/v1/models/churn-2/compliance"))["state"] == "unreviewed"
    body = {"asset_ids": [MISSING], "use_case": "research", "owner": "counsel", "findings": "as chartered"}
    opened = await world.post("steward", "/v1/models/churn-2/compliance-reviews", 202, body)
    await world.post("steward", "/v1/models/churn-2/compliance-reviews", 409, body)
    await world.approve(opened["review_id"])
    assert (await world.get("/v1/models/churn-2/compliance"))["state"] == "approved"


async def test_a_configuration_is_approved_named_and_retired(world: World) -> None:
    await world.set_up(configurations=[{"library": "careful-mst"}])
    assert codes(await world.decide()) == ["configuration.approved"]
    outside = configuration(defaults={"epsilon": "2"})
    assert (await world.post("steward", "/v1/configurations", 422, outside))["code"] == "default-out-of-range"
    proposed = await world.post("steward", "/v1/configurations", 201, configuration())
    assert (await world.call("auditor", "GET", "/v1/configurations/careful-mst")).status_code == 404
    await world.approve(proposed["review_id"])
    assert (await world.get("/v1/configurations/careful-mst"))["document"]["defaults"]["iterations"] == 500
    assert (await world.decide(configuration="careful-mst")).json()["verdict"] == "permit"
    unknown = await world.decide(configuration="nobody-knows")
    assert codes(unknown) == ["configuration.library"]
    beyond = {"epsilon": "0.5", "delta": "0.000001", "iterations": 700}
    assert codes(await world.decide(configuration="careful-mst", parameters=beyond)) == [
        "parameters.in-range", "configuration.library",
    ]  # fmt: skip
    await world.post("steward", "/v1/configurations/careful-mst:retire", 204)
    assert codes(await world.decide()) == ["configuration.approved"]


async def test_a_rejection_criterion_refuses_by_itself_until_withdrawn(world: World) -> None:
    await world.set_up()
    body = {"name": "few-iterations", "expression": "parameters['iterations'] < 1000", "reason": "underfits"}
    await world.post("steward", "/v1/rejection-criteria", 422, body | {"expression": "iterations < 3"})
    made = await world.post("steward", "/v1/rejection-criteria", 201, body)
    await world.post("steward", "/v1/rejection-criteria", 409, body)
    refused = await world.decide()
    assert codes(refused) == ["configuration.rejected"]
    assert "underfits (by steward)" in refused.json()["clauses"][0]["actual"]
    await world.post("steward", f"/v1/rejection-criteria/{made['id']}:withdraw", 204)
    assert (await world.decide()).json()["verdict"] == "permit"
