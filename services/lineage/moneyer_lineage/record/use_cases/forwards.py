"""Events passed on to other sinks of OpenLineage, such as Marquez or DataHub, in order and at least once."""

import logging
from collections.abc import Sequence

from moneyer_lineage.dependencies import ITSELF, Dependencies, Work
from moneyer_lineage.record.documents.openlineage import Forward
from moneyer_lineage.record.sinks import Sink, SinkAway
from moneyer_lineage.record.store.cursor import Cursor
from moneyer_lineage.record.store.forwards import ForwardStore

logger = logging.getLogger("moneyer.forwards")
TOGETHER = 100


async def forward(dependencies: Dependencies, sinks: Sequence[Sink]) -> int:
    """Pass on what is new to every sink that answers; how many events were taken up."""
    return sum([await _forward(dependencies, sink) for sink in sinks])


async def _forward(dependencies: Dependencies, sink: Sink) -> int:
    async with dependencies.begin(Work, ITSELF) as work:
        store = ForwardStore(work.connection)
        waiting = await store.after(await store.reached(sink.url), TOGETHER)
    reached: Cursor | None = None
    refused = told = 0
    for cursor, event in waiting:
        try:
            refused += not await sink.take(event)
        except SinkAway as away:
            logger.warning("a sink is away", extra={"fields": {"sink": sink.url, "because": str(away)}})
            break
        reached, told = cursor, told + 1
    if reached is not None:
        async with dependencies.begin(Work, ITSELF) as work:
            await ForwardStore(work.connection).reach(sink.url, reached, refused, work.now)
    return told


async def list_forwards(work: Work) -> list[Forward]:
    """How far other sinks of OpenLineage have been told."""
    return await ForwardStore(work.connection).sinks()
