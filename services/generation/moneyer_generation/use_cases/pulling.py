"""What a worker does with a pull: fetch under limits, then check, split and seal it as it would an upload.

A version that was begun is noted before its key is asked for and before a byte of it is stored. Whoever takes the pull
up after a lost worker clears that away first, so that a pull leaves a version
or the reason why there is none.
"""

import logging
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta

from moneyer_generation.connectors.faults import Fault
from moneyer_generation.connectors.fetching import Told, fetched
from moneyer_generation.dependencies import Flow
from moneyer_generation.documents.connections import Problem
from moneyer_generation.documents.pulls import Pulled, PullRequest
from moneyer_generation.intake.receiving import spool_body
from moneyer_generation.rules.pull import ENDS, MOST_ATTEMPTS, PullState, next_step
from moneyer_generation.store.connections import Kept
from moneyer_generation.store.pulls import KeptPull
from moneyer_generation.use_cases.connections import fetch_job, problem_of
from moneyer_generation.use_cases.owners import check_own_source
from moneyer_generation.use_cases.pulls import tell_of_request, usable_connection
from moneyer_generation.use_cases.sources import (
    Sealed,
    check_fits,
    discard_version,
    examine,
    keep_version,
    seal_version,
)
from moneyer_generation.work import Work
from moneyer_shared.auth import Caller
from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.events import FailureFacet, PullFacet, dataset, job_of_pulls, run_event
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.contracts.intake import TableReport
from moneyer_shared.errors import MoneyerError, Unavailable
from moneyer_shared.figures import about
from moneyer_shared.intake.header import Limits
from moneyer_shared.intake.uploads import Upload
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import Word, document
from moneyer_shared.queue import Later, Superseded
from moneyer_shared.spool import Spool

logger = logging.getLogger("moneyer.pull")
LOOK_SECONDS = 1.0
LONGEST_WAIT = timedelta(minutes=10)
HEADER_FAULTS = {"column-missing", "column-undeclared", "column-duplicate"}
MOVED = "The table's columns are not those declared: a name was changed, came or went. The reasons name them."
LOST = f"The worker that fetched it was lost {MOST_ATTEMPTS} times; the table may be too large for its machine."


class Ended(Exception):
    """The pull's owner wants it to end."""


@dataclass(frozen=True)
class Ready:
    """What a pull needs: whose source it fills, and the connection it goes through."""

    owner: str
    declaration: SourceDeclaration
    connection: Kept


async def carry_pull(flow: Flow, pull_id: uuid.UUID) -> None:
    """Carry a pull to its end.

    Raises:
        Later: it is not due yet.
        Unavailable: policy does not answer; take it up again.
        Superseded: another worker took it up.
    """
    async with flow.begin(Work) as work:
        pull, now = await work.pulls.take_up(pull_id), work.now
    if next_step(pull.progress, now) == "clear":
        pull = await _clear(flow, pull)
    step = next_step(pull.progress, now)
    logger.info("pull", extra={"fields": {"pull": str(pull_id), "step": step, "attempt": pull.attempt}})
    match step:
        case "cancel":
            await _end(flow, pull, "cancelled")
        case "wait":
            raise Later(min(pull.shown.due_at - now, LONGEST_WAIT))
        case "give-up":
            await _end(flow, pull, "failed", Problem(code="interrupted", detail=LOST))
        case "fetch":
            await _carry(flow, pull)
        case _:
            return


async def _carry(flow: Flow, pull: KeptPull) -> None:
    try:
        await _fetch_and_seal(flow, pull)
    except Ended:
        await _end(flow, await _clear(flow, pull), "cancelled")
    except Superseded:
        raise
    except Fault as fault:
        await _end(flow, await _clear(flow, pull), "failed", problem_of(fault))
    except Unavailable:
        # Nothing is wrong with the pull.
        async with flow.begin(Work) as work:
            await work.pulls.save(pull, work.now, state="waiting", attempt=pull.attempt)
        raise
    except MoneyerError as error:
        await _end(flow, await _clear(flow, pull), "failed", _problem(error))


def _problem(error: MoneyerError) -> Problem:
    """As an upload would be refused; where only columns are others than declared, that is what happened."""
    reasons = [{name: _plain(value) for name, value in reason.items()} for reason in error.reasons]
    if reasons and {reason.get("code") for reason in reasons} <= HEADER_FAULTS:
        return Problem(code="schema-moved", detail=MOVED, reasons=reasons)
    return Problem(code=error.problem_code, detail=error.detail, reasons=reasons)


