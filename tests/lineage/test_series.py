"""What dashboards draw: counted once, in whatever order it was told, and the same however much there is."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from alembic import command
from conftest import Cluster
from hypothesis import given
from hypothesis import strategies as st
from lineage.conftest import World, event, leaf
from lineage.test_outcomes import facet, story

from moneyer_lineage.dashboards.rules import MOST_STEPS, STEPS, Stretch, begin_of, counted
from moneyer_lineage.dashboards.use_cases import summary
from moneyer_lineage.dashboards.use_cases.counting import TOGETHER, count_events
from moneyer_lineage.log.use_cases import sign_checkpoint
from moneyer_lineage.record.use_cases.events import open_months
from moneyer_shared import migrations
from moneyer_shared.errors import Invalid
from moneyer_shared.telemetry import Metrics

NOON = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)  # a Wednesday
TIMES = st.integers(0, 4 * 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


def at(moment: datetime, told: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return told | {"eventTime": moment.isoformat()} | changes


async def count_all(world: World) -> None:
    while await count_events(world.app.state.dependencies):
        pass


async def series(world: World, measure: str, status: int = 200, **query: str) -> Any:
    answer = await world.call("auditor", "GET", f"/v1/series/{measure}", params=query)
    assert answer.status_code == status, answer.text
    return answer.json()


def day(moment: datetime = NOON) -> dict[str, str]:
    return {"since": moment.replace(hour=0, minute=0).isoformat(), "until": (moment + timedelta(days=1)).isoformat()}


# --- steps -----------------------------------------------------------------------------------


@given(TIMES, TIMES, st.sampled_from(sorted(STEPS)))
def test_every_moment_of_a_stretch_is_in_one_of_its_steps(one: datetime, other: datetime, step: Any) -> None:
    since, until = sorted((one, other))
    try:
        stretch = Stretch.of(since, until, step)
    except Invalid:
        assert since == until or (until - since) / STEPS[step] > MOST_STEPS - 2
        return
    assert stretch.begins[0] <= since < stretch.begins[0] + STEPS[step]
    assert stretch.begins[-1] < until <= stretch.end
    assert all(begin_of(step, begin) == begin for begin in stretch.begins)
    assert len(stretch.begins) <= MOST_STEPS


def test_a_week_begins_on_monday_and_all_times_are_utc() -> None:
    late = datetime.fromisoformat("2026-03-02T00:30:00+02:00")
    assert begin_of("week", late) == datetime(2026, 2, 23, tzinfo=UTC), "it is still Sunday in UTC"
    assert begin_of("day", late) == datetime(2026, 3, 1, tzinfo=UTC)
    assert begin_of("week", NOON) == datetime(2026, 3, 2, tzinfo=UTC)


def test_a_step_without_any_says_nought() -> None:
    stretch = Stretch.of(NOON, NOON + timedelta(hours=2), "hour")
    noon = NOON.replace(minute=0)
    filled = stretch.filled({(noon, "permit"): 2, (noon + timedelta(hours=2), "deny"): 1})
    assert [(begin.hour, label, n) for begin, label, n in filled] == [
        (12, "deny", 0), (12, "permit", 2), (13, "deny", 0), (13, "permit", 0), (14, "deny", 1), (14, "permit", 0),
    ]  # fmt: skip


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_a_facet_of_any_shape_is_no_reason_to_stop_counting(body: Any) -> None:
    """Whoever tells writes facets as they like; what is counted is text of a length that a table can show."""
    names = ("moneyer_policyDecision", "moneyer_release", "moneyer_assetChange")
    for facets in (body, dict.fromkeys(names, body), {name: {"verdict": body, "failed": body} for name in names}):
        for _, hour, label in counted("COMPLETE", NOON, facets, vouched=True):
            assert hour == NOON.replace(minute=0)
            assert 0 < len(label) <= 100


# --- counting --------------------------------------------------------------------------------


async def test_events_are_counted_by_the_times_they_tell(world: World) -> None:
    for moment, kind in ((NOON, "START"), (NOON, "COMPLETE"), (NOON - timedelta(hours=2), "COMPLETE")):
        await world.tell(at(moment, event(str(uuid4())), eventType=kind))
    assert await series(world, "events", **day()) == [], "nothing is counted yet"
    await count_all(world)
    found = [row for row in await series(world, "events", **day()) if row["value"]]
    assert [(row["time"], row["label"], row["value"]) for row in found] == [
        ("2026-03-04T10:00:00Z", "COMPLETE", 1), ("2026-03-04T12:00:00Z", "COMPLETE", 1),
        ("2026-03-04T12:00:00Z", "START", 1),
    ]  # fmt: skip
    (whole, begun) = await series(world, "events", step="week", **day())
    assert (whole["time"], whole["value"], begun["value"]) == ("2026-03-02T00:00:00Z", 2, 1)


async def test_what_the_house_decided_is_counted_and_what_others_say_of_it_is_not(world: World) -> None:
    told = [*story(1, "aim", gap="0.1", verdict="released"), *story(2, "aim", gap=None, verdict=None, decision="deny")]
    await world.deliver(*told)
    for one in told:
        await world.tell(one)
    await count_all(world)
    stretch = {"since": "2026-01-01T00:00:00Z", "until": "2026-01-08T00:00:00Z", "step": "week"}
    for measure, expected in {
        "decisions": {"deny": 1, "permit": 1}, "refusals": {"budget.enough": 1}, "releases": {"released": 1},
        "changes": {}, "runs": {"COMPLETE": len(told)}, "events": {"COMPLETE": 2 * len(told)},
    }.items():  # fmt: skip
        rows = await series(world, measure, **stretch)
        assert {row["label"]: row["value"] for row in rows if row["value"]} == expected, measure


async def test_each_event_counts_once_whoever_counts_and_however_often_they_die(world: World) -> None:
    dependencies = world.app.state.dependencies
    batch = [at(NOON, event(str(uuid4()))) for _ in range(200)]
    for start in range(0, len(batch), 50):
        answer = await world.call("producer", "POST", "/api/v1/lineage/batch", json=batch[start : start + 50])
        assert answer.json()["status"] == "success"
    dying = await asyncpg.connect(world.url)
    begun = dying.transaction()
    await begun.start()
    await dying.execute("SELECT * FROM counted FOR UPDATE")
    await dying.execute("INSERT INTO counts VALUES ('events', $1, 'COMPLETE', 200)", NOON.replace(minute=0))
    others = [asyncio.create_task(count_events(dependencies)) for _ in range(4)]
    await asyncio.sleep(0.2)
    assert not any(one.done() for one in others), "one at a time"
    await begun.rollback()
    await dying.close()
    assert sorted(await asyncio.gather(*others)) == [0, 0, 0, 200]
    (row,) = [row for row in await series(world, "events", **day()) if row["value"]]
    assert row["value"] == 200


async def test_an_event_that_commits_late_is_counted_too(world: World) -> None:
    slow = await asyncpg.connect(world.url)
    begun = slow.transaction()
    await begun.start()
    await slow.execute(
        "INSERT INTO events (digest, event, event_time, received_at) VALUES ('late', '{}', $1, now())", NOON
    )
    await world.tell(at(NOON, event(str(uuid4()))))
    assert await count_events(world.app.state.dependencies) == 0, "what comes after it waits for it"
    await begun.commit()
    await slow.close()
    assert await count_events(world.app.state.dependencies) == 2


async def test_more_than_fits_into_one_transaction_is_counted_in_several(world: World) -> None:
    connection = await asyncpg.connect(world.url)
    await connection.execute(
        "INSERT INTO events (digest, event, event_time, received_at) "
        "SELECT 'd' || n, '{}', $1, now() FROM generate_series(1, $2) n",
        NOON, TOGETHER + 5,
    )  # fmt: skip
    await connection.close()
    dependencies = world.app.state.dependencies
    assert [await count_events(dependencies) for _ in range(3)] == [TOGETHER, 5, 0]


async def test_a_database_that_numbers_anew_is_not_ready(world: World) -> None:
    """As after a logical restore: what is told then would count as read already."""
    assert (await world.call.bare("GET", "/readyz")).json()["order"] == "ok"
    connection = await asyncpg.connect(world.url)
    await connection.execute(
        "INSERT INTO events (digest, event, event_time, received_at, written_in) VALUES ('x', '{}', now(), now(), 10^12)"
    )
    await connection.close()
    answer = await world.call.bare("GET", "/readyz")
    assert (answer.status_code, answer.json()["order"]) == (503, "Unavailable")


# --- what is not counted yet ------------------------------------------------------------------


@pytest.mark.parametrize("counted_before", [0, 1, 2])
async def test_how_many_events_there_are_is_exact_whatever_is_counted(world: World, counted_before: int) -> None:
    """Marquez's list says how many there are: beginnings and ends of hours, counted or not."""
    told = [at(NOON + timedelta(minutes=15 * step), event(str(uuid4()))) for step in range(-12, 12)]
    for half in range(2):
        for one in told[half::2]:
            await world.tell(one)
        if half < counted_before:
            await count_all(world)
    for since, until in ((-12, 12), (-11, 11), (0, 1), (-3, 6), (2, 3), (-50, 50), (-2, 2)):
        begin, end = (NOON + timedelta(minutes=15 * step) for step in (since, until))
        query = {"after": begin.isoformat(), "before": end.isoformat()}
        answer = (await world.call("auditor", "GET", "/api/v1/events/lineage", params=query)).json()
        expected = [one for one in told if begin <= datetime.fromisoformat(one["eventTime"]) < end]
        assert (answer["totalCount"], len(answer["events"])) == (len(expected), len(expected)), (since, until)


