"""Models that were trained on assets: registered, trained, measured, and held beside what was decided."""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lineage.conftest import World, event
from lineage.test_impact import impact, released, train
from lineage.test_outcomes import story
from scipy.stats import spearmanr

from moneyer_lineage.models.rules.performance import Point, chart, sides, with_epsilon
from moneyer_lineage.models.use_cases import performance

AT = datetime(2026, 3, 1, tzinfo=UTC)


def figure(value: float, *, day: int = 0, **more: Any) -> dict[str, Any]:
    at = (AT + timedelta(days=day)).isoformat()
    return {"metric": "test/accuracy", "measured_at": at, "value": value} | more


async def measure(world: World, model: str, *figures: dict[str, Any], version: str = "1") -> Any:
    path = f"/v1/models/{model}/versions/{version}/metrics"
    return await world.call("scientist", "POST", path, json={"figures": list(figures)})


async def test_a_model_is_registered_trained_and_found_by_its_asset(world: World) -> None:
    first, second = await released(world), await released(world)
    assert (await train(world, "scientist", "churn", [first])).status_code == 204
    (shown,) = (await world.call("auditor", "GET", "/v1/models")).json()
    assert (shown["name"], shown["owner"]) == ("churn", "scientist")
    assert (await train(world, "scientist", "churn", [second, first])).status_code == 204, "told again, it adds"
    (version,) = (await world.call("auditor", "GET", "/v1/models/churn/versions")).json()
    assert set(version["assets"]) == {first, second}
    for asset in (first, second):
        assert [one["model"] for one in (await impact(world, asset))["models"]] == ["churn"]
    record = (await world.call("auditor", "GET", "/v1/log/entries", params={"subject": "model:churn"})).json()
    assert [entry["leaf"].count("model.train") for entry in record] == [0, 1, 1]


async def test_telling_the_same_again_changes_nothing(world: World) -> None:
    asset = await released(world)
    for _ in range(2):
        assert (await train(world, "scientist", "churn", [asset])).status_code == 204
    assert await world.count("leaves") == 2
    assert await world.count("events WHERE event -> 'job' ->> 'name' = 'model.train/churn'") == 1


async def test_an_unknown_asset_or_model_is_named_and_nothing_is_kept(world: World) -> None:
    asset, stranger = await released(world), str(uuid4())
    answer = await train(world, "scientist", "churn", [asset, stranger])
    assert (answer.status_code, answer.json()["code"]) == (404, "asset-unknown")
    assert stranger in answer.json()["detail"]
    assert asset not in answer.json()["detail"]
    assert await world.count("model_versions") == 0
    body = {"assets": [asset], "trained_at": AT.isoformat()}
    assert (await world.call("scientist", "PUT", "/v1/models/none/versions/1", json=body)).status_code == 404
    assert (await world.call("auditor", "PUT", "/v1/models/churn", json={})).status_code == 403


async def test_only_its_owner_hands_a_model_over(world: World) -> None:
    await world.call("scientist", "PUT", "/v1/models/churn", json={})
    taken = await world.call("lead-scientist", "PUT", "/v1/models/churn", json={})
    assert (taken.status_code, taken.json()["code"]) == (403, "not-yours")
    given_over = await world.call("scientist", "PUT", "/v1/models/churn", json={"owner": "lead-scientist"})
    assert given_over.json()["owner"] == "lead-scientist"
    assert (await world.call("scientist", "PUT", "/v1/models/churn", json={})).status_code == 403


async def test_figures_are_kept_over_time_and_by_subgroup_and_once(world: World) -> None:
    await train(world, "scientist", "churn", [await released(world)])
    women = figure(0.7, subgroup="sex=female", lower=0.6, upper=0.8, n=40)
    for _ in range(2):
        answer = await measure(world, "churn", figure(0.8), figure(0.75, day=7), women)
        assert answer.json() == {"kept": 3}
    path = "/v1/models/churn/versions/1/metrics"
    shown = (await world.call("auditor", "GET", path, params={"subgroup": ""})).json()
    assert [one["value"] for one in shown] == [0.8, 0.75]
    (shown,) = (await world.call("auditor", "GET", path, params={"subgroup": "sex=female"})).json()
    assert (shown["lower"], shown["upper"], shown["n"]) == (0.6, 0.8, 40)
    changed = await measure(world, "churn", figure(0.9), figure(0.1, day=9))
    assert (changed.status_code, changed.json()["code"]) == (409, "figure-changed")
    assert await world.count("model_metrics") == 3, "none of a batch with a changed figure is kept"


@pytest.mark.parametrize(
    "bad",
    (
        figure(0.5, lower=0.6), figure(0.5, upper=0.4), figure(0.5, n=0), figure(0.5, metric=""),
        figure(0.5) | {"value": "NaN"}, figure(0.5) | {"measured_at": "2026-01-01T00:00:00"},
    ),
)  # fmt: skip
async def test_a_figure_that_is_none_is_refused(world: World, bad: dict[str, Any]) -> None:
    await train(world, "scientist", "churn", [await released(world)])
    assert (await measure(world, "churn", bad)).status_code == 422
    assert (await measure(world, "churn", figure(0.5), figure(0.6))).status_code == 422, "one time, two values"


