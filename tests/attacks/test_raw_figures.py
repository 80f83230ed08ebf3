"""A requester reads what was computed from real people to the last digit, wherever such figures are told."""

import json
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from evaluation.conftest import World as Evaluation
from evaluation.test_measures import population
from generation.intake.conftest import World as Intake
from generation.intake.conftest import csv, rows
from lineage.conftest import World as Lineage
from lineage.test_cards import Evidence, made, with_evidence
from policy.conftest import World as Policy
from policy.test_models import again, paid
from policy.test_release_api import paid_run
from sqlalchemy import text

from moneyer_evaluation.use_cases.assays import carry_assay
from moneyer_evaluation.use_cases.looks import take_look
from moneyer_lineage.public.use_cases import publish
from moneyer_local.identity import PEOPLE, SERVICES
from moneyer_shared.contracts.generation import HeldVersion
from moneyer_shared.figures import about, figure_of

TRAIN, HOLDOUT, OTHER = population(800, 1), population(800, 2), population(800, 3)
ANSWERING = {
    "assessor", "privacy-officer", "security-officer", "counsel", "product-lead", "lead-scientist", "auditor", "steward",
}  # fmt: skip
OTHERS = ("scientist", "admin")
RAW = {"metric": "membership-auc", "value": "0.523817", "lower": "0.501234", "upper": "0.543217", "n": 1234}
DIGITS = ("523817", "501234", "543217", "1234", "0.0432")


def estimate(upper: str = "0.543217") -> dict[str, Any]:
    return RAW | {"upper": upper, "method": "m", "confidence": "0.95", "seed": 0}


async def decided(world: Policy, asset: str, upper: str = "0.543217") -> None:
    body = {"asset_id": asset, "assay_id": str(uuid4()), "estimates": [estimate(upper)]}
    answer = await world.call("evaluation", "POST", "/v1/releases", json=body, headers={"Idempotency-Key": asset})
    assert answer.status_code == 201, answer.text


def tells_digits(document: Any) -> list[str]:
    written = document if isinstance(document, str) else json.dumps(document)
    return [digits for digits in DIGITS if digits in written]


def test_only_who_answers_for_the_people_holds_the_right() -> None:
    held = {name for name, scope in {**PEOPLE, **SERVICES}.items() if "raw:read" in scope}
    assert held == ANSWERING


# --- evaluation -------------------------------------------------------------------------------------


async def assayed(world: Evaluation, asset: Any = OTHER, suite: str = "standard-1") -> dict[str, Any]:
    """An assay as those who may read it raw see it."""
    asset_id = await world.assayed(TRAIN, HOLDOUT, asset, suite=suite)
    (shown,) = (await world.call("auditor", "GET", f"/v1/assays?asset={asset_id}")).json()
    assert shown["state"] == "done", shown
    assert shown["figures"] == "raw"
    return shown


def check_rounded(shown: dict[str, Any], raw: dict[str, Any]) -> None:
    assert shown["figures"] == "rounded"
    before = {one["metric"]: one for one in raw["estimates"]}
    assert [one["metric"] for one in shown["estimates"]] == list(before)
    for one in shown["estimates"]:
        told = figure_of(before[one["metric"]])
        assert told is not None
        assert (Decimal(one["value"]), Decimal(one["lower"]), Decimal(one["upper"]), one["n"]) == (
            told.value, told.lower, told.upper, told.n,
        )  # fmt: skip
        assert one.get("details", {}) == {}, "histograms and groups are counts of people"


@pytest.mark.parametrize("person", [*OTHERS, "generation", "lineage"])
async def test_an_assay_is_rounded_for_others(evaluation: Evaluation, person: str) -> None:
    raw = await assayed(evaluation)
    check_rounded((await evaluation.call(person, "GET", f"/v1/assays/{raw['id']}")).json(), raw)
    (listed,) = (await evaluation.call(person, "GET", f"/v1/assays?asset={raw['asset_id']}")).json()
    check_rounded(listed, raw)


@pytest.mark.parametrize("person", sorted(ANSWERING))
async def test_who_answers_for_the_people_reads_it_raw(evaluation: Evaluation, person: str) -> None:
    raw = await assayed(evaluation, suite="copies-1")
    shown = (await evaluation.call(person, "GET", f"/v1/assays/{raw['id']}")).json()
    assert shown == raw
    assert all(len(one["value"].partition(".")[2]) == 6 for one in shown["estimates"])


async def test_the_page_tells_no_more_than_the_document(evaluation: Evaluation) -> None:
    raw = await assayed(evaluation)
    page = (await evaluation.call("scientist", "GET", f"/v1/assays/{raw['id']}/report")).text
    full = (await evaluation.call("counsel", "GET", f"/v1/assays/{raw['id']}/report")).text
    digits = {
        one[end] for one in raw["estimates"] for end in ("value", "lower", "upper") if len(one[end].strip("0.")) > 3
    }
    assert digits
    short = {f"{float(one):.4f}" for one in digits}
    assert any(one in full for one in digits | short)
    assert not any(one in page for one in digits | short)
    assert "polyline" not in page, "a curve is a count at every threshold"


