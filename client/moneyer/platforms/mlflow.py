"""MLflow: an asset as the source of a dataset, and model versions that say which assets they were trained on.

MLflow finds the source by its entry point. Runs and model versions carry one tag an asset, ``moneyer.asset.<id>``:
so MLflow answers which models used it, and its registry's webhooks tell moneyer, which answers the same.
"""

# pyright: reportMissingImports=false
import os
from typing import Any, Self
from uuid import UUID

import mlflow
import pandas as pd
from mlflow.data.dataset_source import DatasetSource
from mlflow.entities.model_registry import ModelVersion

from moneyer.client import Connection, Moneyer

SCHEME = "moneyer:"
ASSET_TAG = "moneyer.asset."
OWNER_TAG = "moneyer.owner"
LARGEST_PAGE = 1000


def connect() -> Moneyer:
    """A client as the environment names it: ``MONEYER_TOKEN_URL`` … or ``MONEYER_DATA`` and ``MONEYER_AS``."""
    directory, person = os.environ.get("MONEYER_DATA", ".moneyer/data"), os.environ.get("MONEYER_AS", "scientist")
    return Moneyer(Connection.found(directory, person))


class AssetSource(DatasetSource):  # type: ignore[misc]  # MLflow is in an environment of its own
    """An asset, written ``moneyer:<id>``; loading it takes a grant, as any reading does."""

    def __init__(self, asset_id: UUID | str) -> None:
        self.asset_id = UUID(str(asset_id))

    @property
    def uri(self) -> str:
        return f"{SCHEME}{self.asset_id}"

    @staticmethod
    def _get_source_type() -> str:
        return "moneyer"

    def load(self) -> pd.DataFrame:
        """The table, in memory alone.

        Raises:
            Refused: it is not released, was withdrawn or retired, or one holds no grant.
            NotAsStated: its bytes are not those that its record states.
        """
        with connect() as client:
            return client.assets.table(self.asset_id).to_pandas()

    @staticmethod
    def _can_resolve(raw_source: Any) -> bool:
        return isinstance(raw_source, str) and raw_source.startswith(SCHEME)

    @classmethod
    def _resolve(cls, raw_source: Any) -> Self:
        return cls(raw_source.removeprefix(SCHEME))

    def to_dict(self) -> dict[str, str]:
        return {"uri": self.uri}

    @classmethod
    def from_dict(cls, source_dict: dict[Any, Any]) -> Self:
        return cls._resolve(source_dict["uri"])


def log_asset(asset_id: UUID | str, *, context: str = "training") -> pd.DataFrame:
    """Load an asset as an input of the active run, and tag the run with it.

    Raises:
        Refused: it cannot be read.
    """
    source = AssetSource(asset_id)
    table = source.load()
    # MLflow takes a source that is written as its entry point reads it.
    dataset = mlflow.data.from_pandas(table, source=source.uri, name=str(source.asset_id))
    mlflow.log_input(dataset, context=context)
    mlflow.set_tag(f"{ASSET_TAG}{source.asset_id}", context)
    return table


def assets_of(run_id: str) -> dict[str, str]:
    """The tags of the assets that were inputs of a run."""
    inputs = mlflow.get_run(run_id).inputs.dataset_inputs
    found = [AssetSource.from_json(one.dataset.source) for one in inputs if one.dataset.source_type == "moneyer"]
    return {f"{ASSET_TAG}{one.asset_id}": "training" for one in found}


def register_model(model_uri: str, name: str, *, run_id: str, owner: str) -> ModelVersion:
    """Register a model with tags of the assets that its run was given, and of whom moneyer tells what becomes of them.

    Raises:
        ValueError: the run was given no asset.
    """
    tags = assets_of(run_id)
    if not tags:
        raise ValueError(f"run {run_id} was given no asset: load it with log_asset")
    return mlflow.register_model(model_uri, name, tags=tags | {OWNER_TAG: owner})


def models_of(asset_id: UUID | str) -> list[ModelVersion]:
    """The model versions of this registry that were trained on an asset."""
    wanted = f"tags.`{ASSET_TAG}{UUID(str(asset_id))}` = 'training'"
    found: list[ModelVersion] = []
    token: str | None = None
    while True:
        page = mlflow.MlflowClient().search_model_versions(wanted, max_results=LARGEST_PAGE, page_token=token)
        found += page
        token = page.token
        if not token:
            return found
