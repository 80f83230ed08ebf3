"""Numbers that some readers take for another number: what dodges a comparison, or changes on the way."""

import json
from typing import Any
from uuid import uuid4

import pytest
from attacks.conftest import Service
from generation.intake.conftest import CSV
from policy.conftest import World
from policy.examples import charter_document

LENIENT = [
    "１", "1_0", "1e0", " 1", "1 ", "+1", "٣", "01", ".5", "1.", "1,0", "0x1", "1E-1", "\t1", "1\n", "1٠", "−1", "1\u00a0",
    "Infinity", "NaN", "-NaN", "sNaN", "inf", "1e-2", "0_1", "¹", "-0.0e0",
]  # fmt: skip


@pytest.mark.parametrize("number", LENIENT)
async def test_a_parameter_that_only_some_readers_take_for_a_number_is_refused(policy: World, number: str) -> None:
    await policy.set_up()
    answer = await policy.decide(parameters={"epsilon": number, "delta": "0.000001", "iterations": 500})
    assert answer.status_code == 422, answer.text
    assert await policy.sql("SELECT id FROM decisions") == []


async def test_one_number_has_one_form_however_it_is_written(policy: World) -> None:
    await policy.set_up()
    digests = set()
    for number in ("0.5", "0.50", "0.500000"):
        parameters = {"epsilon": number, "delta": "0.000001", "iterations": 500}
        digests.add((await policy.decide(parameters=parameters)).json()["plan_digest"])
    assert len(digests) == 1


@pytest.mark.parametrize("written", ["0.50", "0.500"])
async def test_a_rejection_is_not_dodged_by_a_zero_more(policy: World, written: str) -> None:
    await policy.set_up()
    body = {"name": "half", "expression": "parameters['epsilon'] == '0.5'", "reason": "known to leak"}
    made = await policy.call("steward", "POST", "/v1/rejection-criteria", json=body)
    assert made.status_code == 201, made.text
    review = made.json().get("review_id")
    assert review is None or review
    answer = await policy.decide(parameters={"epsilon": written, "delta": "0.000001", "iterations": 500})
    plain = await policy.decide(parameters={"epsilon": "0.5", "delta": "0.000001", "iterations": 500})
    assert answer.json()["verdict"] == plain.json()["verdict"]


async def test_a_list_of_numbers_holds_them_however_they_are_written(policy: World) -> None:
    ranges = {
        "epsilon": {"one_of": ["0.50", "1"]},
        "delta": {"one_of": ["0.000001"]},
        "iterations": {"minimum": "100", "maximum": "10000"},
    }
    await policy.set_up(configurations=[{"generator": "dpmm-mst", "parameters": ranges}])
    for number, verdict in (("0.5", "permit"), ("0.500", "permit"), ("1.0", "permit"), ("0.51", "deny")):
        answer = await policy.decide(parameters={"epsilon": number, "delta": "0.0000010", "iterations": 500})
        assert answer.json()["verdict"] == verdict, number


@pytest.mark.parametrize("number", LENIENT)
async def test_no_amount_of_a_charter_is_written_so(policy: World, number: str) -> None:
    for change in (
        {"acceptance": [{"metric": "membership-auc", "at_most": number}]},
        {"blending": {"maximum_share": number}},
        {"expires_at": charter_document()["expires_at"].replace("20", number, 1)},
        {"revalidate_by": charter_document()["revalidate_by"] + "\n"},
    ):
        answer = await policy.call("scientist", "POST", "/v1/charters", json=charter_document(**change))
        assert answer.status_code == 422, (change, answer.text)
    ranges = {"epsilon": {"minimum": "0", "maximum": number}}
    document = charter_document(configurations=[{"generator": "dpmm-mst", "parameters": ranges}])
    assert (await policy.call("scientist", "POST", "/v1/charters", json=document)).status_code == 422


@pytest.mark.parametrize("number", [*LENIENT, 1, 1.0, True])
async def test_no_budget_is_written_so(policy: World, number: Any) -> None:
    body = {"name": "p", "privacy_unit": "one row", "epsilon": number, "delta": "0.00001"}
    assert (await policy.call("steward", "POST", "/v1/populations", json=body)).status_code == 422
    assert await policy.sql("SELECT id FROM populations") == []