# --- governance beside performance -------------------------------------------------------------


async def test_performance_stands_beside_what_was_decided(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four assets of ε 1, 2, 3, 5; the first was rejected, so only an evaluation judged it."""
    await world.deliver(
        *story(1, "dpmm-mst", gap="0.30", verdict="rejected"),
        *story(2, "dpmm-mst", gap="0.20", verdict="released"),
        *story(3, "dpmm-mst", gap="0.10", verdict="released"),
        *story(5, "aim", gap="0.05", verdict="released"),
        *story(6, "aim", gap="0.04", verdict="released"),
    )
    for number, value in ((2, 0.7), (3, 0.72), (5, 0.71), (6, 0.8)):
        await train(world, "scientist", f"m{number}", [str(UUID(int=100 + number))])
        await measure(world, f"m{number}", figure(0.1), figure(value, day=1), figure(0.2, subgroup="sex=female"))
    query = {"metric": "test/accuracy"}
    found = (await world.call("auditor", "GET", "/v1/performance", params=query)).json()
    assert {one["model"]: (one["epsilon"], one["value"]) for one in found["points"]} == {
        "m2": (2, 0.7), "m3": (3, 0.72), "m5": (5, 0.71), "m6": (6, 0.8),
    }, "the last figure counts, of everybody"  # fmt: skip
    assert found["with_epsilon"]["value"] == pytest.approx(0.8)
    assert {one["generator"]: one["median"] for one in found["sides"]} == {"aim": 0.755, "dpmm-mst": 0.71}
    assert found["judged"] == [
        {"verdict": "rejected", "n": 1, "median": 0.3},
        {"verdict": "released", "n": 4, "median": pytest.approx(0.075)},
    ], "the rejected did worse"
    earlier = query | {"until": (AT + timedelta(hours=1)).isoformat(), "generator": "aim"}
    found = (await world.call("auditor", "GET", "/v1/performance", params=earlier)).json()
    assert [one["value"] for one in found["points"]] == [0.1, 0.1]
    drawn = await world.call("auditor", "GET", "/v1/performance/chart", params=query)
    assert not found["truncated"]
    monkeypatch.setattr(performance, "MOST_POINTS", 2)
    fewer = (await world.call("auditor", "GET", "/v1/performance", params=query)).json()
    assert (len(fewer["points"]), fewer["truncated"]) == (2, True), "and it says so"
    assert drawn.headers["content-type"].startswith("image/svg+xml")
    assert len(ET.fromstring(drawn.text).findall("{http://www.w3.org/2000/svg}circle")) == 4


def point(epsilon: float | None, value: float, **more: Any) -> Point:
    return Point(**{"model": "m", "version": "1", "asset_id": "a", "generator": "g", "guarantee": "proven"} | more,
                 epsilon=epsilon, value=value)  # fmt: skip


NUMBERS = st.floats(0.01, 100)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=4, max_size=30))
def test_the_correlation_is_that_of_scipy(pairs: list[tuple[float, float]]) -> None:
    found = with_epsilon([point(*pair) for pair in pairs])
    if len({one for one, _ in pairs}) == 1 or len({other for _, other in pairs}) == 1:
        assert found.value is None
        return
    assert found.value == pytest.approx(spearmanr(*zip(*pairs, strict=True)).statistic)
    if found.lower is not None:
        assert -1 <= found.lower <= found.value <= found.upper <= 1


def test_few_points_earn_no_correlation() -> None:
    assert with_epsilon([point(1, 1), point(2, 2), point(3, 3), point(None, 4)]).value is None


@given(st.lists(st.tuples(st.none() | NUMBERS, st.floats(-1e6, 1e6), st.text(max_size=5)), max_size=20))
def test_a_chart_is_well_formed_whatever_models_are_called(told: list[tuple[float | None, float, str]]) -> None:
    points = [point(epsilon, value, model=name, generator=name or None) for epsilon, value, name in told
              if all(ord(letter) >= 32 and not 0xD800 <= ord(letter) <= 0xDFFF and ord(letter) < 0xFFFE for letter in name)]  # fmt: skip
    drawn = ET.fromstring(chart(points, metric="<accuracy> & 'more'"))
    for circle in drawn.findall("{http://www.w3.org/2000/svg}circle"):
        assert 0 <= float(circle.attrib["cx"]) <= 640
        assert 0 <= float(circle.attrib["cy"]) <= 400
    assert sum(side.n for side in sides(points)) == len(points)


@pytest.mark.parametrize("ends", ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01T00:00:00"))
async def test_a_time_that_no_calendar_has_is_refused(world: World, ends: str) -> None:
    await train(world, "scientist", "churn", [await released(world)])
    assert (await measure(world, "churn", figure(0.5, measured_at=ends))).status_code == 422
    body = {"assets": [str(uuid4())], "trained_at": ends}
    assert (await world.call("scientist", "PUT", "/v1/models/churn/versions/2", json=body)).status_code == 422
    query = {"metric": "m", "until": ends}
    assert (await world.call("auditor", "GET", "/v1/performance", params=query)).status_code == 422
    told = event(str(uuid4())) | {"eventTime": ends}
    assert (await world.tell(told)).status_code == 422
