"""Every engine on tables that are hard in one way each: what works, and what is refused and why.

Writes docs/catalogue.md. Each cell is a run of its own, through the child process that a worker uses, with few rounds
of training: it shows that an engine carries such a table, not how well. Name engines to try those alone.
"""

import asyncio
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
from bench import Bench

from moneyer.cli import randhie
from moneyer_generation.generators.catalogue import CATALOGUE, WITHDRAWN, engine_named
from moneyer_generation.generators.protocol import Needs, check_shapeable, check_source, complete
from moneyer_shared.contracts.generation import Column, SourceDeclaration, Survival
from moneyer_shared.contracts.generation import Sequence as Sequences
from moneyer_shared.errors import Invalid
from moneyer_shared.exact import arrow_schema

SECONDS, MEBIBYTES = 150, 12_000
ROWS = 500
PAGE = Path(__file__).parents[1] / "docs" / "catalogue.md"
QUICK: dict[str, dict[str, Any]] = {
    "dpmm-mst": {"iterations": 200},
    "dpmm-fixed": {"iterations": 200},
    "bayesian-network": {"struct_learning_n_iter": 50, "struct_max_indegree": 2},
    "arf": {"num_trees": 10, "max_iters": 2},
    "marginal-distributions": {},
    **{name: {"n_iter": 5, "batch_size": 100} for name in ("ctgan", "tvae", "rtvae", "nflow", "ddpm", "adsgan")},
    **{name: {"n_iter": 5, "batch_size": 100} for name in ("survival-gan", "survival-ctgan", "survae")},
    "survival-nflow": {"n_iter": 5},
    **{name: {"n_iter": 5, "batch_size": 100} for name in ("timegan", "timevae")},
    "fflows": {"n_iter": 5},
    "dpgan": {"n_iter": 1, "batch_size": 100},
    "pategan": {"n_iter": 1, "n_teachers": 2},
    "aim": {},
}


@dataclass(frozen=True)
class Trial:
    """A table that is hard in one way, and what is asked of it."""

    title: str
    source: str
    table: Callable[[], tuple[pa.Table, SourceDeclaration]]
    shape: dict[str, Any] | None = None


def declared(columns: Sequence[dict[str, Any]]) -> SourceDeclaration:
    return SourceDeclaration(
        name="t", description="d", population_id=UUID(int=0), columns=[Column.model_validate(c) for c in columns]
    )


def at_rest(arrays: dict[str, Any], columns: Sequence[dict[str, Any]]) -> tuple[pa.Table, SourceDeclaration]:
    declaration = declared(columns)
    table = pa.table({column.name: arrays[column.name] for column in declaration.columns})
    return table.cast(arrow_schema(declaration.columns)), declaration


def health() -> tuple[pa.Table, SourceDeclaration]:
    """2,000 person-years of the RAND experiment."""
    declaration = randhie.declaration(UUID(int=0), "randhie")
    table = randhie.table().take(pa.array(np.random.default_rng(0).permutation(20_190)[:2000]))
    return table.select([c.name for c in declaration.columns]).cast(arrow_schema(declaration.columns)), declaration


def number(name: str, low: float, high: float, **more: Any) -> dict[str, Any]:
    return {"name": name, "domain": {"kind": "number", "minimum": low, "maximum": high}, **more}


def nulls() -> tuple[pa.Table, SourceDeclaration]:
    """Fair's survey of affairs with a fifth of two columns missing, as an answer withheld is."""
    from statsmodels.datasets import fair

    data: Any = fair.load_pandas().data.sample(2000, random_state=0)
    random = np.random.default_rng(0)
    missing = [random.random(2000) < 0.2 for _ in range(2)]
    religious = data["religious"].astype(int).astype(str).to_numpy()
    arrays = {
        "age": pa.array(data["age"], mask=missing[0]),
        "religious": pa.array(religious, mask=missing[1]),
        "children": data["children"].to_numpy(),
        "affairs": data["affairs"].to_numpy(),
    }
    columns = [
        number("age", 15, 50, nullable=True),
        {"name": "religious", "domain": {"kind": "categorical", "categories": list("1234")}, "nullable": True},
        number("children", 0, 10),
        number("affairs", 0, 60),
    ]
    return at_rest(arrays, columns)


