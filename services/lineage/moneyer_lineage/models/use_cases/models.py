"""Models that were trained on assets: registered, trained, measured. What was told once stays; telling again adds."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from moneyer_lineage.dependencies import Work
from moneyer_lineage.models.documents.models import (
    Figure,
    Kept,
    Measurement,
    Measurements,
    MetricName,
    Model,
    ModelName,
    ModelRequest,
    ModelVersion,
    Subgroup,
    TrainingRequest,
    VersionName,
)
from moneyer_lineage.models.rules.names import check_name
from moneyer_lineage.models.store.impact import ImpactStore
from moneyer_lineage.models.store.models import ModelStore
from moneyer_lineage.models.use_cases.impact import tell_late
from moneyer_lineage.record.rules.shapes import Json
from moneyer_lineage.record.store.changes import ChangeStore
from moneyer_lineage.record.use_cases.events import heard, keep_events
from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.documents import Name
from moneyer_shared.contracts.events import dataset, job_of_trainings, run_event
from moneyer_shared.contracts.owners import NewOwner, Ownership
from moneyer_shared.errors import Conflict, NotFound
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import Word
from moneyer_shared.ownership import check_own

TRAININGS = uuid.UUID("0c2a64ee-3f0f-4f6e-9f2e-5d1f1a7d4e11")

# --- models and whose they are ---------------------------------------------------------------------


async def register_model(work: Work, name: ModelName, asked: ModelRequest) -> Model:
    """Register a model, or change whose it is and what is said of it: its owner may.

    Who registers a model for somebody else goes on telling of it, until its owner ends that.

    Raises:
        Forbidden: it is somebody else's, or its name is a registry's.
    """
    store, owner = ModelStore(work.connection), asked.owner or work.by
    shared = sorted({*(asked.shared_with or ()), work.by} - {owner})
    is_new = await enrol(work, name, owner=owner, shared_with=shared, description=asked.description)
    known = await _model(store, name, lock=True)
    if is_new:
        # Only a new name can be taken from a registry; what a registry told of has its owner.
        check_name(name, work.setup.registries)
    else:
        await _change(work, known, owner, asked)
    return await _model(store, name)


async def enrol(work: Work, name: str, *, owner: str, shared_with: Sequence[str] = (), description: str) -> bool:
    """Register a model unless there is one of that name; whether it is new."""
    made = Model(
        name=name, owner=owner, shared_with=list(shared_with), description=description, registered_at=work.now
    )  # fmt: skip
    is_new = await ModelStore(work.connection).add(made)
    if is_new:
        await work.tell(AuditEvent(work.by, Action.MODEL_REGISTER, Word(f"model:{name}")))
    return is_new


async def _change(work: Work, known: Model, owner: str, asked: ModelRequest) -> None:
    """Write down what is said otherwise than before."""
    shared = known.shared_with if asked.shared_with is None else sorted(set(asked.shared_with) - {owner})
    if (known.owner, known.description, known.shared_with) == (owner, asked.description, shared):
        return
    check_own(known.owner, work.by, "This model")
    store = ModelStore(work.connection)
    await store.change(known.name, owner=owner, description=asked.description, shared_with=shared)
    await work.tell(AuditEvent(work.by, Action.MODEL_CHANGE, Word(f"model:{known.name}")))


async def hand_over(work: Work, kind: Literal["model"], subject: ModelName, asked: NewOwner) -> Ownership:
    """Give a model to another owner, whoever had it.

    Raises:
        NotFound: there is no such model.
    """
    store = ModelStore(work.connection)
    await _model(store, subject, lock=True)
    await store.change(subject, owner=asked.owner)
    await work.tell(AuditEvent(work.by, Action.OWNER_GIVE, Word(f"model:{subject}")))
    return Ownership(kind=kind, subject=subject, owner=asked.owner)


async def list_trained_models(work: Work, owner: Name | None = None, after: ModelName | None = None) -> list[Model]:
    return await ModelStore(work.connection).page(owner, after)


async def _model(store: ModelStore, name: str, *, lock: bool = False) -> Model:
    found = await store.find(name, lock=lock)
    if found is None:
        raise NotFound(f"There is no model {name}; register it first.")
    return found


async def _check_tells(store: ModelStore, name: str, by: str) -> None:
    known = await _model(store, name)
    check_own(known.owner, by, "This model", *known.shared_with)


# --- versions and what they were trained on --------------------------------------------------------


async def list_model_versions(work: Work, name: ModelName) -> list[ModelVersion]:
    """A model's versions and their assets.

    Raises:
        NotFound: there is no such model.
    """
    store = ModelStore(work.connection)
    if await store.find(name) is None:
        raise NotFound(f"There is no model {name}.")
    return await store.versions(name)


async def train_model(work: Work, name: ModelName, version: VersionName, asked: TrainingRequest) -> None:
    """Say what a version was trained on.

    Raises:
        NotFound: there is no such model, or an asset that nothing was decided on.
        Forbidden: the model is somebody else's, and not shared.
    """
    await _check_tells(ModelStore(work.connection), name, work.by)
    assets = sorted({str(asset) for asset in asked.assets})
    await train(work, name, version, assets, asked.trained_at, asked.uri)


async def train(
    work: Work, name: str, version: str, assets: Sequence[str], trained_at: datetime, uri: str | None = None
) -> None:
    """The same of whoever may tell of the model.

    Raises:
        NotFound: there is no such model, or an asset that nothing was decided on.
    """
    store = ModelStore(work.connection)
    await ImpactStore(work.connection).begin_training()
    await _model(store, name)
    known = await ChangeStore(work.connection).changes(assets, None)
    unknown = sorted(set(assets) - set(known))
    if unknown:
        raise NotFound(
            f"Nothing was decided on {', '.join(unknown)}; give ids of released assets. "
            "One released this moment is known in a few seconds.",
            code="asset-unknown",
        )
    await store.add_version(name, version, uri, trained_at, work.now)
    new = sorted(await store.add_trainings(name, version, assets))
    if not new:
        return
    first_told = await store.trained_at(name, version)
    assert first_told is not None
    event = _training_event(name, version, new, first_told)
    await keep_events(work, [heard(event, first_told, by="lineage", vouched=True)])
    await tell_late(work, name, version)
    details = {"version": Word(version), "assets": new}
    await work.tell(AuditEvent(work.by, Action.MODEL_TRAIN, Word(f"model:{name}"), details=details))


def _training_event(model: str, version: str, assets: Sequence[str], at: datetime) -> Json:
    return run_event(
        at=at,
        event_type="COMPLETE",
        run_id=str(uuid.uuid5(TRAININGS, f"{model}\n{version}")),
        job=job_of_trainings(model),
        inputs=[dataset("asset", asset) for asset in assets],
        outputs=[dataset("model", f"{model}@{version}")],
    )


# --- figures ---------------------------------------------------------------------------------------


async def measure_model(work: Work, name: ModelName, version: VersionName, asked: Measurements) -> Kept:
    """Keep figures of a version; how many there are now of those told.

    Raises:
        NotFound: there is no such version.
        Forbidden: the model is somebody else's, and not shared.
        Conflict: one was told before with another value; none of them is kept.
    """
    store = ModelStore(work.connection)
    await _check_version(store, name, version)
    await _check_tells(store, name, work.by)
    kept = {one.of: one for one in await store.add_metrics(name, version, asked.figures)}
    changed = [one for one in asked.figures if kept[one.of].said != one.said]
    if changed:
        raise Conflict(
            "A figure of the same metric, subgroup and time has another value; measure again and say when.",
            code="figure-changed",
            reasons=[_reason(one) for one in changed],
        )
    details = {"version": Word(version), "figures": len(asked.figures)}
    await work.tell(AuditEvent(work.by, Action.MODEL_MEASURE, Word(f"model:{name}"), details=details))
    return Kept(kept=len(kept))


def _reason(changed: Measurement) -> dict[str, str]:
    return {"code": "figure-changed", "metric": changed.metric, "subgroup": changed.subgroup}


async def list_model_metrics(
    work: Work,
    name: ModelName,
    version: VersionName,
    metric: MetricName | None = None,
    subgroup: Subgroup | None = None,
    after: uuid.UUID | None = None,
) -> list[Figure]:
    """A version's figures over time and by subgroup, as they came.

    Raises:
        NotFound: there is no such version.
    """
    store = ModelStore(work.connection)
    await _check_version(store, name, version)
    return await store.metrics(name, version, metric=metric, subgroup=subgroup, after=after)


async def _check_version(store: ModelStore, name: str, version: str) -> None:
    if await store.trained_at(name, version) is None:
        raise NotFound(f"There is no version {version} of a model {name}.")
