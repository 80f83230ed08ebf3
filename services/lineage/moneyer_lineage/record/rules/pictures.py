"""Runs, jobs, datasets and their versions as they are shown: the word that counts, and beside it what others say.

What is ours by its namespace, or what the house ever vouched for, is what the house says of it and nothing more; a
run of anybody else's is what its first teller says; any other job or dataset is what all its tellers say together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moneyer_lineage.record.rules.shapes import Facets, Json, fields_of, text_of
from moneyer_lineage.record.rules.statements import HOUSE, OTHERS, Layer, Layers, Statement, is_ours, tellers

ENDED = frozenset({"COMPLETED", "FAILED", "ABORTED"})
_FACET, _JOB_FACET = "facet:", "job facet:"


def _bodies(layer: Layer, kind: str) -> Json:
    return {name.removeprefix(kind): word.value for name, word in layer.items() if name.startswith(kind)}


@dataclass(frozen=True)
class OtherStatement:
    """What somebody said of a thing who does not count there."""

    by: str | None
    state: str | None
    facets: Facets


def _heard_of_layer(layer: Layer) -> list[OtherStatement]:
    """One entry a teller: of many tellers' words on a table each is whose it is."""
    by_teller: dict[str | None, Layer] = {}
    for name, word in layer.items():
        by_teller.setdefault(word.by, {})[name] = word
    ordered = sorted(by_teller.items(), key=lambda one: one[0] or "")
    heard = [OtherStatement(by, _value(its, "state"), _bodies(its, _FACET)) for by, its in ordered]
    return [one for one in heard if one.by is not None or one.state is not None or one.facets]


def _value(layer: Layer, register: str) -> Any:
    word = layer.get(register)
    return word.value if word is not None else None


def _at(layer: Layer, register: str) -> datetime | None:
    word = layer.get(register)
    return word.at if word is not None else None


@dataclass(frozen=True)
class Chosen:
    """The layer that counts, whether the house vouches for it, and what the others say."""

    layer: Layer
    vouched: bool
    heard: list[OtherStatement]
    first: Statement
    last: Statement

    @property
    def told_by(self) -> list[str]:
        return tellers(self.layer.values())


def party_of(layers: Layers, owner: str) -> str:
    """Whose word a run is: the house's once it has spoken, whenever that was; else that of whoever told it first."""
    return HOUSE if HOUSE in layers else owner


def chosen_of_run(layers: Layers, owner: str) -> Chosen:
    party = party_of(layers, owner)
    layer = layers[party]
    heard = [one for name in sorted(layers.keys() - {party}) for one in _heard_of_layer(layers[name])]
    return Chosen(layer, party == HOUSE, heard, layer["first"], layer["last"])


def chosen(namespace: str, layers: Layers) -> Chosen:
    """The same of a job, a dataset or a version of one."""
    if HOUSE not in layers and not is_ours(namespace):
        layer = layers[OTHERS]
        return Chosen(layer, vouched=False, heard=[], first=layer["first"], last=layer["last"])
    layer, others = layers.get(HOUSE, {}), layers.get(OTHERS, {})
    seen = layer or others
    return Chosen(layer, HOUSE in layers, _heard_of_layer(others), seen["first"], seen["last"])


# --- what is shown ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Picture:
    facets: Facets
    created_at: datetime
    updated_at: datetime
    vouched: bool
    told_by: list[str]
    heard: list[OtherStatement]


def _basis(found: Chosen) -> Json:
    return {
        "facets": _bodies(found.layer, _FACET), "created_at": found.first.at, "updated_at": found.last.at,
        "vouched": found.vouched, "told_by": found.told_by, "heard": found.heard,
    }  # fmt: skip


@dataclass(frozen=True)
class RunPicture(Picture):
    run_id: str
    party: str
    job_namespace: str
    job_name: str
    state: str | None
    started_at: datetime | None
    ended_at: datetime | None
    nominal_start: str | None
    nominal_end: str | None
    job_facets: Facets


def run_picture(run_id: str, layers: Layers, owner: str) -> RunPicture:
    found = chosen_of_run(layers, owner)
    basis, state = _basis(found), _value(found.layer, "state")
    namespace, name = found.layer["job"].value
    return RunPicture(
        **basis, run_id=run_id, party=party_of(layers, owner), job_namespace=namespace, job_name=name, state=state,
        started_at=_at(found.layer, "started"), ended_at=_at(found.layer, "state") if state in ENDED else None,
        nominal_start=text_of(basis["facets"], "nominalTime", "nominalStartTime"),
        nominal_end=text_of(basis["facets"], "nominalTime", "nominalEndTime"),
        job_facets=_bodies(found.layer, _JOB_FACET),
    )  # fmt: skip


def current_run(runs: Sequence[RunPicture]) -> RunPicture:
    """Of a job's runs, the newest first, the one that says what the job reads and writes: the newest that finished."""
    return next((run for run in runs if run.state == "COMPLETED"), runs[0])


@dataclass(frozen=True)
class JobPicture(Picture):
    """``static`` are inputs and outputs told of the job itself, without a run."""

    namespace: str
    name: str
    static: Facets

    @property
    def type(self) -> str | None:
        return text_of(self.facets, "jobType", "processingType")

    @property
    def description(self) -> str | None:
        return text_of(self.facets, "documentation", "description")

    @property
    def location(self) -> str | None:
        return text_of(self.facets, "sourceCodeLocation", "url")


def job_picture(namespace: str, name: str, layers: Layers) -> JobPicture:
    found = chosen(namespace, layers)
    return JobPicture(**_basis(found), namespace=namespace, name=name, static=_value(found.layer, "static") or {})


@dataclass(frozen=True)
class DatasetPicture(Picture):
    """``tags`` are those of the dataset under the empty name, and of its fields under theirs."""

    namespace: str
    name: str
    current_version: str | None
    last_modified_at: datetime | None
    tags: Mapping[str, list[str]]

    @property
    def fields(self) -> list[Json] | None:
        return fields_of(self.facets)

    @property
    def description(self) -> str | None:
        return text_of(self.facets, "documentation", "description")

    @property
    def lifecycle_state(self) -> str | None:
        return text_of(self.facets, "lifecycleStateChange", "lifecycleStateChange")


def dataset_picture(namespace: str, name: str, layers: Layers, tags: Mapping[str, list[str]]) -> DatasetPicture:
    found = chosen(namespace, layers)
    return DatasetPicture(
        **_basis(found), namespace=namespace, name=name, tags=tags, current_version=_value(found.layer, "version"),
        last_modified_at=_at(found.layer, "modified"),
    )  # fmt: skip


@dataclass(frozen=True)
class VersionPicture(DatasetPicture):
    version: str
    run_id: str


def version_picture(version: str, namespace: str, name: str, run_id: str, layers: Layers) -> VersionPicture:
    shown = dataset_picture(namespace, name, layers, {})
    return VersionPicture(**vars(shown), version=version, run_id=run_id)
