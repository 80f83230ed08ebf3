"""Checkpoints carried out of the house: to witnesses who cosign, to a webhook, to a store that is written once.

Whoever holds a checkpoint of yesterday can show tomorrow that the log was rewritten. So each new one goes to every
place until the place has it; what is missed while a place is away is not caught up with, for the newest proves all
before it.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import httpx
import obstore
from obstore.store import ObjectStore

from moneyer_lineage.dependencies import ITSELF, Dependencies, Work
from moneyer_lineage.log.rules.merkle import consistency_spans
from moneyer_lineage.log.rules.notes import NotCosigned, Witness
from moneyer_lineage.log.store import LogStore
from moneyer_lineage.log.use_cases import span_hashes

logger = logging.getLogger("moneyer.checkpoints")
PLAIN = {"Content-Type": "text/plain; charset=utf-8", "Accept-Encoding": "identity"}
AT_SIZE, CONFLICT = "text/x.tlog.size", 409
PATIENCE_SECONDS = 15.0
"""For the whole of handing a checkpoint over; timeouts of a client count anew with every byte."""
LONGEST_ANSWER = 16 * 1024
"""Bytes: a cosignature is a line."""
LONGEST_SIZE = 19
"""Digits."""


class NotPublished(Exception):
    """A place did not take a checkpoint; it is tried again with the next."""


class Publisher(Protocol):
    """A way out for checkpoints."""

    @property
    def place(self) -> str: ...

    async def publish(self, dependencies: Dependencies, size: int, note: str) -> None:
        """Hand a checkpoint over.

        Raises:
            NotPublished: it was not taken.
        """
        ...


@dataclass(frozen=True)
class Webhook:
    """Somebody who is posted every checkpoint; the note is signed, so it needs no other signature."""

    place: str
    http: httpx.AsyncClient

    async def publish(self, dependencies: Dependencies, size: int, note: str) -> None:
        del dependencies, size
        answer = await _post(self.http, self.place, note)
        if not answer.is_success:
            raise NotPublished(f"it answered {answer.status_code}")


@dataclass(frozen=True)
class WriteOnce:
    """An object store that checkpoints are put into under their size, never over another."""

    place: str
    store: ObjectStore

    async def publish(self, dependencies: Dependencies, size: int, note: str) -> None:
        name = f"{dependencies.setup.origin}/{size:020d}"
        try:
            await obstore.put_async(self.store, name, note.encode(), mode="create")
        except obstore.exceptions.AlreadyExistsError:
            kept = bytes(await (await obstore.get_async(self.store, name)).bytes_async()).decode()
            if kept != note:
                raise NotPublished("another checkpoint of this size is there") from None
        except (obstore.exceptions.BaseError, OSError) as error:
            raise NotPublished(type(error).__name__) from error


@dataclass(frozen=True)
class Cosigning:
    """A witness that speaks C2SP tlog-witness: it is shown the way from the last checkpoint it saw, and signs."""

    place: str
    witness: Witness
    http: httpx.AsyncClient

    async def publish(self, dependencies: Dependencies, size: int, note: str) -> None:
        async with dependencies.begin(Work, ITSELF) as work:
            old = await LogStore(work.connection).reached(self.place)
        answer = await self._ask(dependencies, old, size, note)
        if answer.status_code == CONFLICT and answer.headers.get("content-type", "").startswith(AT_SIZE):
            # It knows better than we do what it saw last.
            answer = await self._ask(dependencies, _size_in(answer.text), size, note)
        if not answer.is_success:
            raise NotPublished(f"it answered {answer.status_code}")
        line = next((one for one in answer.text.splitlines() if one.startswith(f"— {self.witness.name} ")), "")
        try:
            self.witness.check(line, note)
        except NotCosigned as error:
            raise NotPublished(str(error)) from error
        async with dependencies.begin(Work, ITSELF) as work:
            await LogStore(work.connection).add_cosignature(size, self.witness.name, line, work.now)

    async def _ask(self, dependencies: Dependencies, old: int, size: int, note: str) -> httpx.Response:
        if not 0 <= old <= size:
            raise NotPublished(f"it says that it saw a log of {old}, and there are {size} entries")
        proof = await _way(dependencies, old, size)
        body = "".join([f"old {old}\n", *(f"{one}\n" for one in proof), "\n", note])
        return await _post(self.http, f"{self.place.rstrip('/')}/add-checkpoint", body)


async def _way(dependencies: Dependencies, old: int, size: int) -> list[str]:
    if old in {0, size}:
        return []
    async with dependencies.begin(Work, ITSELF) as work:
        return await span_hashes(LogStore(work.connection), consistency_spans(old, size))


def _size_in(text: str) -> int:
    said = text.strip()
    if not (said.isascii() and said.isdigit() and len(said) <= LONGEST_SIZE):
        raise NotPublished("it answers with no size")
    return int(said)


async def _post(http: httpx.AsyncClient, url: str, body: str) -> httpx.Response:
    """The answer, with as much of its body as an answer may have.

    Raises:
        NotPublished: there was none, or one without end.
    """
    content = bytearray()
    try:
        async with http.stream("POST", url, content=body.encode(), headers=PLAIN) as answer:
            if "content-encoding" in answer.headers:
                raise NotPublished("it answers in an encoding that was not asked for")
            async for chunk in answer.aiter_bytes():
                content += chunk
                if len(content) > LONGEST_ANSWER:
                    raise NotPublished(f"it answers with more than {LONGEST_ANSWER} bytes")
    except httpx.HTTPError as error:
        raise NotPublished(type(error).__name__) from error
    return httpx.Response(answer.status_code, headers=answer.headers, content=bytes(content))


async def publish_checkpoint(
    dependencies: Dependencies, publishers: Sequence[Publisher], *, patience: float = PATIENCE_SECONDS
) -> int:
    """Hand the newest checkpoint to every place that has not got it; how many took it.

    ``patience``: seconds that each place has for all of it.
    """
    async with dependencies.begin(Work, ITSELF) as work:
        store = LogStore(work.connection)
        last = await store.latest_checkpoint()
        waiting = [one for one in publishers if last is not None and await store.reached(one.place) < last.size]
    if last is None:
        return 0
    taken = 0
    for publisher in waiting:
        try:
            async with asyncio.timeout(patience):
                await publisher.publish(dependencies, last.size, last.note)
        except (NotPublished, TimeoutError) as error:
            fields = {
                "place": publisher.place,
                "because": str(error) or "it did not take it in time",
                "size": last.size,
            }
            logger.warning("a checkpoint was not taken", extra={"fields": fields})
            continue
        async with dependencies.begin(Work, ITSELF) as work:
            await LogStore(work.connection).reach(publisher.place, last.size, work.now)
        taken += 1
    return taken
