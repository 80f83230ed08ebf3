"""Records of assets."""

from uuid import UUID

from moneyer_lineage.dependencies import Work
from moneyer_lineage.log.store import LogStore
from moneyer_lineage.record.documents.graph import Record
from moneyer_lineage.record.rules.shapes import Json
from moneyer_lineage.record.store.events import EventStore
from moneyer_shared.errors import NotFound
from moneyer_shared.records import compose_record


async def get_record(work: Work, asset: UUID) -> Record:
    """How an asset came about, and what was decided on it.

    Raises:
        NotFound: nothing was told of this asset's run.
    """
    return Record.model_validate(await record_of(work, asset))


async def record_of(work: Work, asset: UUID) -> Json:
    """The same as JSON, with the parts that were told.

    Raises:
        NotFound: nothing was told of this asset's run.
    """
    events = await EventStore(work.connection).events_of_run(str(asset))
    if not events:
        raise NotFound(f"Nothing was told of asset {asset}.")
    composed = compose_record(str(asset), events)
    permit = composed.get("charge", {}).get("permit")
    subjects = [f"run:{asset}", f"asset:{asset}", f"permit:{permit}"]
    return composed | {"log_entries": await LogStore(work.connection).places(subjects)}
