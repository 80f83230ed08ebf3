"""Long lists: told whole over their pages, in the order they promise, whatever ids and times their rows have."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from evaluation.conftest import World as Evaluation
from evaluation.test_after_release import audit
from generation.conftest import World as Works
from lineage.conftest import World as Lineage
from lineage.test_cards import Evidence, made, with_evidence
from policy.conftest import World
from sqlalchemy import text

from moneyer_lineage.public.use_cases import publish
from moneyer_shared.paging import PAGE

MANY = 2 * PAGE + 50
"""More than any list was ever told at once."""


async def walk(call: Any, person: str, path: str, **options: Any) -> list[dict[str, Any]]:
    """Every row of a list, page after page."""
    found: list[dict[str, Any]] = []
    while path:
        answer = await call(person, "GET", path, **options)
        assert answer.status_code == 200, answer.text
        assert len(answer.json()) <= PAGE
        found += answer.json()
        path = answer.links.get("next", {}).get("url", "")
    return found


async def copy(url: str, table: str, **changed: str) -> None:
    """As many more rows like the one there is, all of its moment."""
    connection = await asyncpg.connect(url)
    try:
        names = await connection.fetch(
            "SELECT quote_ident(column_name) AS name FROM information_schema.columns WHERE table_name = $1", table
        )
        values = {row["name"]: row["name"] for row in names} | {"id": "gen_random_uuid()"} | changed
        columns, told = ", ".join(values), ", ".join(values.values())
        await connection.execute(
            f"INSERT INTO {table} ({columns}) SELECT {told} FROM (SELECT * FROM {table} LIMIT 1) one, "
            f"generate_series(1, {MANY})"
        )
    finally:
        await connection.close()


def incident(world: World, title: str) -> dict[str, Any]:
    return {
        "title": title, "severity": "low", "description": "d", "personal_data": False,
        "discovered_at": world.now.isoformat(),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("table", "path", "changed"),
    [
        ("incidents", "/v1/incidents", {}),
        ("feedback", "/v1/feedback", {}),
        ("notifications", "/v1/notifications", {}),
        ("deadlines", "/v1/calendar", {}),
        ("decisions", "/v1/decisions", {"run_id": "gen_random_uuid()"}),
    ],
)
async def test_a_list_does_not_stop_silently(policy: World, table: str, path: str, changed: dict[str, str]) -> None:
    await policy.set_up()
    await policy.decide()
    await policy.post("steward", "/v1/incidents", 201, incident(policy, "t"))
    await policy.post("scientist", "/v1/feedback", 201, {"about_kind": "policy", "about": "p", "message": "m"})
    await policy.sql(
        "INSERT INTO notifications (recipient, kind, subject, message, sent_at) VALUES ('a', 'k', 's', 'm', now())"
    )
    await copy(policy.url, table, **changed)
    listed = "cancelled_at IS NULL AND due_at >= $1 AND due_at < $1 + interval '366 days'"
    where = ("", ()) if table != "deadlines" else (f"WHERE {listed}", (policy.now,))
    (rows,) = await policy.sql(f"SELECT count(*) FROM {table} {where[0]}", *where[1])
    found = await walk(policy.call, "auditor", path)
    if table == "decisions":
        # Their documents were copied as they are, with the id of the first.
        assert len(found) == rows[0]
        return
    assert len({one["id"] for one in found}) == len(found) == rows[0]


async def test_the_newest_come_first_whatever_their_ids(policy: World) -> None:
    await policy.set_up()
    decided = []
    for number in range(8):
        policy.now += timedelta(minutes=1)
        decided.append((await policy.decide()).json()["run_id"])
        await policy.post("steward", "/v1/incidents", 201, incident(policy, str(number)))
    shown = await walk(policy.call, "auditor", "/v1/decisions")
    assert [one["run_id"] for one in shown] == decided[::-1]
    assert [one["title"] for one in await walk(policy.call, "auditor", "/v1/incidents")] == [*"76543210"]
    stricter = (await policy.get(f"/v1/charters/{policy.charter_id}"))["document"] | {"prohibited_uses": ["research"]}
    stricter["use_cases"] = [entry | {"name": "other"} for entry in stricter["use_cases"]]
    tried = await policy.post(
        "auditor", f"/v1/charters/{policy.charter_id}:dry-run", 200, {"document": stricter, "last": 3}
    )
    assert [one["run_id"] for one in tried["changes"]] == decided[:-4:-1], "the last three plans are the last three"


async def test_a_page_goes_on_from_a_row_that_its_filter_leaves_out_by_now(policy: World) -> None:
    await policy.set_up()
    await policy.post("steward", "/v1/incidents", 201, incident(policy, "t"))
    await copy(policy.url, "incidents")
    first = await policy.call("auditor", "GET", "/v1/incidents?state=open")
    last = first.json()[-1]["id"]
    await policy.sql("UPDATE incidents SET state = 'closed' WHERE id = $1", UUID(last))
    rest = await walk(policy.call, "auditor", first.links["next"]["url"])
    assert len(first.json()) + len(rest) == MANY + 1
    await policy.get(f"/v1/incidents?after={uuid4()}", status=404)


async def test_runs_of_one_moment_are_all_listed(works: Works) -> None:
    await works.run()
    url = works.dependencies.database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    await copy(url, "runs", model_sealed="true")
    runs = await walk(works.call, "scientist", "/v1/generations")
    assert len({one["id"] for one in runs}) == len(runs) == MANY + 1
    models = await walk(works.call, "scientist", "/v1/models")
    assert len({one["id"] for one in models}) == len(models) == MANY


async def test_models_come_in_the_order_they_were_fitted(works: Works) -> None:
    runs = [await works.run() for _ in range(8)]
    async with works.dependencies.database.transaction() as connection:
        await connection.execute(text("UPDATE runs SET model_sealed = true"))
    models = await walk(works.call, "scientist", "/v1/models")
    assert [one["id"] for one in models] == [str(run) for run in runs]


async def test_audits_come_in_order_whatever_their_askers_call_them(evaluation: Evaluation) -> None:
    scores = ([1.0 + i / 100 for i in range(60)], [1.0 + i / 100 for i in range(60)])
    names = [str(UUID(int=number)) for number in (3, 1, 2)]
    for name in names:
        await evaluation.send("POST", "/v1/guarantee-audits", 201, audit(scores) | {"id": name})
    assert [one["id"] for one in await evaluation.get("/v1/guarantee-audits")] == names


async def test_all_a_monitor_saw_is_listed(evaluation: Evaluation) -> None:
    from evaluation.test_after_release import HOLDOUT, OTHER, TRAIN

    asset = await evaluation.assayed(TRAIN, HOLDOUT, OTHER)
    body = {"name": "m", "asset_id": str(asset), "terms": {"kind": "shares"}}
    made_now = await evaluation.send("POST", "/v1/monitors", 201, body)
    connection = await asyncpg.connect(evaluation.url)
    try:
        await connection.execute(
            "INSERT INTO looks (monitor_id, number, state, seen, estimates, breaches, at)"
            f" SELECT $1, n, 'told', 's', '[]', '[]', now() FROM generate_series(1, {MANY}) n",
            UUID(made_now["id"]),
        )
    finally:
        await connection.close()
    found = await walk(evaluation.call, "auditor", f"/v1/monitors/{made_now['id']}/looks")
    assert [one["number"] for one in found] == list(range(MANY, 0, -1))


async def test_the_latest_cards_come_first_and_stay_where_they_were(lineage: Lineage) -> None:
    with_evidence(lineage, Evidence(disclosure="summary"))
    assets = []
    for _ in range(8):
        assets.append(await made(lineage))
        await publish(lineage.app.state.dependencies)

    async def listed() -> list[str]:
        return [one["asset"] for one in (await lineage.call.bare("GET", "/public/v1/cards")).json()]

    assert await listed() == assets[::-1]
    following = await lineage.call.bare("GET", f"/public/v1/cards?after={assets[3]}")
    assert [one["asset"] for one in following.json()] == assets[2::-1]
