"""Model registries elsewhere, heard through their webhooks."""

from datetime import datetime

from moneyer_lineage.domain.mlflow import Heard
from moneyer_lineage.use_cases.archive import Archive
from moneyer_lineage.use_cases.log import record_acts
from moneyer_lineage.use_cases.models import Training, enrol, train_within


async def hear(archive: Archive, registry: str, heard: Heard, at: datetime) -> None:
    """Register what a registry says was trained on assets, under ``<registry>:<name>``.

    Raises:
        NotFound: nothing was decided on an asset it names.
    """
    now, name, by = archive.clock(), f"{registry}:{heard.name}", f"registry:{registry}"
    async with archive.database.transaction() as connection:
        owner = heard.owner or by
        acts = await enrol(connection, name=name, owner=owner, description=heard.description, by=by, now=now)
        if heard.version is not None:
            training = Training(name, heard.version, heard.assets, at, heard.uri)
            acts += await train_within(connection, archive, training, by=by, now=now)
        await record_acts(connection, acts, now)
