"""What is stopped now of all that a key has to do with. The keyring asks it of everything that it opens."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from mintmark_policy.domain import gate
from mintmark_policy.domain.facts import Stop
from mintmark_policy.store.charters import CharterStore
from mintmark_policy.store.decisions import DecisionStore
from mintmark_policy.use_cases.facts import brief, stop_of
from mintmark_policy.use_cases.rulebook import Rulebook
from mintmark_shared.contracts.policy import SUSPENDED, DecisionRequest
from mintmark_shared.errors import Conflict

REMEDIES = {
    "suspended": "wait until it is resumed; a vote decides",
    "withdrawn": "nothing is opened of it any more",
    "retired": "nothing is opened under it any more",
    "rejected": "plan anew with a configuration that is approved",
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

    How a table is made stops it until it is out: what condemns a configuration later is a matter for re-assays.
    """
    decision = await DecisionStore(connection).latest_decision(run_id)
    request = DecisionRequest.model_validate(decision.request)
    return [
        *await _of_charter(connection, request.plan.charter_id),
        *await of_source(connection, request.plan.source_id, request.offer.population_id),
        *([] if released else await _of_configuration(connection, request, decision.document, now)),
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


async def _of_configuration(
    connection: AsyncConnection, request: DecisionRequest, decided: Any, now: datetime
) -> list[Stop]:
    """Whether the plan's configuration was condemned, rejected or retired since, and no exception was made for that."""
    book = await Rulebook.private(connection)
    page = await book.page(connection, request.plan.charter_id, now)
    versions = page.versions if page is not None else ()
    version = next((one for one in versions if one.charter.digest == decided["charter_digest"]), None)
    facts = (await brief(connection, book, request, now, version=version)).facts
    waived = {one["code"] for one in decided["waived"]}
    failed = [clause for clause in gate.judge(gate.CONFIGURATION_STOPS, facts) if clause.code not in waived]
    return [Stop("configuration", request.plan.configuration or request.plan.generator, "rejected") for _ in failed[:1]]
