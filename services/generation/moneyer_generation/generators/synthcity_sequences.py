"""synthcity's generators of sequences: rows that belong together, in the order of a declared column."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from moneyer_generation.generators.protocol import CannotLearn
from moneyer_generation.generators.synthcity_plugin import (
    FittedPlugin,
    SynthcityEngine,
    from_frame,
    loaders,
    split_constants,
    to_frame,
)
from moneyer_shared.contracts.generation import Sequence, SourceDeclaration

LEAST_SEQUENCES = 10
MOST_DRAWS = 20
PATIENCE = 20
EMPTY = "Empty temporal data"
"""What synthcity says where every sequence it made is empty."""


class SequenceEngine(SynthcityEngine):
    """A plugin that learns whole sequences: what stays the same in one, what changes, and when it was seen.

    The plugins take numbers only, so a category is a column of zeros and ones for each of its values.
    """

    needs = "sequence"

    def _loader(self, table: pa.Table, declaration: SourceDeclaration) -> tuple[Any, dict[str, Any]]:
        order, static = roles(declaration)
        frame, constants = split_constants(to_frame(table, declaration), keep=(order,))
        frame = as_numbers(frame)
        owner = pd.Series(table[declared(declaration).column].to_numpy())
        groups = [part.sort_values(order) for _, part in frame.groupby(owner)]
        names = [str(name) for name in frame]
        fixed = [name for name in names if name.partition("=")[0] in static]
        moving = [name for name in names if name not in fixed and name != order]
        if not moving:
            raise CannotLearn("no column changes within a sequence")
        loader = loaders().TimeSeriesDataLoader(
            temporal_data=[part[moving].reset_index(drop=True) for part in groups],
            observation_times=[part[order].tolist() for part in groups],
            static_data=pd.concat([part[fixed].iloc[:1] for part in groups], ignore_index=True) if fixed else None,
            # The plugins cannot do without an outcome of each sequence.
            outcome=pd.DataFrame({"rows": [float(len(part)) for part in groups]}),
        )
        return loader, constants

    def _made(self, plugin_class: Any, seed: int, settings: Mapping[str, Any]) -> Any:
        # A sequence may come out empty, and would be drawn again and again.
        return super()._made(plugin_class, seed, {**settings, "sampling_patience": PATIENCE})

    def _fitted(self, plugin: Any, constants: Mapping[str, Any], declaration: SourceDeclaration) -> "FittedSequences":
        return FittedSequences(plugin, constants, declaration)


class FourierEngine(SequenceEngine):
    """Flows in the frequency domain, whose network for what stays the same is trained as long as they are."""

    def _made(self, plugin_class: Any, seed: int, settings: Mapping[str, Any]) -> Any:
        made = super()._made(plugin_class, seed, settings)
        network = import_module("synthcity.plugins.generic.plugin_ctgan").plugin
        made.static_model = network(random_state=seed, workspace=Path.cwd(), n_iter=settings["n_iter"])
        return made


class FittedSequences(FittedPlugin):
    """A fitted plugin that makes whole sequences, numbered in the declared column; the last may be cut short."""

    def sample(self, rows: int, seed: int | None) -> pa.Table:
        """A table of the learned columns and the number of each row's sequence.

        Raises:
            CannotLearn: the model makes hardly any rows.
        """
        pieces: list[pd.DataFrame] = []
        sequences = made = 0
        wanted = max(LEAST_SEQUENCES, rows // 10)
        for draw in range(MOST_DRAWS):
            frame = self.frame(wanted, (0 if seed is None else seed) + draw)
            pieces.append(frame.assign(sequence=frame["sequence"] + sequences))
            sequences, made = sequences + wanted, made + len(frame)
            if made >= rows:
                break
            wanted = max(LEAST_SEQUENCES, min(rows, (rows - made) * sequences // max(1, made)))
        if made < rows:
            raise CannotLearn(f"{sequences} sequences of the model hold {made} rows; {rows} are needed")
        whole = pd.concat(pieces, ignore_index=True).iloc[:rows]
        numbers = pa.array(whole["sequence"].to_numpy(), pa.int64())
        return from_frame(whole, self._declaration).append_column(declared(self._declaration).column, numbers)

    def frame(self, count: int, seed: int) -> pd.DataFrame:
        order, _ = roles(self._declaration)
        try:
            raw = super().frame(count, seed)
        except ValueError as error:
            if EMPTY not in str(error):
                raise
            message = "the model makes sequences without rows: train it longer, or choose timegan or timevae"
            raise CannotLearn(message) from None
        names = {name: str(name).removeprefix("seq_static_").removeprefix("seq_temporal_") for name in raw}
        frame = raw.rename(columns=names | {"seq_id": "sequence", "seq_time_id": order})
        return as_categories(frame).sort_values(["sequence", order], kind="stable", ignore_index=True)


def declared(declaration: SourceDeclaration) -> Sequence:
    assert declaration.sequence is not None
    return declaration.sequence


def roles(declaration: SourceDeclaration) -> tuple[str, set[str]]:
    """The order's column, and those that stay the same in a sequence, as the frame names them."""
    names = [column.name for column in declaration.learned]
    sequence = declared(declaration)
    static = {names.index(name) for name in sequence.static}
    return f"c{names.index(sequence.order)}", {f"{kind}{i}" for i in static for kind in "cm"}


def as_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """Categories as a column of zeros and ones for each value, named ``column=value``."""
    parts = [
        frame[[name]].astype("float64")
        if pd.api.types.is_numeric_dtype(frame[name])
        else pd.get_dummies(frame[name], dtype="float64").add_prefix(f"{name}=")
        for name in frame
    ]
    return pd.concat(parts, axis=1)


def as_categories(frame: pd.DataFrame) -> pd.DataFrame:
    """Each category as the value whose column is largest."""
    split = {name: name.partition("=") for name in map(str, frame) if "=" in name}
    kept = frame.drop(columns=list(split))
    for column in dict.fromkeys(found[0] for found in split.values()):
        names = [name for name, found in split.items() if found[0] == column]
        values = np.array([split[name][2] for name in names], dtype=object)
        kept[column] = values[frame[names].to_numpy(dtype=np.float64).argmax(axis=1)]
    return kept