async def test_events_are_read_a_page_at_a_time_without_a_gap(world: World) -> None:
    told = [at(NOON + timedelta(days=number), event(str(UUID(int=number)))) for number in range(250)]
    for start in range(0, len(told), 50):
        await world.call("producer", "POST", "/api/v1/lineage/batch", json=told[start : start + 50])
    path, read = "/v1/events?until=2026-10-01T00:00:00Z", []
    while path:
        answer = await world.call("auditor", "GET", path)
        read += [row["event"] for row in answer.json()]
        path = answer.headers.get("link", "").removeprefix("<").partition(">")[0]
    assert read == [one for one in reversed(told) if one["eventTime"] < "2026-10-01"]
    assert len(read) > 200, "three pages, and months in one of them"
    missing = await world.call("auditor", "GET", f"/v1/events?after={uuid4()}")
    assert (missing.status_code, missing.json()["code"]) == (404, "not-found")


# --- months ----------------------------------------------------------------------------------


async def months(world: World) -> list[str]:
    connection = await asyncpg.connect(world.url)
    try:
        rows = await connection.fetch("SELECT relname FROM pg_class WHERE relnamespace = 'months'::regnamespace "
                                      "AND relkind = 'r' ORDER BY relname")  # fmt: skip
        return [row["relname"] for row in rows]
    finally:
        await connection.close()


