"""Kubeflow Pipelines: a component that asks for a table, waits for its release, and hands it on as a Dataset.

Its pod is told where mintmark is by the environment (``MINTMARK_TOKEN_URL``, ``MINTMARK_CLIENT_ID``,
``MINTMARK_CLIENT_SECRET``, a URL a service), best from a secret: ``kfp.kubernetes.use_secret_as_env``.
"""

# pyright: reportMissingImports=false
from kfp import dsl


@dsl.component(base_image="python:3.11", packages_to_install=["mintmark"])  # type: ignore[untyped-decorator]
def mint_table(plan: str, key: str, table: dsl.Output[dsl.Dataset]) -> str:
    """The released table as Parquet, and the asset's id; ``plan`` is JSON, for Kubeflow makes every number a float.

    The same key pays once, however often the step is tried.
    """
    from pathlib import Path

    from mintmark import Mintmark, calls
    from mintmark.client import Connection
    from mintmark.runs import mint
    from mintmark_shared.documents import read_json

    with Mintmark(Connection.from_environment()) as client:
        asset_id = mint(client, read_json(plan.encode()), key=key)
        Path(table.path).write_bytes(client.send(calls.download(asset_id)))
    table.metadata["mintmark_asset"] = asset_id
    table.metadata["uri"] = f"mintmark:{asset_id}"
    return asset_id
