"""The standard suite on every engine of the catalogue that makes rows, on one public table.

Writes docs/suite.md. Every engine learns from the same rows and is asked for as many; its table is assayed beside those
and beside people no engine saw. Name engines to try those alone.
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
from bench import Bench

from moneyer.cli import randhie
from moneyer_evaluation.measures.catalogue import STANDARD
from moneyer_evaluation.measures.reference import Tables
from moneyer_evaluation.measures.suite import assay
from moneyer_evaluation.rules import Estimate
from moneyer_generation.generators.catalogue import CATALOGUE, engine_named
from moneyer_generation.generators.protocol import complete
from moneyer_shared.contracts.generation import SourceDeclaration

SECONDS, MEBIBYTES, ROWS = 400, 12_000, 4_000
PAGE = Path(__file__).parents[1] / "docs" / "suite.md"
LESS: dict[str, dict[str, Any]] = {
    **{name: {"n_iter": 100} for name in ("ctgan", "tvae", "rtvae", "nflow", "adsgan")},
    "ddpm": {"n_iter": 200},
    "dpgan": {"n_iter": 3},
}
SHOWN = {
    "marginal-tvd-mean": "columns",
    "pairwise-tvd-mean": "pairs",
    "detection-auc": "told apart",
    "utility-gap": "loss of a model",
    "coverage": "coverage",
    "membership-auc": "membership",
    "membership-shadow-auc": "membership, learned",
    "singling-out-risk": "singling out",
    "attribute-inference-risk": "inference",
    "exact-copy-excess": "copies",
}
HEAD = f"""# The standard suite on the catalogue's engines

`make suite` writes this page: {ROWS:,} rows of the RAND Health Insurance table to learn from, as many held out, as
many made, assayed by `{STANDARD}`. Each cell is the estimate and its interval at 95 %. Parameters are the defaults,
ε = 1 and δ = 1e-6 where an engine takes them, but neural engines train for fewer rounds
({", ".join(f"{name} {more['n_iter']}" for name, more in LESS.items())}).
An engine is stopped after {SECONDS} s on two cores.

The first line is the rows learned from themselves: what a table that gives everybody away looks like. An area of 0.5
and an excess of 0 are what an attacker gets who might as well guess. One draw of one table: engines whose intervals
overlap are not told apart by it.

| engine | earns | {" | ".join(SHOWN.values())} | seconds |
|---|---|{"---|" * len(SHOWN)}---|
"""


def declaration() -> SourceDeclaration:
    """The table's own, with a sensitive column for attackers to guess."""
    declared = randhie.declaration(UUID(int=0), "randhie")
    columns = [
        column.model_copy(update={"role": "sensitive"}) if column.name == declared.target else column
        for column in declared.columns
    ]
    return declared.model_copy(update={"columns": columns})


def parameters(name: str) -> dict[str, Any]:
    known = engine_named(name).parameters
    private = {key: value for key, value in {"epsilon": "1", "delta": "0.000001"}.items() if key in known}
    return private | LESS.get(name, {})


def cells(found: dict[str, Estimate]) -> str:
    def cell(metric: str) -> str:
        one = found.get(metric)
        return f"{one.value:.3f} ({one.lower:.3f} … {one.upper:.3f})" if one else "not estimable"

    return " | ".join(cell(metric) for metric in SHOWN)


async def main() -> None:
    declared, table = declaration(), randhie.table()
    order = np.random.default_rng(0).permutation(table.num_rows)
    train, holdout = (table.take(pa.array(order[place * ROWS : (place + 1) * ROWS])) for place in (0, 1))

    def judged(asset: pa.Table) -> str:
        made = assay(Tables.of(declared, train, holdout, asset, 0))
        return cells({one.metric: one for one in made if isinstance(one, Estimate)})

    lines = [f"| the rows learned from | nothing | {judged(train)} | |"]
    names = sys.argv[1:] or [engine.name for engine in CATALOGUE.values() if engine.needs == "rows"]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), seconds=SECONDS, mebibytes=MEBIBYTES)
        for name in names:
            level = engine_named(name).guarantee(declared, complete(engine_named(name), parameters(name))).level
            outcome = await bench.make(name, train, declared, ROWS, parameters(name))
            shown = judged(outcome.table) if outcome.table is not None else f"no table: {outcome.because}" + " |" * 9
            lines.append(f"| {name} | {level} | {shown} | {outcome.seconds:.0f} |")
            print(lines[-1], flush=True)
            PAGE.write_text(HEAD + "\n".join(lines) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
