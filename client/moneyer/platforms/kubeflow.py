"""Kubeflow Pipelines: a component that asks for a table, waits for its release, and hands it on as a Dataset.

Its pod is told where moneyer is by the environment (``MONEYER_TOKEN_URL``, ``MONEYER_CLIENT_ID``,
``MONEYER_CLIENT_SECRET``, a URL a service), best from a secret: ``kfp.kubernetes.use_secret_as_env``.
"""

# pyright: reportMissingImports=false
from kfp import dsl


@dsl.component(base_image="python:3.11", packages_to_install=["moneyer"])  # type: ignore[untyped-decorator]
def mint_table(plan: str, key: str, table: dsl.Output[dsl.Dataset]) -> str:
    """The released table as Parquet, and the asset's id; ``plan`` is JSON, for Kubeflow makes every number a float.

    The same key pays once, however often the step is tried.
    """
    from moneyer import Moneyer
    from moneyer.client import Connection
    from moneyer.runs import mint
    from moneyer_shared.documents import read_json

    with Moneyer(Connection.from_environment()) as client:
        asset_id = mint(client, read_json(plan.encode()), key=key)
        # Kubeflow gives a path without a suffix.
        client.assets.table(asset_id).write(f"{table.path}.parquet").replace(table.path)
    table.metadata["moneyer_asset"] = asset_id
    table.metadata["uri"] = f"moneyer:{asset_id}"
    return asset_id
