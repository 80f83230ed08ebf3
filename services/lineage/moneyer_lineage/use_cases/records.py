"""Records of assets."""

from typing import Any
from uuid import UUID

from moneyer_lineage.store.events import EventStore
from moneyer_lineage.store.log import LogStore
from moneyer_lineage.use_cases.archive import Archive
from moneyer_shared.errors import NotFound
from moneyer_shared.records import compose_record


async def record(archive: Archive, asset: UUID) -> dict[str, Any]:
    """The record of an asset: how it came about, and what was decided on it.

    Raises:
        NotFound: nothing was told of this asset's run.
    """
    async with archive.database.transaction() as connection:
        events = await EventStore(connection).events_of_run(str(asset))
        if not events:
            raise NotFound(f"Nothing was told of asset {asset}.")
        composed = compose_record(str(asset), events)
        permit = composed.get("charge", {}).get("permit")
        subjects = [f"run:{asset}", f"asset:{asset}", f"permit:{permit}"]
        entries = list(await LogStore(connection).places(subjects))
    return composed | {"log_entries": entries}


async def grounds(archive: Archive, asset: UUID) -> dict[str, Any]:
    """On what an asset was made, by policy's word, and where the log holds what each part of it did.

    Raises:
        NotFound: no permit was given for such an asset.
        Unavailable: policy does not answer.
    """
    found = await archive.tellers.grounds(asset)
    subjects = [f"run:{asset}", f"permit:{found.decision.permit}", f"charter:{found.charter.id}"]
    subjects += sorted({f"review:{vote.review_id}" for vote in found.votes})
    async with archive.database.transaction() as connection:
        entries = list(await LogStore(connection).places(subjects))
    return found.model_dump() | {"log_entries": entries}
