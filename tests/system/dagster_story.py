"""An asset of Dagster's own that is minted; what came of it on the output.

dagster_story.py <plan as JSON> <key> <connection as JSON>
"""

import json
import sys

import dagster

from moneyer.platforms.dagster import MoneyerResource


def main(plan: str, key: str, connection: str) -> None:
    asked = json.loads(plan)

    @dagster.asset
    def visits(moneyer: MoneyerResource) -> dagster.MaterializeResult:
        return moneyer.mint(asked, key=key)

    @dagster.asset(retry_policy=dagster.RetryPolicy(max_retries=3))
    def denied(moneyer: MoneyerResource) -> dagster.MaterializeResult:
        return moneyer.mint(asked | {"use_case": "marketing"}, key=f"{key}-denied")

    resources = {"moneyer": MoneyerResource(**json.loads(connection), poll_seconds=0.5)}
    made = dagster.materialize([visits], resources=resources)
    refused = dagster.materialize([denied], resources=resources, raise_on_error=False)
    (materialized,) = made.asset_materializations_for_node("visits")
    (failure,) = refused.get_step_failure_events()
    told = {
        "asset": materialized.metadata["moneyer_asset"].value,
        "refused": failure.step_failure_data.error.message,
        "retries": len([one for one in refused.all_events if one.event_type_value == "STEP_UP_FOR_RETRY"]),
    }
    sys.stdout.write("\n" + json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
