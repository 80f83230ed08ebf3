"""What the public is told: no more than the charter discloses, of nobody by name, of no few."""

import html
import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lineage.conftest import World, event
from lineage.test_impact import LATER, told
from policy.examples import charter_document

from moneyer_lineage.public.rules import SMALLEST_COUNT, _assessed, about, published
from moneyer_lineage.public.use_cases import publish
from moneyer_shared.canonical import digest
from moneyer_shared.errors import Unavailable

CHARTER = str(uuid4())
PEOPLE = ("ada-the-owner", "ben-the-voter", "cy-the-requester", "dee-the-assessor")


class Evidence:
    """Policy and evaluation as lineage meets them."""

    def __init__(self, **charter: Any) -> None:
        self.charter = charter_document(owner=PEOPLE[0], **charter)
        self.heard: list[dict[str, str]] = []
        self.away = False

    async def dossier(self, asset_id: Any) -> dict[str, Any]:
        if self.away:
            raise Unavailable("away")
        plan = {"use_case": "research", "parameters": {"epsilon": "1"}, "rationale": "to study"}
        guarantee = {
            "level": "proven", "statement": "(1, 1e-6)-DP", "unit": "one person", "gaps": ["rows are counted"],
            "neighbouring": "add-or-remove one unit",
        }  # fmt: skip
        return {
            "charter": {"id": CHARTER, "version": 2, "digest": "sha256:c", "in_force_at": None, "document": self.charter},
            "charter_review": {"votes": [{"voter": PEOPLE[1], "function": "privacy", "verdict": "approve"}]},
            "assessments": [{"assessor": PEOPLE[3], "acceptable": True, "standing": "acceptable"}],
            "request": {
                "requester": PEOPLE[2], "plan": plan,
                "offer": {"guarantee": guarantee, "mechanism": {"kind": "zcdp", "rho": "0.02", "group_size": 1}},
            },
            "release": {"verdict": "released", "decided_at": "2026-01-01T00:00:00+00:00", "criteria": [{"met": True}]},
        }  # fmt: skip

    async def assays(self, asset_id: Any) -> list[dict[str, Any]]:
        return []

    async def feedback(self, *, about: str, message: str, key: str) -> None:
        if self.away:
            raise Unavailable("away")
        self.heard.append({"about": about, "message": message, "key": key})


def with_evidence(world: World, evidence: Evidence) -> Evidence:
    object.__setattr__(world.app.state.dependencies, "evidence", evidence)
    return evidence


def figure(metric: str, n: int) -> dict[str, Any]:
    return {"metric": metric, "value": "0.1", "lower": "0", "upper": "0.2", "n": n, "confidence": "0.95"}


async def made(world: World, verdict: str = "released", *, figures: str | None = "rounded") -> str:
    """An asset that was made, assayed and decided on."""
    asset, assay = await decided(world, verdict, figures=figures)
    await world.deliver(assay)
    return asset


async def decided(world: World, verdict: str = "released", *, figures: str | None = "rounded") -> tuple[str, Any]:
    """An asset that was made and decided on, and the event of its assay, which was not delivered yet."""
    asset = str(uuid4())
    generation = {
        "generator": "dpmm-mst", "engine_version": "1", "noise": "fresh", "transformations": [], "rows": 300,
        "digest": "sha256:aa", "guarantee": {"level": "proven"},
    }  # fmt: skip
    estimates = [figure("membership-auc", 1234), figure("membership-group-auc", SMALLEST_COUNT - 1)]
    parent = {"run": {"runId": asset}, "job": {"namespace": "n", "name": "j"}}
    await world.deliver(
        told(world, asset, inputs=["moneyer.source/s"], moneyer_generation=generation),
        told(world, asset, moneyer_charge={"permit": "p", "epsilon": "1", "delta": "0.000001"}),
        told(world, asset, moneyer_release={"verdict": verdict}),
    )
    world.clock.turn(minutes=1)
    assay = {"figures": figures, "estimates": estimates}
    return asset, event(str(uuid4()), [], [], parent=parent, moneyer_evaluation=assay)


async def read(world: World, path: str, status: int = 200) -> Any:
    answer = await world.call.bare("GET", f"/public{path}")
    assert answer.status_code == status, answer.text
    return answer.json() if answer.headers["content-type"].startswith("application/") else answer.text


async def test_a_card_waits_for_the_assay_that_its_release_cites(world: World) -> None:
    with_evidence(world, Evidence(disclosure="full"))
    asset, assay = await decided(world)
    assert await publish(world.app.state.dependencies) == 0
    await read(world, f"/v1/cards/{asset}", 404)
    await world.deliver(assay)
    assert await publish(world.app.state.dependencies) == 1
    assert (await read(world, f"/v1/cards/{asset}"))["figures"]


