"""A table asked for and waited for: what orchestrators do, each in its own way of waiting."""

import time
from collections.abc import Mapping
from typing import Any

from moneyer import calls
from moneyer.client import Moneyer
from moneyer_shared.contracts.policy import Plan

ENDS = frozenset({
    "released", "rejected", "suspended", "withdrawn", "retired", "failed", "cancelled", "denied", "measured",
})  # fmt: skip
POLL_SECONDS = 5.0


class NotReleased(Exception):
    """A run ended without a released table; asking again with the same key ends the same."""

    def __init__(self, run: Mapping[str, Any]) -> None:
        self.run_id, self.state, self.failure = str(run["id"]), str(run["state"]), run.get("failure")
        why = f": {self.failure}" if self.failure else ""
        super().__init__(f"run {self.run_id} was {self.state}{why}")


def request(client: Moneyer, plan: Mapping[str, Any], *, key: str) -> str:
    """Ask for a table; the run's id. The same key asks once, so a task that is tried again pays once.

    Raises:
        Refused: the plan is malformed, or the gate denied it, with every reason.
        pydantic.ValidationError: this is no plan.
    """
    run: dict[str, Any] = client.send(calls.request_generation(Plan.model_validate(plan), key=key))
    return str(run["id"])


def released(run: Mapping[str, Any]) -> str:
    """The asset of a run that has ended: it has the run's id.

    Raises:
        NotReleased: there is none.
    """
    if run["state"] != "released":
        raise NotReleased(run)
    return str(run["id"])


def mint(client: Moneyer, plan: Mapping[str, Any], *, key: str, poll_seconds: float = POLL_SECONDS) -> str:
    """Ask for a table and wait until it is released; the asset's id.

    A run that waits for votes is waited for too, for as long as they take.

    Raises:
        Refused: as ``request``.
        NotReleased: it ended otherwise.
    """
    run_id = request(client, plan, key=key)
    while (run := client.send(calls.get_generation(run_id)))["state"] not in ENDS:
        time.sleep(poll_seconds)
    return released(run)