def _plain(value: object) -> str | int:
    return value if isinstance(value, int) else str(value)


async def _fetch_and_seal(flow: Flow, pull: KeptPull) -> None:
    """Fetch, check, seal, keep.

    Raises:
        Fault: the table cannot be fetched.
        Invalid: it does not fit its declaration.
        Ended: the pull is to end.
    """
    ready = await _ready(flow, pull)
    # Asked before anything is fetched: without policy no table is sealed.
    await flow.dependencies.policy.population_unit(ready.declaration.population_id)
    async with flow.begin(Work) as work:
        pull = await work.pulls.begin(pull, work.now)
    settings = flow.dependencies.settings
    asked = pull.asked.model_dump(mode="json", exclude_none=True)
    job = fetch_job(settings, ready.connection, asked, seconds=settings.pull_seconds)
    async with aclosing(fetched(job)) as told:
        spool, media_type = await _received(flow, pull, told)
    try:
        upload = Upload(spool, media_type, ready.declaration.widest, _limits(flow), spool.sha256)
        report = await examine(upload)
        check_fits(report)
        await _seal(flow, pull, ready, upload, report)
    finally:
        spool.close()


async def _ready(flow: Flow, pull: KeptPull) -> Ready:
    """Whoever asked must still own the source and may still use the connection: schedules outlive both.

    Raises:
        Forbidden: one is somebody else's now.
        Conflict: the connection was retired.
    """
    requester = Caller(pull.shown.requested_by, flow.caller.client, frozenset())
    async with flow.dependencies.begin(Work, requester, read_only=True) as work:
        owner = await check_own_source(work, pull.shown.source_id)
        connection = await usable_connection(work, pull.shown.connection_id, requester.subject)
        return Ready(owner, (await work.sources.source(pull.shown.source_id)).declaration, connection)


def _limits(flow: Flow) -> Limits:
    settings = flow.dependencies.settings
    return Limits(settings.maximum_upload_bytes, settings.maximum_table_bytes)


async def _received(flow: Flow, pull: KeptPull, told: AsyncGenerator[Told | None]) -> tuple[Spool, str]:
    """The table under seal, refused as soon as it is too large; and its media type."""
    received = _Received(flow, pull)
    head = await received.head(told)
    try:
        spool = await spool_body(received.pieces(told), str(head["encoding"]), _limits(flow))
    except Unavailable as error:
        raise Fault("unavailable", error.detail) from error
    return spool, str(head["media_type"])


class _Received:
    """A table on its way in: how much came is told now and then, and a wish to end is heard."""

    def __init__(self, flow: Flow, pull: KeptPull) -> None:
        self._flow = flow
        self._pull = pull
        self._bytes = 0
        self._looked = time.monotonic()

    async def head(self, told: AsyncGenerator[Told | None]) -> dict[str, object]:
        async for one in told:
            await self._look()
            if isinstance(one, dict):
                return one
        raise Fault("driver-failed", "The fetching process said nothing of the table.")

    async def pieces(self, told: AsyncGenerator[Told | None]) -> AsyncIterator[bytes]:
        async for one in told:
            await self._look()
            if isinstance(one, bytes):
                self._bytes += len(one)
                yield one
        await self._look(now=True)

    async def _look(self, *, now: bool = False) -> None:
        if not now and time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        async with self._flow.begin(Work) as work:
            pull = await work.pulls.save(self._pull, work.now, received_bytes=self._bytes)
        if pull.cancel_requested:
            raise Ended


async def _seal(flow: Flow, pull: KeptPull, ready: Ready, upload: Upload, report: TableReport) -> None:
    version_id = uuid.uuid4()
    async with flow.begin(Work) as work:
        pull = await work.pulls.save(pull, work.now, state="sealing", planned_version=version_id)
    if pull.cancel_requested:
        raise Ended
    try:
        sealed = await seal_version(flow, pull.shown.source_id, version_id, upload, ready.owner, report)
        await _keep(flow, pull, ready, sealed, upload.sha256)
    except Exception:
        if not await _is_held(flow, pull):
            # Whoever took it up may have cleared this away before all of it was there.
            await _discard(flow, pull)
            raise Superseded(str(pull.shown.id)) from None
        raise


async def _is_held(flow: Flow, pull: KeptPull) -> bool:
    """Whether this worker still has the pull."""
    async with flow.begin(Work, read_only=True) as work:
        now = await work.pulls.pull(pull.shown.id)
    return now.holder == pull.holder and now.shown.state not in ENDS