def dates() -> tuple[pa.Table, SourceDeclaration]:
    """Rossi's releases from prison: a date, a moment, a time and an amount made of week and age."""
    from lifelines.datasets import load_rossi

    data: Any = load_rossi()
    released = pd.Timestamp("1971-01-01") + pd.to_timedelta(data["age"] * 7, unit="D")
    seen = released + pd.to_timedelta(data["week"] * 7 * 24 * 3600 + 3661 * data["prio"], unit="s")
    arrays = {
        "released": pa.array(released.dt.date),
        "seen": pa.array(seen).cast(pa.timestamp("ms")),
        "hour": pa.array((data["prio"] * 3600 * 1000).astype("int32")).cast(pa.time32("ms")),
        "paid": pa.array(data["week"] * 1.25).cast(pa.decimal128(18, 2)),
        "arrest": data["arrest"].map({0: "no", 1: "yes"}).to_numpy(),
    }
    columns = [
        {"name": "released", "domain": {"kind": "date", "minimum": "1971-01-01", "maximum": "1972-12-31"}},
        {"name": "seen", "domain": {"kind": "timestamp", "minimum": "1971-01-01", "maximum": "1974-12-31"}},
        {"name": "hour", "domain": {"kind": "time"}},
        {"name": "paid", "domain": {"kind": "decimal", "minimum": "0", "maximum": "100"}},
        {"name": "arrest", "domain": {"kind": "categorical", "categories": ["no", "yes"]}},
    ]
    return at_rest(arrays, columns)


def many_values() -> tuple[pa.Table, SourceDeclaration]:
    """Names that nobody may learn, and a category of 1,000 values, beside lung cancer patients."""
    from lifelines.datasets import load_lung

    data: Any = load_lung()[["age", "status"]].dropna()
    random, rows = np.random.default_rng(0), len(data)
    arrays = {
        "patient": [f"Patient {i}" for i in range(rows)],
        "ward": [f"w{i}" for i in random.integers(0, 1000, rows)],
        "age": data["age"].astype("int64").to_numpy(),
        "status": data["status"].astype(int).astype(str).to_numpy(),
    }
    columns = [
        {"name": "patient", "domain": {"kind": "text", "replacement": "name"}, "role": "identifier"},
        {"name": "ward", "domain": {"kind": "categorical", "categories": [f"w{i}" for i in range(1000)]}},
        {"name": "age", "domain": {"kind": "integer", "minimum": 18, "maximum": 99}},
        {"name": "status", "domain": {"kind": "categorical", "categories": ["0", "1"]}},
    ]
    return at_rest(arrays, columns)


def wide() -> tuple[pa.Table, SourceDeclaration]:
    """scikit-learn's breast cancer measurements, ten times side by side with jitter: 300 columns."""
    from sklearn.datasets import load_breast_cancer

    data: Any = load_breast_cancer()
    random = np.random.default_rng(0)
    values = np.hstack([data.data * random.uniform(0.95, 1.05, data.data.shape) for _ in range(10)])
    columns = [number(f"m{i}", 0, 6000) for i in range(values.shape[1])]
    for column in columns:
        column["domain"]["bins"] = 8
    return at_rest({f"m{i}": values[:, i] for i in range(values.shape[1])}, columns)


Table = tuple[pa.Table, SourceDeclaration]


def with_events(made: Table) -> Table:
    """The table beside weeks until arrest in Rossi's experiment, taken over and over."""
    from lifelines.datasets import load_rossi

    table, declaration = made
    rows: Any = load_rossi()[["week", "arrest"]].sample(table.num_rows, replace=True, random_state=0)
    table = table.append_column("week", pa.array(rows["week"].to_numpy(), pa.int64()))
    table = table.append_column("arrested", pa.array(rows["arrest"].map({0: "no", 1: "yes"}).to_numpy()))
    columns = [
        {"name": "week", "domain": {"kind": "integer", "minimum": 1, "maximum": 52}},
        {"name": "arrested", "domain": {"kind": "categorical", "categories": ["no", "yes"]}},
    ]
    told = {"survival": Survival(event="arrested", occurred="yes", duration="week")}
    return _wider(table, declaration, columns, told)


def with_years(made: Table) -> Table:
    """The table as sequences of four rows, one a year."""
    table, declaration = made
    number = np.arange(table.num_rows)
    table = table.append_column("series", pa.array([f"s{i // 4}" for i in number]))
    table = table.append_column("year", pa.array(1980 + number % 4, pa.int64()))
    columns = [
        {"name": "series", "domain": {"kind": "text", "replacement": "number"}, "role": "identifier"},
        {"name": "year", "domain": {"kind": "integer", "minimum": 1980, "maximum": 1983}},
    ]
    return _wider(table, declaration, columns, {"sequence": Sequences(column="series", order="year")})


