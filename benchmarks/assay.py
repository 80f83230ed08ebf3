"""The whole standard suite beside the sum of what peers compute, on the same tables in one run; then a million rows.

Peers are asked for their equivalents at the same size, but for one that takes many minutes at it: it gets a tenth of
the rows and is counted as it is, in its favour. ``--peers`` and ``--million`` ask for what takes long.
"""

import resource
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa

from moneyer_evaluation.measures.catalogue import STANDARD, chosen
from moneyer_evaluation.measures.reference import Tables
from moneyer_evaluation.measures.suite import assay
from moneyer_shared.contracts.generation import SourceDeclaration

COLUMNS = [f"n{i}" for i in range(8)] + [f"c{i}" for i in range(7)]
LETTERS = list("abcdefgh")


def declaration() -> SourceDeclaration:
    asked = {"quasi-identifier": ("n0", "c0"), "protected": ("c1", "c2"), "sensitive": ("n1",)}
    roles = {name: role for role, names in asked.items() for name in names}
    columns = [
        {
            "name": name,
            "role": roles.get(name, "plain"),
            "domain": {"kind": "number", "minimum": -9, "maximum": 9}
            if name[0] == "n"
            else {"kind": "categorical", "categories": LETTERS},
        }
        for name in COLUMNS
    ]
    return SourceDeclaration.model_validate(
        {"name": "s", "description": "d", "population_id": UUID(int=0), "target": "c3", "columns": columns}
    )


def population(rows: int, seed: int) -> pa.Table:
    random = np.random.default_rng(seed)
    hidden = random.normal(0, 1, rows)
    arrays: dict[str, Any] = {}
    for i, name in enumerate(COLUMNS):
        mixed = hidden * (i % 4) / 3 + random.normal(0, 1, rows)
        letters = np.clip((mixed + 3) / 6 * len(LETTERS), 0, len(LETTERS) - 1).astype(int)
        arrays[name] = np.clip(mixed, -9, 9) if name[0] == "n" else np.array(LETTERS)[letters]
    return pa.table(arrays)


def tables(rows: int) -> Tables:
    return Tables.of(declaration(), population(rows, 1), population(rows // 4, 2), population(rows, 3), 0)


def timed(name: str, work: Callable[[], Any]) -> float:
    started = time.monotonic()
    work()
    seconds = time.monotonic() - started
    print(f"  {name:44} {seconds:7.1f} s   peak {peak()} MiB", flush=True)
    return seconds


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def peers(made: Tables) -> float:
    from anonymeter.evaluators import InferenceEvaluator, LinkabilityEvaluator, SinglingOutEvaluator
    from sdmetrics.reports.single_table import QualityReport
    from sdmetrics.single_table import LogisticDetection, NewRowSynthesis

    ori, control, syn = made.train, made.holdout, made.asset
    small = [frame.sample(len(frame) // 10, random_state=0) for frame in (ori, control, syn)]
    kinds = {name: {"sdtype": "numerical" if name[0] == "n" else "categorical"} for name in COLUMNS}
    metadata = {"columns": kinds}

    def attack(evaluator: Any, **options: Any) -> None:
        evaluator.evaluate(**options)

    return sum(
        [
            timed("sdmetrics quality report", lambda: QualityReport().generate(ori, syn, metadata, verbose=False)),
            timed("sdmetrics detection", lambda: LogisticDetection.compute(ori, syn, metadata)),
            timed(
                "sdmetrics new rows (a tenth)",
                lambda: NewRowSynthesis.compute(small[0], small[2], metadata, numerical_match_tolerance=0.01),
            ),
            timed(
                "anonymeter singling out",
                lambda: attack(
                    SinglingOutEvaluator(ori=ori, syn=syn, control=control, n_attacks=500, n_cols=4),
                    mode="multivariate",
                ),
            ),
            timed(
                "anonymeter linkability",
                lambda: attack(
                    LinkabilityEvaluator(
                        ori=ori, syn=syn, control=control, n_attacks=2000, aux_cols=(COLUMNS[:7], COLUMNS[7:]),
                        n_neighbors=1,
                    ),
                    n_jobs=2,
                ),
            ),
            timed(
                "anonymeter inference, one column",
                lambda: attack(
                    InferenceEvaluator(
                        ori=ori, syn=syn, control=control, n_attacks=2000, secret="n1", regression=True,
                        aux_cols=[name for name in COLUMNS if name != "n1"],
                    ),
                    n_jobs=2,
                ),
            ),
        ]
    )  # fmt: skip


def main() -> None:
    warnings.filterwarnings("ignore")
    made = tables(30_000)
    print("each measure alone, 30,000 × 15:")
    for measure in chosen(STANDARD):
        timed(measure.id, lambda measure=measure: measure.measure(tables(30_000)))
    print("whole suite:")
    ours = timed("moneyer, all figures with intervals", lambda: assay(made))
    if "--million" in sys.argv:
        print("1,000,000 × 15, and a quarter of it held out:")
        large = tables(1_000_000)
        print(f"  the three tables themselves: peak {peak()} MiB")
        timed("moneyer, all figures with intervals", lambda: assay(large))
    if "--peers" in sys.argv:
        print("peers:")
        theirs = peers(made)
        print(f"peers ÷ moneyer: {theirs / ours:.1f}")


if __name__ == "__main__":
    main()
