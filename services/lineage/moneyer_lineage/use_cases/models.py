"""Models that were trained on assets: registered, trained, measured. What was told once stays; telling again adds."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_lineage.domain.names import check_name
from moneyer_lineage.store.impact import ImpactStore
from moneyer_lineage.store.models import SAID, ModelStore
from moneyer_lineage.use_cases.archive import Archive
from moneyer_lineage.use_cases.events import heard, take_within
from moneyer_lineage.use_cases.impact import tell_late
from moneyer_lineage.use_cases.log import record_act, record_acts
from moneyer_shared.errors import Conflict, NotFound
from moneyer_shared.journal import AuditEvent, dataset, openlineage_event
from moneyer_shared.leaves import Word
from moneyer_shared.ownership import check_own

TRAININGS = uuid.UUID("0c2a64ee-3f0f-4f6e-9f2e-5d1f1a7d4e11")


@dataclass(frozen=True)
class Training:
    """What a version of a model was trained on, when, and where it is kept."""

    model: str
    version: str
    assets: Sequence[str]
    trained_at: datetime
    uri: str | None = None


@dataclass(frozen=True)
class Said:
    """What is said of a model. ``shared_with``: who besides its owner tells of it; None leaves that as it is."""

    name: str
    owner: str
    description: str
    shared_with: Sequence[str] | None = None


async def register(archive: Archive, said: Said, *, by: str) -> Row[Any]:
    """Register a model, or change whose it is and what is said of it: its owner may.

    Who registers a model for somebody else goes on telling of it, until its owner ends that.

    Raises:
        Forbidden: it is somebody else's, or its name is a registry's.
    """
    now = archive.clock()
    async with archive.database.transaction() as connection:
        store = ModelStore(connection)
        shared = sorted({*(said.shared_with or ()), by} - {said.owner})
        acts = await enrol(
            connection,
            name=said.name,
            owner=said.owner,
            shared_with=shared,
            description=said.description,
            by=by,
            now=now,
        )
        found = await _model(store, said.name, lock=True)
        if acts:
            # Only a new name can be taken from a registry; what a registry told of has its owner.
            check_name(said.name, archive.registries)
        else:
            acts = await _change(store, found, said, by)
        found = await _model(store, said.name)
        await record_acts(connection, acts, now)
        return found


async def _change(store: ModelStore, found: Row[Any], said: Said, by: str) -> list[AuditEvent]:
    """Write down what is said otherwise than before."""
    shared = found.shared_with if said.shared_with is None else sorted(set(said.shared_with) - {said.owner})
    if (found.owner, found.description, list(found.shared_with)) == (said.owner, said.description, list(shared)):
        return []
    check_own(found.owner, by, "This model")
    await store.change(said.name, owner=said.owner, description=said.description, shared_with=list(shared))
    return [AuditEvent(by, "model.change", Word(f"model:{said.name}"))]


async def hand_over(archive: Archive, name: str, *, owner: str, by: str) -> dict[str, Any]:
    """Give a model to another owner, whoever had it.

    Raises:
        NotFound: there is no such model.
    """
    now = archive.clock()
    async with archive.database.transaction() as connection:
        store = ModelStore(connection)
        await _model(store, name, lock=True)
        await store.change(name, owner=owner)
        await record_act(connection, AuditEvent(by, "owner.give", Word(f"model:{name}")), now)
    return {"kind": "model", "subject": name, "owner": owner}


async def enrol(
    connection: AsyncConnection,
    *,
    name: str,
    owner: str,
    shared_with: Sequence[str] = (),
    description: str,
    by: str,
    now: datetime,
) -> list[AuditEvent]:
    """Register a model unless there is one of that name; what is to be logged of it."""
    made = {
        "name": name, "owner": owner, "shared_with": list(shared_with), "description": description,
        "registered_at": now,
    }  # fmt: skip
    is_new = await ModelStore(connection).add(made)
    return [AuditEvent(by, "model.register", Word(f"model:{name}"))] if is_new else []


async def train(archive: Archive, training: Training, *, by: str) -> None:
    """Say what a version was trained on.

    Raises:
        NotFound: there is no such model, or an asset that nothing was decided on.
        Forbidden: the model is somebody else's, and not shared.
    """
    now = archive.clock()
    async with archive.database.transaction() as connection:
        await _check_tells(ModelStore(connection), training.model, by)
        await record_acts(connection, await train_within(connection, archive, training, by=by, now=now), now)


async def train_within(
    connection: AsyncConnection, archive: Archive, training: Training, *, by: str, now: datetime
) -> list[AuditEvent]:
    """The same in a transaction that does more; what is to be logged of it."""
    store = ModelStore(connection)
    await ImpactStore(connection).begin_training()
    model = await _model(store, training.model)
    known = await ImpactStore(connection).changes(training.assets, None)
    unknown = sorted(set(training.assets) - set(known))
    if unknown:
        raise NotFound(
            f"Nothing was decided on {', '.join(unknown)}; give ids of released assets. "
            "One released this moment is known in a few seconds.",
            code="asset-unknown",
        )
    await store.add_version({
        "model": training.model, "version": training.version, "uri": training.uri,
        "trained_at": training.trained_at, "registered_at": now,
    })  # fmt: skip
    new = sorted(await store.add_trainings(training.model, training.version, training.assets))
    if not new:
        return []
    kept = await store.version(training.model, training.version)
    assert kept is not None
    event = _training_event(training.model, training.version, new, kept.trained_at)
    await take_within(connection, [heard(event, kept.trained_at, by="lineage", vouched=True)], now)
    await tell_late(connection, archive, model, training.version, now)
    details = {"version": Word(training.version), "assets": new}
    return [AuditEvent(by, "model.train", Word(f"model:{training.model}"), details=details)]


def _training_event(model: str, version: str, assets: Sequence[str], at: datetime) -> dict[str, Any]:
    return openlineage_event(
        at=at,
        event_type="COMPLETE",
        run_id=str(uuid.uuid5(TRAININGS, f"{model}\n{version}")),
        job=f"model.train/{model}",
        inputs=[dataset("asset", asset) for asset in assets],
        outputs=[dataset("model", f"{model}@{version}")],
    )


async def measure(archive: Archive, model: str, version: str, figures: Sequence[Mapping[str, Any]], *, by: str) -> int:
    """Keep figures of a version; how many there are now of those told.

    Raises:
        NotFound: there is no such version.
        Forbidden: the model is somebody else's, and not shared.
        Conflict: one was told before with another value; none of them is kept.
    """
    now = archive.clock()
    rows = [{"model": model, "version": version, **figure} for figure in figures]
    async with archive.database.transaction() as connection:
        store = ModelStore(connection)
        if await store.version(model, version) is None:
            raise NotFound(f"There is no version {version} of a model {model}.")
        await _check_tells(store, model, by)
        kept = {tuple(getattr(row, name) for name in SAID): row for row in await store.add_metrics(rows)}
        changed = [row for row in rows if not _same(kept[tuple(row[name] for name in SAID)], row)]
        if changed:
            raise Conflict(
                "A figure of the same metric, subgroup and time has another value; measure again and say when.",
                code="figure-changed",
                reasons=[{"code": "figure-changed", "metric": row["metric"], "subgroup": row["subgroup"]}
                         for row in changed],
            )  # fmt: skip
        details = {"version": Word(version), "figures": len(rows)}
        await record_act(connection, AuditEvent(by, "model.measure", Word(f"model:{model}"), details=details), now)
        return len(kept)


def _same(kept: Row[Any], told: Mapping[str, Any]) -> bool:
    return all(getattr(kept, name) == told[name] for name in ("value", "lower", "upper", "n"))


async def _check_tells(store: ModelStore, name: str, by: str) -> None:
    found = await _model(store, name)
    check_own(found.owner, by, "This model", *found.shared_with)


async def _model(store: ModelStore, name: str, *, lock: bool = False) -> Row[Any]:
    found = await store.find(name, lock=lock)
    if found is None:
        raise NotFound(f"There is no model {name}; register it first.")
    return found
