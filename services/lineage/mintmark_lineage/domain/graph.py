"""Where a walk of the graph begins, and what it found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mintmark_lineage.domain.changes import Standing
from mintmark_shared.errors import Invalid

Kind = Literal["dataset", "run", "job"]
Direction = Literal["upstream", "downstream"]
MOST_NODES = 2000
ASSET, MODEL = "mintmark.asset", "mintmark.model"
"""The namespaces of assets, and of the versions of models trained on them: ``<model>@<version>``."""


@dataclass(frozen=True)
class Start:
    """A node by its id: ``dataset:<namespace>:<name>``, ``job:<namespace>:<name>`` or ``run:<id>``."""

    kind: Kind
    namespace: str
    name: str

    @classmethod
    def of(cls, node: str) -> "Start":
        """The node of that id. A namespace may hold colons; then the last one parts it from the name.

        Raises:
            Invalid: it is no node's id.
        """
        kind, _, rest = node.partition(":")
        namespace, _, name = rest.rpartition(":")
        match kind:
            case "run" if rest:
                return cls("run", "", rest)
            case "dataset" if namespace and name:
                return cls("dataset", namespace, name)
            case "job" if namespace and name:
                return cls("job", namespace, name)
            case _:
                raise Invalid(
                    "node is dataset:<namespace>:<name>, job:<namespace>:<name> or run:<id>.", code="node-unreadable"
                )


@dataclass
class Found:
    """Datasets, runs and the links between them; links point the way the data went."""

    direction: Direction
    datasets: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    runs: dict[str, str] = field(default_factory=dict[str, str])
    links: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    @property
    def is_full(self) -> bool:
        return len(self.datasets) > MOST_NODES

    def link(self, near: str, far: str) -> None:
        """From what is nearer the start of the walk to what is farther."""
        self.links.add((far, near) if self.direction == "upstream" else (near, far))

    def show(self, known: Mapping[str, Standing]) -> dict[str, Any]:
        """The walk as it is shown, with what each asset is."""
        return {
            "datasets": [_dataset(space, title, known.get(title)) for space, title in sorted(self.datasets)],
            "runs": [{"id": run, "job": job} for run, job in sorted(self.runs.items())],
            "links": [{"from": start, "to": end} for start, end in sorted(self.links)],
            "truncated": self.is_full,
        }


def _dataset(namespace: str, name: str, standing: Standing | None) -> dict[str, Any]:
    shown: dict[str, Any] = {"namespace": namespace, "name": name}
    if standing is None or namespace != ASSET:
        return shown
    return shown | {"state": standing.state, "substitute": standing.substitute}


def dataset_id(namespace: str, name: str) -> str:
    return f"dataset:{namespace}:{name}"


def run_id(run: str) -> str:
    return f"run:{run}"
