"""Model registries elsewhere, heard through their webhooks."""

from datetime import datetime

from moneyer_lineage.dependencies import Work
from moneyer_lineage.models.rules.mlflow import RegistryNews
from moneyer_lineage.models.use_cases.models import enrol, train


async def hear_mlflow(work: Work, registry: str, news: RegistryNews, at: datetime) -> None:
    """Register what a registry says was trained on assets, under ``<registry>:<name>``.

    Raises:
        NotFound: nothing was decided on an asset it names.
    """
    name = f"{registry}:{news.name}"
    await enrol(work, name, owner=news.owner or work.by, description=news.description)
    if news.version is not None:
        await train(work, name, news.version, news.assets, at, news.uri)
