"""Where a walk of the graph begins, and what it found."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from moneyer_shared.errors import Invalid
from moneyer_shared.records import run_id_of

Kind = Literal["dataset", "run", "job"]
Direction = Literal["upstream", "downstream"]
MOST_NODES = 2000
MOST_READINGS = 100
ASSET, MODEL = "moneyer.asset", "moneyer.model"
"""The namespaces of assets, and of the versions of models trained on them: ``<model>@<version>``."""

# --- ids -------------------------------------------------------------------------------------
# In an id the last colon parts namespace and name, so a colon in a name is written %3A; and, for that to mean one
# thing, the % of a name that reads like an escape is written %25. Every other name stands in its id as it is.
_LIKE_AN_ESCAPE = re.compile("%(?=25|3A|3a)")
_ESCAPE = re.compile("%(25|3A|3a)")


def escaped(name: str) -> str:
    return _LIKE_AN_ESCAPE.sub("%25", name).replace(":", "%3A")


def unescaped(name: str) -> str:
    return _ESCAPE.sub(lambda found: "%" if found[1] == "25" else ":", name)


def node_id(kind: str, namespace: str, name: str) -> str:
    """The id of a dataset or job: ``Start.of`` reads it back."""
    return f"{kind}:{namespace}:{escaped(name)}"


def field_id(namespace: str, dataset: str, name: str) -> str:
    return f"datasetField:{namespace}:{escaped(dataset)}:{escaped(name)}"


def run_node(run: str) -> str:
    return f"run:{run}"


@dataclass(frozen=True)
class Start:
    """A node by its id: ``dataset:<namespace>:<name>``, ``job:<namespace>:<name>`` or ``run:<id>``.

    ``readings`` are the namespaces and names it may mean, the surest first: as ``node_id`` writes it, then as somebody
    may who does not escape colons.
    """

    kind: Kind
    run: str
    readings: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, node: str) -> "Start":
        """The node of that id.

        Raises:
            Invalid: it is no node's id.
        """
        kind, _, rest = node.partition(":")
        match kind:
            case "run" if run := run_id_of(rest):
                return cls("run", run, ())
            case "dataset" | "job" if readings := tuple(_readings(rest)):
                return cls("dataset" if kind == "dataset" else "job", "", readings)
            case _:
                raise Invalid(
                    "node is dataset:<namespace>:<name>, job:<namespace>:<name> or run:<UUID>; write a colon in a name "
                    "as %3A.",
                    code="node-unreadable",
                )

    def __str__(self) -> str:
        namespace, name = self.readings[0] if self.readings else ("", self.run)
        return f"{self.kind} {namespace}/{name}" if namespace else f"{self.kind} {name}"


def _readings(rest: str) -> Iterable[tuple[str, str]]:
    places = [place for place, letter in enumerate(rest) if letter == ":" and 0 < place < len(rest) - 1]
    nearest = list(reversed(places))[:MOST_READINGS]
    written = [(rest[:place], unescaped(rest[place + 1 :])) for place in nearest[:1]]
    return dict.fromkeys(written + [(rest[:place], rest[place + 1 :]) for place in nearest])


# --- what a walk found -----------------------------------------------------------------------


@dataclass(frozen=True)
class Edge:
    """What a run read (``input``) or wrote (``output``), as ``told_by`` says, or the house where it is vouched for."""

    run_id: str
    direction: str
    namespace: str
    name: str
    job_namespace: str
    job_name: str
    told_by: str | None
    vouched: bool


@dataclass
class Voices:
    """Who told of a thing; ``vouched`` if the house did."""

    vouched: bool = False
    by: set[str] = field(default_factory=set[str])

    def add(self, edge: Edge) -> None:
        self.vouched = self.vouched or edge.vouched
        self.by |= {edge.told_by} if edge.told_by is not None else set()

    @property
    def told_by(self) -> list[str]:
        return sorted(self.by)


@dataclass
class Found:
    """Datasets, runs and the links between them; links point the way the data went."""

    datasets: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    runs: dict[str, dict[str, Voices]] = field(default_factory=dict[str, dict[str, Voices]])
    """By run, the job that each tells it to be a run of."""
    links: dict[tuple[str, str], Voices] = field(default_factory=dict[tuple[str, str], Voices])

    @property
    def is_full(self) -> bool:
        return len(self.datasets) > MOST_NODES

    def add(self, edge: Edge) -> None:
        dataset, run = node_id("dataset", edge.namespace, edge.name), run_node(edge.run_id)
        link = (dataset, run) if edge.direction == "input" else (run, dataset)
        self.links.setdefault(link, Voices()).add(edge)
        jobs = self.runs.setdefault(edge.run_id, {})
        jobs.setdefault(f"{edge.job_namespace}/{edge.job_name}", Voices()).add(edge)

    def job_of(self, run: str) -> tuple[str, Voices]:
        """A run's job, and who says so: the house's word for it, where there is one."""
        return min(self.runs[run].items(), key=lambda one: (not one[1].vouched, one[0]))