async def test_months_are_opened_ahead_and_only_once(world: World) -> None:
    dependencies = world.app.state.dependencies
    world.clock.now = datetime(2030, 12, 31, 23, 59, tzinfo=UTC)
    assert sum(await asyncio.gather(*(open_months(dependencies) for _ in range(3)))) == 3, "whoever is first"
    assert {"2030_12", "2031_01", "2031_02"} <= set(await months(world))
    assert await open_months(dependencies) == 0
    await world.tell(at(datetime(2031, 1, 31, 23, 59, 59, tzinfo=UTC), event(str(uuid4()))))
    assert await world.count('months."2031_01"') == 1


async def test_a_month_whose_events_lie_with_the_others_stays_there(world: World) -> None:
    """Events of any time are kept; that a month comes for which somebody told already stops nothing."""
    for year in ("1066", "2033", "9899"):
        assert (await world.tell(at(NOON, event(str(uuid4())), eventTime=f"{year}-05-04T12:00:00Z"))).status_code == 201
    assert await world.count("months.others") == 3
    world.clock.now = datetime(2033, 5, 1, tzinfo=UTC)
    assert await open_months(world.app.state.dependencies) == 2, "the two after it"
    told = event(str(uuid4()))
    await world.tell(at(world.clock.now, told))
    await world.tell(at(world.clock.now, told))
    assert await world.count("months.others") == 4
    assert await world.count("events") == 4, "and each is kept once there too"