async def test_the_public_reads_what_the_charter_discloses(world: World) -> None:
    with_evidence(world, Evidence(disclosure="summary"))
    asset = await made(world)
    assert await publish(world.app.state.dependencies) == 1
    card = await read(world, f"/v1/cards/{asset}")
    assert card["privacy"]["epsilon"] == "1"
    assert card["privacy"]["flavor"].startswith("approximate")
    assert card["quality"] == {"verdict": "released", "criteria": 1, "criteria_met": 1}
    assert card["governance"]["approvals"] == {"privacy": 1}
    assert not {"figures", "implementation", "accounting"} & card.keys(), "tier 3 is for full disclosure"
    (charter,) = await read(world, "/v1/charters")
    assert await read(world, f"/v1/charters?after={CHARTER}") == []
    assert (charter["charter"], charter["version"], "acceptance" in charter) == (CHARTER, 2, False)
    log = (await world.call("auditor", "GET", "/v1/log/entries", params={"subject": f"asset:{asset}"})).json()
    assert json.loads(log[-1]["leaf"])["action"] == "card.publish"
    assert json.loads(log[-1]["leaf"])["details"]["digest"] == digest(card), "what is read is what was logged"


async def test_full_disclosure_gives_figures_but_of_no_few(world: World) -> None:
    with_evidence(world, Evidence(disclosure="full"))
    asset = await made(world)
    await publish(world.app.state.dependencies)
    card = await read(world, f"/v1/cards/{asset}")
    assert card["figures"] == [
        {"metric": "membership-auc", "value": "0.1", "lower": "0", "upper": "0.2", "confidence": "0.95", "n": "about 1200"},
        {"metric": "membership-group-auc", "withheld": f"over fewer than {SMALLEST_COUNT}"},
    ]  # fmt: skip
    assert card["privacy_detail"]["not_protected"] == ["rows are counted"]
    assert card["implementation"]["rationale"] == "to study"
    log = (await world.call("auditor", "GET", "/v1/log/entries", params={"subject": f"asset:{asset}"})).json()
    assert json.loads(log[-1]["leaf"])["details"]["full"] == digest(card), "what is read is what was logged"
    assert (await read(world, f"/v1/charters/{CHARTER}"))["acceptance"]


@pytest.mark.parametrize(
    ("standings", "assessed"),
    [
        (["acceptable"], True),
        (["acceptable", "refused"], False),
        (["superseded"], False),
        (["expired"], False),
        ([], False),
    ],
)
def test_a_card_says_assessed_only_where_somebody_accepts_and_nobody_refuses(
    standings: list[str], assessed: bool
) -> None:
    assert _assessed([{"standing": standing} for standing in standings]) == assessed


@pytest.mark.parametrize("level", ("none", None))
async def test_what_is_not_disclosed_is_not_there(world: World, level: str | None) -> None:
    with_evidence(world, Evidence(**({"disclosure": level} if level else {})))
    asset = await made(world)
    assert await publish(world.app.state.dependencies) == 1
    await read(world, f"/v1/cards/{asset}", 404)
    await read(world, f"/v1/charters/{CHARTER}", 404)
    assert await read(world, "/v1/cards") == []
    assert asset not in await read(world, "")
    assert (await read(world, "/v1/figures"))["assets"] == {}
    refused = await world.call.bare("POST", f"/public/v1/cards/{asset}/feedback", json={"message": "hello"})
    assert refused.status_code == 404


@pytest.mark.parametrize("level", ("summary", "full"))
async def test_nobody_is_named(world: World, level: str) -> None:
    with_evidence(world, Evidence(disclosure=level))
    asset = await made(world)
    await publish(world.app.state.dependencies)
    for path in (f"/v1/cards/{asset}", "/v1/cards", "/v1/charters", f"/v1/charters/{CHARTER}", "", f"/assets/{asset}"):
        said = json.dumps(await read(world, path))
        assert not [person for person in PEOPLE if person in said], path


async def test_what_never_left_quarantine_has_no_card(world: World) -> None:
    with_evidence(world, Evidence(disclosure="full"))
    asset = await made(world, "rejected")
    assert await publish(world.app.state.dependencies) == 1
    await read(world, f"/v1/cards/{asset}", 404)
    assert await publish(world.app.state.dependencies) == 0, "and nobody looks again"


