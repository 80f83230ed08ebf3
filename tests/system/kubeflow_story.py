"""A pipeline step of Kubeflow's own, run by its local runner, and the component as a cluster would be given it.

kubeflow_story.py <plan as JSON> <key> <folder>
"""

import json
import sys
from pathlib import Path

import pyarrow.parquet as pq
from kfp import compiler, local

from moneyer.platforms.kubeflow import mint_table


def main(plan: str, key: str, folder: str) -> None:
    local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=folder)
    task = mint_table(plan=plan, key=key)
    table = task.outputs["table"]
    compiler.Compiler().compile(mint_table, f"{folder}/component.yaml")
    told = {
        "asset": task.outputs["Output"],
        "metadata": table.metadata,
        "rows": pq.read_table(table.path).num_rows,
        "compiled": "mint-table" in Path(folder, "component.yaml").read_text(),
    }
    sys.stdout.write("\n" + json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