@pytest.mark.parametrize("table", ["events", "months.others", 'months."2033_01"'])
@pytest.mark.parametrize(
    "change", ["UPDATE {} SET vouched = true", "DELETE FROM {}", "TRUNCATE {}", "DELETE FROM {} WHERE false"]
)
async def test_no_event_is_changed_under_any_name(world: World, table: str, change: str) -> None:
    world.clock.now = datetime(2033, 1, 1, tzinfo=UTC)
    await open_months(world.app.state.dependencies)
    connection = await asyncpg.connect(world.url)
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await connection.execute(change.format(table))
    await connection.close()


async def test_events_told_before_there_were_months_are_all_there(cluster: Cluster) -> None:
    await cluster.execute("CREATE DATABASE before_months")
    url = cluster.url("before_months", "postgresql+asyncpg")
    await asyncio.to_thread(command.upgrade, migrations.configuration("moneyer_lineage", url), "0003")
    connection = await asyncpg.connect(cluster.url("before_months"))
    # Three years of days, one of them long ago and one not yet.
    await connection.execute(
        "INSERT INTO events (digest, event, event_time, received_at) SELECT 'd' || n, to_jsonb(n), "
        "CASE n WHEN 1 THEN '1066-01-01' WHEN 2 THEN '2099-01-01' ELSE now() - n * interval '1 day' END, now() "
        "FROM generate_series(1, 1000) n"
    )
    kept = "digest, event, run_id, parent_run_id, event_time, received_at, vouched, id, written_in"
    everything = f"SELECT {kept} FROM events ORDER BY digest"
    told = [tuple(sorted(row.items())) for row in await connection.fetch(everything)]
    await asyncio.to_thread(migrations.upgrade, "moneyer_lineage", url)
    assert [tuple(sorted(row.items())) for row in await connection.fetch(everything)] == told
    assert await connection.fetchval("SELECT count(*) FROM months.others") == 2
    for change in ("DELETE FROM events", "INSERT INTO events SELECT * FROM events"):
        with pytest.raises((asyncpg.RaiseError, asyncpg.UniqueViolationError)):
            await connection.execute(change)
    await connection.close()


# --- figures and summary -----------------------------------------------------------------------


