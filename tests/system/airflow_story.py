"""A DAG of Airflow's own that asks for tables; run as a program, what came of it on the output.

Airflow reads it from its folder of DAGs, so its plan and key come by the environment: ``STORY_PLAN`` as JSON, ``STORY_KEY``.
"""

import json
import os
import sys

from airflow.sdk import DAG

from moneyer.platforms.airflow import GenerateOperator, RunTrigger

plan, key = json.loads(os.environ["STORY_PLAN"]), os.environ["STORY_KEY"]
with DAG("minting", schedule=None) as dag:
    first = GenerateOperator(task_id="mint", plan=plan, key=key, poll_seconds=0.5)
    again = GenerateOperator(task_id="again", plan=plan, key=key, poll_seconds=0.5)
    denied = GenerateOperator(task_id="denied", plan=plan | {"use_case": "marketing"}, retries=3)
    first >> [again, denied]


def main() -> None:
    run = dag.test()
    found = {ti.task_id: ti for ti in run.get_task_instances()}
    told = {
        "states": {name: ti.state for name, ti in found.items()},
        "tries": {name: ti.try_number for name, ti in found.items()},
        "assets": [found[name].xcom_pull(task_ids=name) for name in ("mint", "again")],
        "trigger": RunTrigger("r", "moneyer_default", 1.0).serialize(),
    }
    sys.stdout.write("\n" + json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
