"""synthcity's generators without a guarantee.

They learn from the rows as they are, so what they make earns ``none``: charters that allow them count
their releases and hold the asset to the risk an assay measures.
"""

import logging
import pickle
from collections.abc import Collection, Generator, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from moneyer_generation.generators.protocol import Capacity, Needs, Parameters, ParameterSpec, Report, unit_of
from moneyer_shared.contracts.domains import CategoricalDomain, IntegerDomain, NumberDomain
from moneyer_shared.contracts.generation import Column, SourceDeclaration
from moneyer_shared.contracts.policy import Guarantee, Mechanism
from moneyer_shared.exact import arrow_schema

MISSING = "\x00missing"
MOST_PLACES = 2**31
"""Rows times places of a table in which every category has one: 8 GiB once, and plugins hold it several times."""
IN_PLACES = Capacity(most_places=MOST_PLACES)


class SynthcityEngine:
    """One synthcity plugin behind our protocol."""

    version = "0.2.12"
    needs: Needs = "rows"

    def __init__(
        self,
        name: str,
        group: str,
        description: str,
        parameters: Mapping[str, ParameterSpec],
        *,
        cost: str = "minutes",
        capacity: Capacity = IN_PLACES,
    ) -> None:
        self.name = name
        self.description = description
        self.parameters = parameters
        self.cost = cost
        self.capacity = capacity
        self._module = f"synthcity.plugins.{group}.plugin_{name.replace('-', '_')}"

    def warm(self) -> None:
        self._plugin_class()

    def guarantee(self, declaration: SourceDeclaration, parameters: Parameters) -> Guarantee:  # noqa: ARG002
        return Guarantee(
            level="none",
            unit=unit_of(declaration),
            statement="No differential privacy: risk is measured by the assay, not bounded by a proof.",
            gaps=[
                "The model may memorise rows; the assay's attacks are a lower bound on what an attacker can do.",
                "The fitted model can hold real rows; it is kept sealed as a source is and never handed out.",
            ],
        )

    def mechanism(self, declaration: SourceDeclaration, parameters: Parameters) -> Mechanism:  # noqa: ARG002
        return Mechanism(kind="none")

    def noise(self, declaration: SourceDeclaration, parameters: Parameters) -> float | None:  # noqa: ARG002
        return None

    def fit(
        self,
        table: pa.Table,
        declaration: SourceDeclaration,
        parameters: Parameters,
        seed: int | None,
        report: Report,
    ) -> "FittedPlugin":
        report(0.05)
        plugin_class = self._plugin_class()
        seed = 0 if seed is None else seed
        # Some plugins draw their first weights as they are made.
        import_module("synthcity.utils.reproducibility").enable_reproducible_results(seed)
        made = self._made(plugin_class, seed, self.settings(parameters))
        loader, constants = self._loader(table, declaration)
        if loader is None:
            return self._fitted(None, constants, declaration)
        report(0.1)
        with reporting_rounds(report, 0.1, 0.9):
            made.fit(loader)
        _forget_training(made)
        return self._fitted(made, constants, declaration)

    def _made(self, plugin_class: Any, seed: int, settings: Mapping[str, Any]) -> Any:
        # Strict plugins drop repeated rows and sample again and again; a table has repeated rows.
        return plugin_class(random_state=seed, workspace=Path.cwd(), strict=False, **settings)

    def _loader(self, table: pa.Table, declaration: SourceDeclaration) -> tuple[Any, dict[str, Any]]:
        """What the plugin learns from, and the columns it is spared: those of a single value.

        None to learn from where no column varies: plugins fail of that, each in its own way.
        """
        frame, constants = split_constants(to_frame(table, declaration))
        return loaders().GenericDataLoader(frame) if len(frame.columns) else None, constants

    def _fitted(self, plugin: Any, constants: Mapping[str, Any], declaration: SourceDeclaration) -> "FittedPlugin":
        return FittedPlugin(plugin, constants, declaration)

    def settings(self, parameters: Parameters) -> dict[str, Any]:
        """The plugin's arguments: exact decimals become the floats it takes."""
        decimals = {name for name, spec in self.parameters.items() if spec.kind == "decimal"}
        return {name: float(value) if name in decimals else value for name, value in parameters.items()}

    def load(self, model: bytes, declaration: SourceDeclaration) -> "FittedPlugin":
        self._plugin_class()
        # Only bytes that opened under their own seal come here; see moneyer_shared.custody.
        plugin, constants = pickle.loads(model)  # noqa: S301
        return self._fitted(plugin, constants, declaration)

    def _plugin_class(self) -> Any:
        module = import_module(self._module)
        quiet()
        return module.plugin


def loaders() -> Any:
    return import_module("synthcity.plugins.core.dataloader")