def _wider(table: pa.Table, declaration: SourceDeclaration, columns: Sequence[dict[str, Any]], told: Any) -> Table:
    declared = [*declaration.columns, *(Column.model_validate(column) for column in columns)]
    wider = SourceDeclaration.model_validate(declaration.model_copy(update={"columns": declared, **told}).model_dump())
    return table.cast(arrow_schema(wider.columns)), wider


def as_needed(made: Table, needs: Needs) -> Table:
    return {"rows": lambda table: table, "survival": with_events, "sequence": with_years}[needs](made)


FAIR = {"column": "health", "one_of": ["fair"]}
CONDITION = {
    "where": [{"column": "doctor_visits", "minimum": "1"}],
    "strata": [{"name": "fair", "where": [FAIR], "share": "0.3"}],
}
TRIALS = (
    Trial("fit and sample", "statsmodels, RAND", health),
    Trial("conditional", "RAND, at least one visit, three in ten in fair health", health, CONDITION),
    Trial("nulls", "statsmodels, Fair", nulls),
    Trial("dates", "lifelines, Rossi", dates),
    Trial("high cardinality", "lifelines, lung", many_values),
    Trial("300 columns", "scikit-learn, breast cancer", wide),
)
HEAD = f"""# What each engine carries

`make catalogue` writes this page. Every cell is a run of its own through the child process that a worker uses: fit,
seal the model, sample {ROWS} rows of the declared domain, seal them. Training is cut to a few rounds: this shows what
works, not how well. A run is stopped after {SECONDS} s or {MEBIBYTES:,} MiB on two cores; figures are seconds.
Engines of times to an event get the same tables with weeks until arrest and arrests of Rossi's experiment beside them
(lifelines), engines of sequences the same rows in fours, one a year.

"""


async def cell(bench: Bench, name: str, trial: Trial) -> str:
    engine = engine_named(name)
    table, declaration = as_needed(trial.table(), engine.needs)
    try:
        complete(engine, QUICK[name])
        check_source(engine, declaration)
        if trial.shape is not None:
            check_shapeable(engine)
    except Invalid as error:
        return f"refused: {error.detail}"
    outcome = await bench.make(name, table, declaration, ROWS, QUICK[name], trial.shape)
    if outcome.table is None:
        return f"{'no sample' if outcome.fitted else 'no fit'}: {outcome.because}"
    problem = faults(outcome.table, declaration)
    return f"wrong: {problem}" if problem else f"works, {outcome.seconds:.0f}"


def faults(made: pa.Table, declaration: SourceDeclaration) -> str:
    if made.num_rows != ROWS or made.schema != arrow_schema(declaration.made):
        return "another shape than declared"
    nullable = {column.name for column in declaration.made if column.nullable}
    strays = [name for name in made.column_names if made[name].null_count and name not in nullable]
    return f"nulls in {strays[0]}" if strays else ""


def known_rows() -> dict[str, str]:
    """The page's rows as they stand, by engine."""
    lines = PAGE.read_text().splitlines() if PAGE.exists() else []
    return {name: line for line in lines for name in CATALOGUE if line.startswith(f"| {name} |")}


def write(rows: dict[str, str]) -> None:
    head = [
        "| engine | " + " | ".join(f"{trial.title} ({trial.source})" for trial in TRIALS) + " |",
        "|---" * (len(TRIALS) + 1) + "|",
    ]
    untried = [f"| {name} |{' not tried |' * len(TRIALS)}" for name in CATALOGUE if name not in rows]
    tried = [rows[name] for name in CATALOGUE if name in rows]
    gone = [f"\nWithdrawn: `{name}`. {reason}" for name, reason in WITHDRAWN.items()]
    PAGE.write_text(HEAD + "\n".join([*head, *tried, *untried, *gone]) + "\n")


async def main(names: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), seconds=SECONDS, mebibytes=MEBIBYTES)
        for name in names:
            cells = []
            for trial in TRIALS:
                cells.append(await cell(bench, name, trial))
                print(f"{name:24} {trial.title:20} {cells[-1]}", flush=True)
            write(known_rows() | {name: f"| {name} | {' | '.join(cells)} |"})


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:] or list(CATALOGUE)))
