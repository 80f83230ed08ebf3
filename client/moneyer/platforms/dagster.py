"""Dagster: a resource that speaks to moneyer, and waits for tables inside assets and ops."""

# pyright: reportMissingImports=false
from collections.abc import Mapping
from typing import Any

import dagster

from moneyer import Moneyer, Refused
from moneyer.client import Connection
from moneyer.runs import POLL_SECONDS, NotReleased, mint


class MoneyerResource(dagster.ConfigurableResource):  # type: ignore[misc]  # Dagster is in an environment of its own
    """Where the services are and who speaks; give ``client_secret`` as ``EnvVar(...)``."""

    services: dict[str, str]
    token_url: str
    client_id: str
    client_secret: str
    poll_seconds: float = POLL_SECONDS

    def client(self) -> Moneyer:
        """A client for any call; close it, or use it with ``with``."""
        return Moneyer(Connection(self.services, self.token_url, self.client_id, self.client_secret))

    def mint(self, plan: Mapping[str, Any], *, key: str) -> dagster.MaterializeResult:
        """Ask for a table and wait for its release: a materialization that names the asset of moneyer.

        Give a key that is the same whenever the step is tried again, such as the run's id and the asset's key: then
        a retry pays for nothing new.

        Raises:
            dagster.Failure: the gate denied the plan, or no table was released; Dagster does not try these again.
        """
        try:
            with self.client() as client:
                asset_id = mint(client, plan, key=key, poll_seconds=self.poll_seconds)
        except Refused as refusal:
            reasons = dagster.MetadataValue.json(refusal.reasons)
            raise dagster.Failure(str(refusal), metadata={"reasons": reasons}, allow_retries=False) from refusal
        except NotReleased as error:
            raise dagster.Failure(str(error), metadata={"run": error.run_id}, allow_retries=False) from error
        return dagster.MaterializeResult(metadata={"moneyer_asset": asset_id, "uri": f"moneyer:{asset_id}"})