@pytest.mark.parametrize("number", [*LENIENT, 7.0, "7", True])
async def test_no_whole_number_is_text_a_fraction_or_a_truth(policy: World, number: Any) -> None:
    await policy.set_up()
    request = policy.request() | {}
    request["plan"]["rows"] = number
    answer = await policy.decide(request)
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("truth", ["yes", "on", 1, "true", "1"])
async def test_no_truth_is_a_word_or_a_number(policy: World, truth: Any) -> None:
    """An assessment that says neither true nor false says nothing."""
    made = (await policy.call("scientist", "POST", "/v1/charters", json=charter_document())).json()
    body = {"digest": made["digest"], "acceptable": truth, "summary": "s", "valid_until": "2099-01-01T00:00:00Z"}
    answer = await policy.call("assessor", "POST", f"/v1/charters/{made['id']}/assessments", json=body)
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize(
    "moment", [4102444800, 4102444800000, "4102444800", "2099-01-01", 4102444800.0, "20990101T00Z"]
)
async def test_no_time_is_a_number_of_something(policy: World, moment: Any) -> None:
    """Seconds or milliseconds: readers guess by how large it is."""
    made = (await policy.call("scientist", "POST", "/v1/charters", json=charter_document())).json()
    body = {"digest": made["digest"], "acceptable": True, "summary": "s", "valid_until": moment}
    answer = await policy.call("assessor", "POST", f"/v1/charters/{made['id']}/assessments", json=body)
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("number", ["+1", "1_0", "%201", "1%20", "1.0", "１", "01"])
async def test_no_question_is_numbered_so(services: dict[str, Service], number: str) -> None:
    for name, path in (
        ("policy", "/v1/committee?version="),
        ("lineage", "/v1/log/entries?after="),
        ("lineage", "/api/v1/namespaces/jobs/jobs?limit="),
    ):
        answer = await services[name].send("GET", path + number.replace("+", "%2B"))
        assert answer.status_code in {404, 422}, (path, number, answer.status_code)


@pytest.mark.parametrize("number", [*LENIENT, True, "0.1_0"])
async def test_no_figure_of_an_assay_is_written_so(policy: World, number: Any) -> None:
    if number in {"1e0", "1E-1", "1e-2", "-0.0e0"}:
        return  # the exponents of JSON are numbers of a figure, which is a statistic and no budget
    estimate = {
        "metric": "m",
        "value": number,
        "lower": "0",
        "upper": "1",
        "n": 1,
        "method": "m",
        "confidence": "0.95",
        "seed": 1,
    }
    body = {"asset_id": str(uuid4()), "assay_id": str(uuid4()), "estimates": [estimate]}
    headers = {"Idempotency-Key": uuid4().hex}
    answer = await policy.call("evaluation", "POST", "/v1/releases", json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), answer.text


@pytest.mark.parametrize(
    ("kind", "cells"),
    [
        ("decimal", ["1_0", "٣", "+1", "1e1", "01", ".5"]),
        ("date", ["2020-W01-1", "20200101", "2020-1-1", "２020-01-01"]),
        ("timestamp", ["2020-01-01x10:00:00", "20200101T100000", "2020-01-01T10", "2020-W01-1T10:00:00"]),
        ("time", ["1000", "10", "10:0", "T10:00"]),
    ],
)
async def test_no_cell_of_an_upload_is_read_so(intake: Any, kind: str, cells: list[str]) -> None:
    ends = {
        "decimal": ("0", "100"), "date": ("2000-01-01", "2030-01-01"), "time": ("00:00:00", "23:59:59"),
        "timestamp": ("2000-01-01T00:00:00", "2030-01-01T00:00:00"),
    }  # fmt: skip
    domain = {"kind": kind, "minimum": ends[kind][0], "maximum": ends[kind][1]}
    made = await intake.declare(columns=[{"name": "x", "domain": domain}], privacy_unit={})
    assert made.status_code == 201, made.text
    for cell in cells:
        answer = await intake.upload(("x\n" + f"{cell}\n" * 20).encode(), CSV)
        told = [reason["code"] for reason in answer.json().get("reasons", [])]
        assert (answer.status_code, told) == (422, ["value-unreadable"]), cell
    assert await intake.nothing_was_stored()


async def test_no_bound_of_a_domain_is_written_so(intake: Any) -> None:
    for domain in (
        {"kind": "integer", "minimum": "0", "maximum": 5},
        {"kind": "integer", "minimum": 0, "maximum": 5.0},
        {"kind": "integer", "minimum": False, "maximum": 5},
        {"kind": "number", "minimum": "0", "maximum": 5},
        {"kind": "decimal", "minimum": "0", "maximum": "1_0"},
        {"kind": "decimal", "minimum": "0", "maximum": "１"},
        {"kind": "date", "minimum": 0, "maximum": "2020-01-01"},
        {"kind": "date", "minimum": "0", "maximum": "2020-01-01"},
        {"kind": "timestamp", "minimum": 0, "maximum": "2020-01-01T00:00:00"},
        {"kind": "time", "minimum": 60, "maximum": "10:00:00"},
    ):
        made = await intake.declare(columns=[{"name": "x", "domain": domain}], privacy_unit={})
        assert made.status_code == 422, (domain, json.dumps(made.json()))