def split_constants(frame: pd.DataFrame, keep: Collection[str] = ()) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The frame without its columns of a single value, and those values; ``keep`` stays whatever it holds."""
    constants = {
        str(name): frame[name].iloc[0]
        for name in frame
        if name not in keep and (frame[name] == frame[name].iloc[0]).all()
    }
    return frame.drop(columns=list(constants)), constants


@contextmanager
def reporting_rounds(report: Report, begin: float, end: float) -> Generator[None]:
    """Rounds of training, which synthcity counts with tqdm, told as progress from ``begin`` to ``end``."""
    tqdm = import_module("tqdm").tqdm
    count_up = tqdm.__iter__

    def told(self: Any) -> Iterator[Any]:
        for done, item in enumerate(count_up(self), 1):
            yield item
            if self.total:
                report(begin + (end - begin) * min(1.0, done / self.total))

    tqdm.__iter__ = told
    try:
        yield
    finally:
        tqdm.__iter__ = count_up


@contextmanager
def seeded_distributions(seed: int) -> Generator[None]:
    """Synthcity draws some columns from distributions it makes on the spot, each with entropy of its own."""
    distribution = import_module("synthcity.plugins.core.distribution").Distribution
    numbers = count()
    fresh = distribution.__init__

    def seeded(self: Any, **values: Any) -> None:
        fresh(self, **values)
        self._rng = np.random.default_rng([seed, next(numbers)])

    distribution.__init__ = seeded
    try:
        yield
    finally:
        distribution.__init__ = fresh


def _forget_training(plugin: Any) -> None:
    """Drop what an adversarial network needs only to learn: the half that saw real rows, its optimiser, its callbacks.

    dpgan's cannot even be read back, and is most of its file.
    """
    part = plugin
    while (part := getattr(part, "model", None)) is not None:
        if "discriminator" in getattr(part, "_modules", {}):
            del part.discriminator
            part.generator_extra_penalty_cbks = []
            part.fake_labels_generator = part.true_labels_generator = None


def quiet() -> None:
    """Libraries under synthcity may print values; a child process has nothing to say there."""
    import_module("synthcity.logger").remove()
    logging.disable(logging.CRITICAL)


class FittedPlugin:
    """A fitted synthcity plugin, and the columns of a single value that some plugins would lose.

    Where no column varied there is no plugin, and every row is the one that all rows were.
    """

    def __init__(self, plugin: Any, constants: Mapping[str, Any], declaration: SourceDeclaration) -> None:
        self._plugin = plugin
        self._constants = constants
        self._declaration = declaration

    def sample(self, rows: int, seed: int | None) -> pa.Table:
        return from_frame(self.frame(rows, 0 if seed is None else seed), self._declaration)

    def frame(self, count: int, seed: int) -> pd.DataFrame:
        """So many rows (of sequences: so many sequences) as the plugin makes them, columns by position."""
        if self._plugin is None:
            return pd.DataFrame(dict(self._constants), index=range(count))
        with seeded_distributions(seed):
            made = self._plugin.generate(count=count, random_state=seed)
        frame: pd.DataFrame = made.dataframe().assign(**self._constants)
        return frame

    def dump(self) -> bytes:
        # Some plugins make classes as they go, which only cloudpickle can follow.
        dumped: bytes = import_module("cloudpickle").dumps((self._plugin, self._constants))
        return dumped


def to_frame(table: pa.Table, declaration: SourceDeclaration) -> pd.DataFrame:
    """The learned columns by position. A nullable number becomes a filled number beside a missing flag,
    for the neural plugins refuse nulls; a nullable category gets a category of its own.
    """
    frame = pd.DataFrame(index=range(table.num_rows))
    for i, column in enumerate(declaration.learned):
        values = table[column.name].to_pandas()
        if column.domain.kind == "categorical":
            frame[f"c{i}"] = values.fillna(MISSING).astype(str)
            continue
        if column.nullable:
            frame[f"m{i}"] = values.isna().map({True: "yes", False: "no"})
            middle = values.median()
            values = values.fillna(0 if pd.isna(middle) else middle)
        frame[f"c{i}"] = values.astype("int64" if column.domain.kind == "integer" else "float64")
    return frame


def from_frame(frame: pd.DataFrame, declaration: SourceDeclaration) -> pa.Table:
    """A sampled frame as a table inside the declared domain."""
    arrays = [_array(frame, i, column) for i, column in enumerate(declaration.learned)]
    return pa.Table.from_arrays(arrays, schema=arrow_schema(declaration.learned))


def _array(frame: pd.DataFrame, i: int, column: Column) -> pa.Array:
    values = frame[f"c{i}"]
    match column.domain:
        case CategoricalDomain():
            texts = values.astype(str)
            return pa.array(texts, type=pa.string(), mask=(texts == MISSING).to_numpy())
        case IntegerDomain(minimum=low, maximum=high):
            whole = np.clip(np.rint(values.to_numpy(dtype=np.float64)), low, high).astype(np.int64)
            return pa.array(whole, type=pa.int64(), mask=_missing(frame, i, column))
        case NumberDomain(minimum=low, maximum=high):
            numbers = np.clip(values.to_numpy(dtype=np.float64), low, high)
            return pa.array(numbers, type=pa.float64(), mask=_missing(frame, i, column))
        case _:
            message = "identifiers are never learned"
            raise ValueError(message)


def _missing(frame: pd.DataFrame, i: int, column: Column) -> Any:
    return (frame[f"m{i}"].astype(str) == "yes").to_numpy() if column.nullable else None
