"""Charters from draft to in force, and the people who decide on them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from mintmark_policy.domain.charter import (
    Ballot,
    Vote,
    check_document,
    check_vote,
    read_charter,
    standing,
    state_now,
)
from mintmark_policy.domain.gate import Assessment
from mintmark_policy.store.charters import CharterStore, as_vote
from mintmark_policy.tables import journal
from mintmark_policy.use_cases.office import Office
from mintmark_shared.canonical import check_storable, digest
from mintmark_shared.errors import Conflict, Forbidden, Invalid, PreconditionFailed
from mintmark_shared.idempotency import Reply, once
from mintmark_shared.journal import AuditEvent


def show(row: Any, now: datetime) -> dict[str, Any]:
    """A charter version as it goes over the wire."""
    expires_at = datetime.fromisoformat(row.document["expires_at"])
    return {
        "id": str(row.charter_id),
        "version": row.version,
        "state": state_now(row.state, expires_at, now),
        "digest": row.digest,
        "author": row.author,
        "submitter": row.submitter,
        "changed_at": row.changed_at.isoformat(),
        "in_force_at": row.in_force_at.isoformat() if row.in_force_at else None,
        "document": row.document,
    }


def etag(row: Any) -> str:
    return f'"{row.version}.{row.revision}"'


async def add_member(office: Office, *, subject: str, function: str, by: str) -> None:
    if subject == by:
        raise Forbidden("Nobody appoints themself to the committee.", code="own-matter")
    now = office.clock()
    async with office.database.transaction() as connection:
        await CharterStore(connection).add_member(subject, function, by, now)
        details = {"function": function}
        await journal.record(connection, now, AuditEvent(by, "committee.appoint", "committee", details=details))


async def draft(office: Office, *, document: Mapping[str, Any], by: str, key: str | None) -> Reply:
    check_storable(document)
    check_document(document)
    now = office.clock()
    async with office.database.transaction() as connection:

        async def effect() -> Reply:
            store = CharterStore(connection)
            charter_id = await store.create(by, now)
            await store.add_version(charter_id, 1, document, digest(document), by, now)
            await _journal(connection, now, by, "draft", charter_id, 1, digest(document))
            row = await store.latest(charter_id)
            headers = {"Location": f"/v1/charters/{charter_id}", "ETag": etag(row)}
            return Reply(201, show(row, now), headers)

        return await once(
            connection, office.idempotency, caller=by, key=key, request={"draft": document}, effect=effect
        )


async def edit(office: Office, *, charter_id: UUID, document: Mapping[str, Any], if_match: str, by: str) -> Reply:
    """Change the draft, or open the next version's draft when the newest is no draft any more."""
    check_storable(document)
    check_document(document)
    now = office.clock()
    async with office.database.transaction() as connection:
        store = CharterStore(connection)
        row = await store.latest(charter_id, lock=True)
        if if_match != etag(row):
            raise PreconditionFailed("The charter changed since it was read; read it again.")
        if row.state == "submitted":
            raise Conflict("A submitted version waits for its votes and cannot be edited.", code="submitted")
        version = row.version
        if row.state == "draft":
            await store.edit_draft(charter_id, version, document, digest(document), by, now)
        else:
            version += 1
            await store.add_version(charter_id, version, document, digest(document), by, now)
        await _journal(connection, now, by, "edit", charter_id, version, digest(document))
        row = await store.latest(charter_id)
        return Reply(200, show(row, now), {"ETag": etag(row)})


async def submit(office: Office, *, charter_id: UUID, by: str) -> Reply:
    now = office.clock()
    async with office.database.transaction() as connection:
        store = CharterStore(connection)
        row = await store.latest(charter_id, lock=True)
        if row.state != "draft":
            raise Conflict(f"Version {row.version} is {row.state}, not a draft.", code="not-a-draft")
        await store.submit(charter_id, row.version, by, now)
        await _journal(connection, now, by, "submit", charter_id, row.version, row.digest)
        return Reply(200, show(await store.latest(charter_id), now))


@dataclass(frozen=True)
class Ballots:
    """A vote as it arrives."""

    function: str
    verdict: Any
    digest: str
    reason: str


async def vote(office: Office, *, charter_id: UUID, cast: Ballots, by: str) -> Reply:
    """Cast a vote; the one that completes the quorum brings the version into force."""
    now = office.clock()
    async with office.database.transaction() as connection:
        store = CharterStore(connection)
        row = await store.latest(charter_id, lock=True)
        charter = read_charter(row.document, row.digest)
        ballot = Ballot(charter, row.state, row.author, row.submitter)
        votes = [as_vote(entry) for entry in await store.votes(charter_id, row.version)]
        new = Vote(by, cast.function, cast.verdict, cast.digest)
        check_vote(ballot, new, await store.functions_of(by), votes)
        await store.cast(charter_id, row.version, new, cast.reason, now)
        state = standing(charter, [*votes, new])
        await _journal(connection, now, by, f"vote.{new.verdict}", charter_id, row.version, row.digest)
        if state != "submitted":
            await store.settle(charter_id, row.version, state, now)
            await _journal(connection, now, by, state, charter_id, row.version, row.digest)
        return Reply(201, show(await store.version(charter_id, row.version), now))


async def assess(office: Office, *, charter_id: UUID, assessment: Assessment, summary: str, key: str | None) -> Reply:
    """Record a privacy impact assessment of the newest version's digest."""
    now = office.clock()
    if assessment.valid_until <= now:
        raise Invalid("valid_until must lie in the future.", code="assessment-expired")
    by = assessment.assessor
    async with office.database.transaction() as connection:

        async def effect() -> Reply:
            store = CharterStore(connection)
            row = await store.latest(charter_id)
            if by in {row.document["owner"], row.author, row.submitter}:
                raise Forbidden("Nobody assesses their own charter.", code="own-matter")
            if assessment.digest != row.digest:
                raise Conflict(
                    "The charter changed since it was read; assess its present digest.", code="digest-changed"
                )
            made = await store.assess(charter_id, assessment, summary, now)
            await _journal(connection, now, by, "assess", charter_id, row.version, row.digest)
            return Reply(201, {"id": str(made), "charter_id": str(charter_id), "digest": row.digest})

        request = {"assess": str(charter_id), "digest": assessment.digest, "summary": summary}
        return await once(connection, office.idempotency, caller=by, key=key, request=request, effect=effect)


async def _journal(
    connection: Any, at: datetime, by: str, what: str, charter_id: UUID, version: int, document_digest: str
) -> None:
    details = {"version": version, "digest": document_digest}
    event = AuditEvent(by, f"charter.{what}", f"charter:{charter_id}", details=details)
    await journal.record(connection, at, event)
