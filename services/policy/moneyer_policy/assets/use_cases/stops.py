"""What is stopped now of all that a key has to do with. The keyring asks it of everything that it opens."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.assets.store.assets import AssetStore
from moneyer_policy.charters.store import CharterStore
from moneyer_policy.gate.rules import gate
from moneyer_policy.gate.rules.facts import Facts, Stop
from moneyer_policy.gate.use_cases.facts import brief, stop_of
from moneyer_policy.gate.use_cases.rulebook import Rulebook
from moneyer_shared.contracts.policy import SUSPENDED, DecisionRequest
from moneyer_shared.errors import Conflict

REMEDIES = {
    "suspended": "wait until it is resumed; a vote decides",
    "withdrawn": "nothing is opened of it any more",
    "retired": "nothing is opened under it any more",
    "rejected": "plan anew with a configuration that is approved",
    "prohibited": "plan anew for a use that the charter in force allows",
    "refused": "have the charter changed, or whoever refused it assess it again, and plan anew",
}


def refuse_stopped(stops: Sequence[Stop]) -> None:
    """Let nothing pass that is stopped; every stop is told.

    Raises:
        Conflict: ``suspended`` where all of it may be resumed, ``stopped`` where some is stopped for good.
    """
    if not stops:
        return
    passing = all(stop.state == "suspended" for stop in stops)
    raise Conflict(
        "; ".join(f"{stop}" for stop in stops) + ": no key is opened.",
        code=SUSPENDED if passing else "stopped",
        reasons=[
            {"code": f"{stop.kind}.not-stopped", "actual": str(stop), "remedy": REMEDIES[stop.state]} for stop in stops
        ],
    )


async def of_source(connection: AsyncConnection, source_id: UUID, population_id: UUID | None) -> list[Stop]:
    """The stops on a source or register, and on the population it comes from."""
    return [
        *await _suspended(connection, "source", source_id),
        *(await _suspended(connection, "population", population_id) if population_id is not None else []),
    ]


async def of_key(connection: AsyncConnection, row: Any) -> list[Stop]:
    """The stops on what a key was made for."""
    kind, _, rest = row.resource.partition(":")
    subject = UUID(rest.partition(":")[0])
    if kind != "asset":
        return await of_source(connection, subject, row.population_id)
    return await _of_table(connection, subject)


async def of_run(connection: AsyncConnection, run_id: UUID, now: datetime, *, released: bool) -> list[Stop]:
    """The stops on a run: its charter, source and population; those on tables are their keys'.

    How and under what terms a table is made stops it until it is out: what is condemned later is a matter for
    re-assays, and what is prohibited later for who reads it.
    """
    decision = await AssetStore(connection).latest_decision(run_id)
    request = DecisionRequest.model_validate(decision.request)
    return [
        *await _of_charter(connection, request.plan.charter_id),
        *await of_source(connection, request.plan.source_id, request.offer.population_id),
        *([] if released else await _of_plan(connection, request, decision.document, now)),
    ]


async def of_asset(connection: AsyncConnection, asset_id: UUID, now: datetime) -> list[Stop]:
    """What keeps a released asset from being read: stops on its run, on its table and on those it goes back to."""
    return [*await of_run(connection, asset_id, now, released=True), *await _of_table(connection, asset_id)]


async def _of_table(connection: AsyncConnection, run_id: UUID) -> list[Stop]:
    stop = await stop_of(connection, run_id)
    return [stop] if stop is not None else []


async def _of_charter(connection: AsyncConnection, charter_id: UUID) -> list[Stop]:
    if await CharterStore(connection).is_retired(charter_id):
        return [Stop("charter", str(charter_id), "retired")]
    return await _suspended(connection, "charter", charter_id)


async def _suspended(
    connection: AsyncConnection, kind: Literal["charter", "source", "population"], subject: UUID
) -> list[Stop]:
    return [Stop(kind, str(subject))] if await CharterStore(connection).is_suspended(kind, subject) else []


async def _of_plan(connection: AsyncConnection, request: DecisionRequest, decided: Any, now: datetime) -> list[Stop]:
    """The stops on how the plan makes its table, and on the terms it was permitted under and those in force now."""
    book = await Rulebook.private(connection)
    page = await book.page(connection, request.plan.charter_id, now)
    versions = page.versions if page is not None else ()
    version = next((one for one in versions if one.charter.digest == decided["charter_digest"]), None)
    then = (await brief(connection, book, request, now, version=version)).facts
    present = page.governing(now) if page is not None else None
    today = replace(then, charter=present.charter if present is not None else None)
    waived = {one["code"] for one in decided["waived"]}
    found = [*_of_configuration(request, then, waived), *_of_terms(request, today), *_of_terms(request, then)]
    return list(dict.fromkeys(found))


def _of_configuration(request: DecisionRequest, facts: Facts, waived: AbstractSet[str]) -> list[Stop]:
    """Whether the plan's configuration was condemned, rejected or retired since, and no exception was made for that."""
    failed = [clause for clause in gate.judge(gate.CONFIGURATION_STOPS, facts) if clause.code not in waived]
    return [Stop("configuration", request.plan.configuration or request.plan.generator, "rejected") for _ in failed[:1]]


def _of_terms(request: DecisionRequest, facts: Facts) -> list[Stop]:
    """Whether the use was prohibited by vote, or the text refused by an assessor; no exception is made from either."""
    plan = request.plan
    stops = {
        "use-case.prohibited": Stop("use-case", plan.use_case, "prohibited"),
        "assessment.refused": Stop("charter", str(plan.charter_id), "refused"),
    }
    return [stops[clause.code] for clause in gate.judge(gate.TERMS_STOPS, facts)]