async def test_a_table_of_one_row_answers_no_counting_query(evaluation: Evaluation) -> None:
    evaluation.peers.figures = "withheld"
    raw = await assayed(evaluation, OTHER.slice(0, 1), suite="standard-1")
    assert raw["estimates"], "a committee sees it"
    shown = (await evaluation.call("scientist", "GET", f"/v1/assays/{raw['id']}")).json()
    assert (shown["figures"], shown["estimates"], shown["power_notes"], shown["not_estimable"]) == (
        "withheld",
        [],
        [],
        [],
    )
    assert shown["verdict"] == "released"
    page = (await evaluation.call("scientist", "GET", f"/v1/assays/{raw['id']}/report")).text
    assert "are not shown" in page


async def test_an_assay_of_unknown_telling_is_withheld(evaluation: Evaluation) -> None:
    raw = await assayed(evaluation, suite="copies-1")
    async with evaluation.dependencies.database.transaction() as connection:
        await connection.execute(text("UPDATE assays SET figures = NULL"))
    assert (await evaluation.call("scientist", "GET", f"/v1/assays/{raw['id']}")).json()["estimates"] == []


async def test_a_look_again_is_rounded_too(evaluation: Evaluation) -> None:
    raw = await assayed(evaluation, suite="copies-1")
    body = {"suite": "standard-1", "assets": [raw["asset_id"]]}
    made = await evaluation.send("POST", "/v1/reassays", 202, body)
    again_id = made["assays"][raw["asset_id"]]
    await carry_assay(evaluation.flow, UUID(again_id))
    before = (await evaluation.call("steward", "GET", f"/v1/assays/{again_id}")).json()
    check_rounded((await evaluation.call("scientist", "GET", f"/v1/assays/{again_id}")).json(), before)


async def test_what_monitors_saw_is_rounded(evaluation: Evaluation) -> None:
    raw = await assayed(evaluation, suite="copies-1")
    declaration = (await _request(evaluation, raw["asset_id"]))["declaration"]
    version = uuid4()
    evaluation.peers.held = HeldVersion.model_validate(
        {
            "source_id": str(evaluation.source_id), "version_id": str(version), "declaration": declaration, "key_id": str(uuid4()), "uploaded_at": "2026-11-01T00:00:00Z",
            "train_object": evaluation.seal(f"{version}/train", population(700, 9)),
            "holdout_object": evaluation.seal(f"{version}/holdout", population(700, 10)),
        }
    )  # fmt: skip
    terms = {"kind": "source", "limits": {"drift-auc": "0.1"}}
    made = await evaluation.send(
        "POST", "/v1/monitors", 201, {"name": "m", "asset_id": raw["asset_id"], "terms": terms}
    )
    await take_look(evaluation.flow, UUID(made["id"]))
    (before,) = (await evaluation.call("auditor", "GET", f"/v1/monitors/{made['id']}/looks")).json()
    (shown,) = (await evaluation.call("scientist", "GET", f"/v1/monitors/{made['id']}/looks")).json()
    check_rounded(shown, before)
    assert before["breaches"], "the first look breached its limit"
    raw_ends = {before["breaches"][0][end] for end in ("value", "lower", "upper", "shortfall")}
    assert not raw_ends & {str(value) for value in shown["breaches"][0].values()}
    assert not any(one in shown["breaches"][0]["actual"] for one in raw_ends)


async def _request(world: Evaluation, asset: str) -> Any:
    async with world.dependencies.database.transaction() as connection:
        found = await connection.execute(text("SELECT request FROM assays WHERE asset_id = :a"), {"a": asset})
        return found.scalars().first()


async def test_what_goes_to_the_record_is_rounded(evaluation: Evaluation) -> None:
    raw = await assayed(evaluation)
    async with evaluation.dependencies.database.transaction() as connection:
        told = (await connection.execute(text("SELECT payload FROM outbox ORDER BY id"))).scalars().all()
    written = json.dumps(told)
    digits = {
        one[end] for one in raw["estimates"] for end in ("value", "lower", "upper") if len(one[end].strip("0.")) > 3
    }
    assert digits
    assert not [one for one in digits if one in written]
    (event,) = [one for one in told if "moneyer_evaluation" in json.dumps(one)]
    check_rounded(event["run"]["facets"]["moneyer_evaluation"], raw)


# --- policy -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", [*OTHERS, "dashboard", "generation", "lineage"])
async def test_a_release_says_met_or_missed_by_rounded_figures(policy: Policy, person: str) -> None:
    await policy.set_up(acceptance=[{"metric": "membership-auc", "at_most": "0.5"}])
    asset = await paid_run(policy)
    await decided(policy, asset)
    raw = await policy.get(f"/v1/assets/{asset}/release", "auditor")
    assert tells_digits(raw) == list(DIGITS)
    shown = await policy.get(f"/v1/assets/{asset}/release", person)
    assert tells_digits(shown) == []
    assert shown["figures"] == "rounded"
    (criterion,) = shown["criteria"]
    assert (criterion["met"], criterion["shortfall"], criterion["n"]) == (False, "0.05", 1200)
    if person == "lineage":
        assert tells_digits((await policy.get(f"/v1/assets/{asset}/dossier", person))["release"]) == []