async def test_figures_are_shown_by_generator_and_time(world: World) -> None:
    for number, generator, gap in ((0, "aim", "0.2"), (1, "aim", "0.1"), (2, "aim", "0.3"), (6, "mst", "0.5")):
        await world.deliver(*story(number, generator, gap=gap, verdict="released"))
    query = {"step": "week", "since": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"}
    answer = await world.call("auditor", "GET", "/v1/figures/utility-gap", params=query)
    rows = [(row["time"], row["label"], row["value"], row["n"]) for row in answer.json()]
    assert rows == [("2025-12-29T00:00:00Z", "aim", 0.2, 3), ("2026-01-05T00:00:00Z", "mst", 0.5, 1)]
    assert (await world.call("auditor", "GET", "/v1/figures/never", params=query)).json() == []


async def test_the_summary_and_prometheus_say_the_same(world: World) -> None:
    await world.deliver(*story(1, "aim", gap="0.1", verdict="released"))
    await world.deliver(*story(2, "aim", gap="0.9", verdict="rejected"))
    asset = str(UUID(int=101))
    await world.deliver(at(NOON, event(asset, [], [], moneyer_assetChange=facet(change="withdrawn"))))
    await world.deliver(
        at(NOON + timedelta(hours=1), event(asset, [], [], moneyer_assetChange=facet(change="resumed")))
    )
    await world.log(leaf())
    await sign_checkpoint(world.app.state.dependencies)
    before = (await world.call("auditor", "GET", "/v1/summary")).json()
    assert (before["events"], before["events_uncounted"], before["assets"]) == (0, await world.count("events"), {})
    await count_all(world)
    found = (await world.call("auditor", "GET", "/v1/summary")).json()
    assert found["assets"] == {"rejected": 1, "withdrawn": 1}, "what ended an asset outlasts what came after"
    assert found["decisions"] == {"permit": 2}
    assert found["releases"] == {"released": 1, "rejected": 1}
    assert (found["events"], found["events_uncounted"]) == (await world.count("events"), 0)
    assert (found["log_leaves"], found["checkpoint_leaves"]) == (1, 1)
    metrics = Metrics()
    await summary.set_gauges(world.app.state.dependencies, metrics)
    value = metrics.registry.get_sample_value
    assert value("moneyer_lineage_assets", {"state": "withdrawn"}) == 1
    assert value("moneyer_lineage_events") == found["events"]
    for name, label, _ in summary.GAUGES:
        said = found[name]
        for kind, n in said.items() if isinstance(said, dict) else [(None, said)]:
            assert value(f"moneyer_lineage_{name}", {label: kind} if kind else {}) == n


async def test_a_kind_that_is_gone_is_not_shown_any_more() -> None:
    metrics = Metrics()
    metrics.show("runs", "Runs.", {"queued": 2, "running": 1}, "state")
    metrics.show("runs", "Runs.", {"running": 3}, "state")
    assert metrics.registry.get_sample_value("runs", {"state": "running"}) == 3
    assert metrics.registry.get_sample_value("runs", {"state": "queued"}) is None


# --- bad questions -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("/v1/series/secrets", {}, "invalid"),
        ("/v1/series/events", {"step": "minute"}, "invalid"),
        ("/v1/series/events", {"since": "2026-03-04T12:00:00Z", "until": "2026-03-04T12:00:00Z"}, "series-backwards"),
        ("/v1/series/events", {"since": "2026-03-04T12:00:00"}, "invalid"),
        ("/v1/series/events", {"since": "1900-01-01T00:00:00Z"}, "series-too-long"),
        ("/v1/figures/utility-gap", {"since": "0100-01-01T00:00:00Z", "step": "week"}, "series-too-long"),
    ],
)
async def test_a_question_that_cannot_be_drawn_says_why(world: World, path: str, query: Any, code: str) -> None:
    answer = await world.call("auditor", "GET", path, params=query)
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text


@pytest.mark.parametrize("edge", ["0100-01-01T00:00:00Z", "9899-12-31T23:59:59Z", "0001-01-02T00:00:00Z"])
async def test_the_ends_of_the_calendar_are_times_too(world: World, edge: str) -> None:
    for step in STEPS:
        for query in ({"until": edge, "step": step}, {"since": edge, "step": step}, {"since": edge, "until": edge}):
            answer = await world.call("auditor", "GET", "/v1/series/events", params=query)
            assert answer.status_code in {200, 422}, answer.text
    for query in ({"after": edge}, {"before": edge}, {"after": edge, "before": edge}):
        answer = await world.call("auditor", "GET", "/api/v1/events/lineage", params=query)
        assert answer.status_code in {200, 422}, answer.text