async def _keep(flow: Flow, pull: KeptPull, ready: Ready, sealed: Sealed, sha256: str) -> None:
    """The version, the pull's end, and what is told of both, in one transaction (I4)."""
    rows, digest = sum(sealed.rows.values()), f"sha256:{sha256}"
    shown = pull.shown
    async with flow.begin(Work) as work:
        ended = await work.pulls.save(
            pull, work.now, state="done", version_id=sealed.version_id, planned_version=None, rows=rows, digest=digest,
            replaced=sealed.replaced,
        )  # fmt: skip
        pulled = Pulled(
            pull_id=shown.id, connection_id=shown.connection_id, asked=pull.asked, at=work.now, rows=rows, digest=digest
        )
        await keep_version(work, shown.source_id, sealed, by=shown.requested_by, pulled=pulled)
        facet = PullFacet(
            id=str(shown.id),
            connection_id=str(shown.connection_id),
            kind=ready.connection.target.kind,
            version_id=str(sealed.version_id),
            asked=document(pull.salt, pull.asked.model_dump(mode="json")),
            digest=document(pull.salt, digest),
            rows=about(rows),
            pulled_at=work.now.isoformat(),
        )
        event = AuditEvent(
            work.by,
            Action.SOURCE_PULL,
            f"source:{shown.source_id}",
            details={
                "version": str(sealed.version_id), "pull": str(shown.id), "connection": str(shown.connection_id),
                "kind": Word(facet.kind), "rows": facet.rows, "asked": facet.asked, "digest": facet.digest,
            },
            people={"requester": shown.requested_by},
            shown={"pulled": pulled.model_dump(mode="json")},
        )  # fmt: skip
        told = run_event(
            at=work.now,
            event_type="COMPLETE",
            run_id=str(shown.id),
            job=job_of_pulls(shown.source_id),
            outputs=[dataset("source", str(shown.source_id))],
            facets=[facet],
        )
        await work.tell(event, lineage=[told])
        await _schedule_next(work, ended)


async def _end(flow: Flow, pull: KeptPull, state: PullState, problem: Problem | None = None) -> None:
    """End a pull that made no version."""
    async with flow.begin(Work) as work:
        ended = await work.pulls.save(pull, work.now, state=state, problem=problem)
        details = {"problem": Word(problem.code)} if problem else {}
        event = AuditEvent(work.by, Action.PULL_END, f"pull:{pull.shown.id}", state, details)
        told = run_event(
            at=work.now,
            event_type="ABORT" if state == "cancelled" else "FAIL",
            run_id=str(pull.shown.id),
            job=job_of_pulls(pull.shown.source_id),
            facets=[FailureFacet(because=problem.code)] if problem else [],
        )
        await work.tell(event, lineage=[told])
        if state == "failed":
            await _schedule_next(work, ended)


ENDS_A_SCHEDULE = {"not-yours", "connection-retired"}


async def _schedule_next(work: Work, ended: KeptPull) -> None:
    """The next pull of a schedule, in step with it; turns that were missed are not made up for."""
    shown = ended.shown
    if shown.every is None or (shown.problem is not None and shown.problem.code in ENDS_A_SCHEDULE):
        return
    missed = max(0, (work.now - shown.due_at) // shown.every)
    due_at = shown.due_at + (missed + 1) * shown.every
    asked = PullRequest(connection_id=shown.connection_id, every=shown.every, **ended.asked.model_dump())
    following = await work.pulls.add(
        shown.source_id, asked, shown.requested_by, at=work.now, due_at=due_at, follows=shown.id
    )
    await tell_of_request(work, following)


async def _clear(flow: Flow, pull: KeptPull) -> KeptPull:
    """Take away what was begun and never finished, and forget that it was.

    Raises:
        Unavailable: policy does not answer.
        Superseded: another worker took it up.
    """
    async with flow.begin(Work, read_only=True) as work:
        now = await work.pulls.pull(pull.shown.id)
    if now.holder != pull.holder:
        raise Superseded(str(pull.shown.id))
    if now.planned_version is None:
        return now
    await _discard(flow, now)
    async with flow.begin(Work) as work:
        return await work.pulls.save(now, work.now, state="waiting", planned_version=None)


async def _discard(flow: Flow, pull: KeptPull) -> None:
    """Clear away the version that was begun, if one was."""
    if pull.planned_version is not None:
        await discard_version(flow, pull.shown.source_id, pull.planned_version)