async def test_a_pinned_or_tiny_table_says_met_or_missed_and_no_more(policy: Policy) -> None:
    shape = {"strata": [{"name": "s", "share": "1", "where": [{"column": "sex", "one_of": ["m"]}]}]}
    for plan in ({"rows": 99}, {"rows": 5_000, "shape": shape}):
        await policy.set_up()
        first, _ = await paid(policy)
        request = again(policy, first, **plan)
        decision = (await policy.decide(request)).json()
        await policy.redeem(decision, key=request["run_id"])
        opened = await policy.call(
            "evaluation",
            "POST",
            f"/v1/permits/{decision['permit']['id']}:open-for-assay",
            json={"asset_id": request["run_id"]},
        )
        assert opened.json()["figures"] == "withheld"
        await policy.settle(decision)
        await decided(policy, request["run_id"])
        shown = await policy.get(f"/v1/assets/{request['run_id']}/release", "scientist")
        (criterion,) = shown["criteria"]
        assert (shown["figures"], criterion["actual"], criterion["shortfall"], criterion["value"]) == (
            "withheld", "met", None, None,
        )  # fmt: skip


async def test_a_review_of_figures_is_read_raw_by_its_voters_alone(policy: Policy) -> None:
    vote = {"stages": [{"name": "s", "counts": {"legal": 1}}]}
    await policy.set_up(reviews={"release": vote})
    asset = await paid_run(policy)
    await decided(policy, asset)
    (opened,) = await policy.get("/v1/reviews?kind=release")
    assert tells_digits(opened["document"])
    for path in ("/v1/reviews?kind=release", f"/v1/reviews/{opened['id']}"):
        assert tells_digits(await policy.get(path, "scientist")) == []
    await policy.approve(opened["id"])


async def test_a_finding_is_told_as_its_figures_are(policy: Policy) -> None:
    await policy.set_up()
    asset = await paid_run(policy)
    await decided(policy, asset)
    body = {"asset_id": asset, "cause": "re-assay", "evidence": str(uuid4()), "estimates": [estimate("0.6432170")]}
    answer = await policy.call("evaluation", "POST", "/v1/findings", json=body, headers={"Idempotency-Key": "f"})
    assert answer.json()["verdict"] == "review"
    (opened,) = await policy.get("/v1/reviews?kind=finding")
    assert tells_digits(opened["document"])
    assert tells_digits(await policy.get("/v1/reviews?kind=finding", "scientist")) == []


async def test_what_policy_tells_the_record_is_rounded(policy: Policy) -> None:
    await policy.set_up()
    asset = await paid_run(policy)
    await decided(policy, asset)
    body = {"asset_id": asset, "cause": "re-assay", "evidence": str(uuid4()), "estimates": [estimate("0.6432170")]}
    await policy.call("evaluation", "POST", "/v1/findings", json=body, headers={"Idempotency-Key": "f"})
    told = [row["payload"] for row in await policy.sql("SELECT payload::text FROM outbox")]
    assert any("moneyer_release" in one for one in told)
    assert any("moneyer_finding" in one for one in told)
    assert [found for one in told for found in tells_digits(one) if found != "1234"] == []


# --- lineage ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("telling", "shown"), [(None, 0), ("withheld", 0), ("raw", 0), ("rounded", 2)])
async def test_strangers_read_no_figure_that_was_not_rounded(lineage: Lineage, telling: str | None, shown: int) -> None:
    with_evidence(lineage, Evidence(disclosure="full"))
    asset = await made(lineage, figures=telling)
    await publish(lineage.app.state.dependencies)
    card = (await lineage.call.bare("GET", f"/public/v1/cards/{asset}")).json()
    assert card["privacy"]["guarantee"] == "proven"
    assert len(card["figures"]) == shown


# --- generation -------------------------------------------------------------------------------------


async def test_how_many_people_a_source_is_of_is_told_roughly(intake: Intake) -> None:
    sent = await intake.upload(csv(rows(143)))
    assert sent.json()["train_rows"] + sent.json()["holdout_rows"] == 143, "who uploaded it knows"
    (shown,) = (await intake.call("scientist", "GET", f"/v1/sources/{intake.source_id}/versions")).json()
    for name in ("train_rows", "holdout_rows", "sealed_bytes"):
        assert shown[name] == about(sent.json()[name])
    assert shown["train_rows"] != sent.json()["train_rows"]
    (exact,) = (await intake.call("steward", "GET", f"/v1/sources/{intake.source_id}/versions")).json()
    assert exact["train_rows"] == sent.json()["train_rows"]