async def test_a_card_follows_its_asset_and_waits_for_those_who_are_away(world: World) -> None:
    evidence = with_evidence(world, Evidence(disclosure="summary"))
    first, second = await made(world), str(uuid4())
    await world.deliver(told(world, second, moneyer_release={"verdict": "released"}))
    assert await publish(world.app.state.dependencies) == 1, "one whose table was not told of yet holds nobody up"
    world.clock.turn(minutes=1)
    await world.deliver(told(world, first, moneyer_assetChange=LATER | {"change": "withdrawn", "substitute": second}))
    evidence.away = True
    assert await publish(world.app.state.dependencies) == 0
    assert (await read(world, f"/v1/cards/{first}"))["state"] == "released"
    evidence.away = False
    assert await publish(world.app.state.dependencies) == 1
    card = await read(world, f"/v1/cards/{first}")
    assert (card["state"], card["substitute"]) == ("withdrawn", second)
    page = await read(world, f"/assets/{first}")
    assert f"/public/assets/{second}" in page


async def test_counts_of_few_are_not_told(world: World) -> None:
    with_evidence(world, Evidence(disclosure="summary"))
    for number in range(5):
        await made(world)
        await publish(world.app.state.dependencies)
        counted = (await read(world, "/v1/figures"))["assets"]["released"]
        assert counted == (5 if number == 4 else None)


# --- the page and what is said under it ---------------------------------------------------------


async def test_a_page_runs_nothing_and_shows_text_as_text(world: World) -> None:
    hostile = "<script>alert(1)</script>"
    with_evidence(world, Evidence(disclosure="full", title=hostile, purpose=hostile))
    asset = await made(world)
    await publish(world.app.state.dependencies)
    for path in ("", f"/assets/{asset}"):
        answer = await world.call.bare("GET", f"/public{path}")
        assert hostile not in answer.text
        assert html.escape(hostile) in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "script" not in answer.headers["content-security-policy"]


async def test_the_form_reaches_the_committee(world: World) -> None:
    evidence = with_evidence(world, Evidence(disclosure="summary"))
    asset = await made(world)
    await publish(world.app.state.dependencies)
    sent = await world.call.bare("POST", f"/public/assets/{asset}", data={"message": "Ages look odd ✓"})
    assert (sent.status_code, sent.headers["location"]) == (303, f"/public/assets/{asset}?heard=true")
    assert "the committee has it" in await read(world, f"/assets/{asset}?heard=true")
    path, headers = f"/public/v1/cards/{asset}/feedback", {"Idempotency-Key": "1"}
    for _ in range(2):
        assert (await world.call.bare("POST", path, json={"message": "b"}, headers=headers)).status_code == 202
    assert [one["message"] for one in evidence.heard] == ["Ages look odd ✓", "b"]
    assert evidence.heard[1]["key"] != evidence.heard[0]["key"]


async def test_what_strangers_send_is_bounded(world: World) -> None:
    evidence = with_evidence(world, Evidence(disclosure="summary"))
    asset = await made(world)
    await publish(world.app.state.dependencies)
    path = f"/public/v1/cards/{asset}/feedback"
    answers = [(await world.call.bare("POST", path, json={"message": str(number)})).status_code for number in range(30)]
    assert answers == [202] * 20 + [429] * 10
    world.clock.now += timedelta(minutes=1)
    assert (await world.call.bare("POST", path, json={"message": "later"})).status_code == 202
    world.clock.now += timedelta(minutes=1)
    evidence.away = True
    assert (await world.call.bare("POST", path, json={"message": "lost"})).status_code == 503, "and is told so"
    form = f"/public/assets/{asset}"
    for content, kind, status in (
        (b"message=", "application/x-www-form-urlencoded", 422),
        (b"message=" + b"x" * 5000, "application/x-www-form-urlencoded", 422),
        (b"\xff", "application/x-www-form-urlencoded", 422),
        (b"&".join([b"message=a"] * 50), "application/x-www-form-urlencoded", 422),
        (b"message=" + b"x" * 70_000, "application/x-www-form-urlencoded", 413),
        (b"{}", "application/json", 415),
    ):
        answer = await world.call.bare("POST", form, content=content, headers={"Content-Type": kind})
        assert answer.status_code == status


@given(st.integers(0, 10**9))
def test_a_count_is_told_roughly(count: int) -> None:
    said = int(about(count).removeprefix("about "))
    assert abs(said - count) <= max(0.06 * count, 0)
    assert len(str(said).rstrip("0")) <= 2


@given(st.lists(st.integers(0, 100)))
def test_no_figure_over_few_is_published(counts: list[int]) -> None:
    shown = published({"figures": "rounded", "estimates": [figure("m", n) for n in counts]})
    assert [("value" in one) for one in shown] == [n >= SMALLEST_COUNT for n in counts]
