"""Privacy impact assessments by questionnaire, and compliance reviews of models."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.charters.store import CharterStore
from moneyer_policy.deadlines import CalendarStore
from moneyer_policy.library.rules.assessment import Risk, check_acceptable, check_answers, worst_residual
from moneyer_policy.library.store import LibraryStore
from moneyer_policy.library.use_cases.owners import check_owner
from moneyer_policy.metadata import journal
from moneyer_policy.reviews.store.reviews import ReviewStore
from moneyer_policy.reviews.use_cases import reviews
from moneyer_policy.reviews.use_cases.office import Office
from moneyer_policy.work import work_of
from moneyer_shared.canonical import digest
from moneyer_shared.errors import Conflict, Forbidden, Invalid
from moneyer_shared.idempotency import Attempt, Reply
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import Word


async def add_template(office: Office, *, document: Mapping[str, Any], by: str, attempt: Attempt) -> Reply:
    """A new version of a questionnaire; assessments made with former versions stand.

    Raises:
        Forbidden: the questionnaire of this name is somebody else's.
    """
    now, name = office.clock(), str(document["name"])
    ids = [question["id"] for question in document["questions"]]
    if len(set(ids)) != len(ids):
        raise Invalid("Two questions have the same id.", code="questions-repeat")
    async with office.database.transaction() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        version = await LibraryStore(connection).add_template(name, document, digest(document), by, now)
        await check_owner(connection, "questionnaire", name, by=by)
        event = AuditEvent(by, "questionnaire.publish", Word(f"questionnaire:{name}"), details={"version": version})
        await journal.record(connection, now, event)
        body = {"name": name, "version": version, "digest": digest(document), "document": dict(document)}
        return await attempt.keep(connection, by, Reply(201, body))


async def assess(
    office: Office,
    *,
    charter_id: UUID,
    charter_digest: str,
    acceptable: bool,
    summary: str,
    valid_until: datetime,
    template: str | None,
    answers: Mapping[str, Any],
    risks: Sequence[Risk],
    by: str,
    attempt: Attempt,
) -> Reply:
    """Record an assessment of a text that was voted on or is the newest, by somebody independent of it.

    Raises:
        Forbidden: the assessor owns, drafted, wrote or submitted the charter.
        Conflict: the text is neither, so the charter changed since it was read.
        Invalid: the answers do not fit the questionnaire, or the risk left is above its limit.
    """
    now = office.clock()
    async with office.changing() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        if valid_until <= now:
            raise Invalid("valid_until must lie in the future.", code="assessment-expired")
        store = LibraryStore(connection)
        row = await _assessed(CharterStore(connection), charter_id, charter_digest, by, now, acceptable=acceptable)
        version = await _check_answers(store, template, answers, risks, acceptable=acceptable)
        values = {
            "charter_id": charter_id,
            "digest": row.digest,
            "assessor": by,
            "acceptable": acceptable,
            "summary": summary,
            "template": template,
            "template_version": version,
            "answers": dict(answers),
            "risks": [vars(risk) for risk in risks],
            "residual_risk": worst_residual(risks),
            "valid_until": valid_until,
            "made_at": now,
        }
        made = await store.assess(values)
        await _note(connection, row, made, by, now)
        body = {"id": str(made), "charter_id": str(charter_id), "digest": row.digest}
        body["residual_risk"] = values["residual_risk"]
        return await attempt.keep(connection, by, Reply(201, body))


async def _assessed(
    store: CharterStore, charter_id: UUID, charter_digest: str, by: str, now: datetime, *, acceptable: bool
) -> Any:
    """The version with this text: one that was voted on, so that a draft leaves none unassessed, or the newest.

    Raises:
        NotFound: there is no such charter.
        Conflict: neither has this text.
        Forbidden: the assessor answers for this text, or for what is in force. Whom only a draft names still says no.
    """
    newest, present = await store.newest_version(charter_id, now), await store.find_governing(charter_id, now)
    same = [row for row in await store.versions(charter_id, now) if row.digest == charter_digest]
    living = [row for row in same if row.in_force_at is not None or row.version == newest.version]
    if not living:
        raise Conflict("The charter changed since it was read; assess its present digest.", code="digest-changed")
    own = {person for row in same for person in (*row.authors, row.submitter)}
    own |= {row.document["owner"] for row in same if acceptable or row.in_force_at is not None}
    if by in own | {await store.creator(charter_id), present.document["owner"] if present is not None else None}:
        raise Forbidden("Nobody assesses their own charter.", code="own-matter")
    return living[-1]


async def _check_answers(
    store: LibraryStore, template: str | None, answers: Mapping[str, Any], risks: Sequence[Risk], *, acceptable: bool
) -> int | None:
    """The version of the questionnaire that the answers fit; None where there is none to fit."""
    if template is None:
        return None
    used = await store.template(template)
    check_answers(used.document, answers)
    check_acceptable(used.document, risks, acceptable=acceptable)
    version: int = used.version
    return version


def show_assessment(row: Any) -> dict[str, Any]:
    """An assessment as evidence shows it."""
    return {
        "id": str(row.id),
        "assessor": row.assessor,
        "digest": row.digest,
        "acceptable": row.acceptable,
        "summary": row.summary,
        "residual_risk": row.residual_risk,
        "made_at": row.made_at.isoformat(),
        "valid_until": row.valid_until.isoformat(),
    }


async def _note(connection: AsyncConnection, row: Any, made: UUID, by: str, now: datetime) -> None:
    """Put the assessment's end into the calendar, and the assessment into the journal."""
    (kept,) = [one for one in await LibraryStore(connection).assessment_rows(row.charter_id) if one.id == made]
    payload = {"to": row.document["owner"], "charter": str(row.charter_id)}
    calendar = CalendarStore(connection)
    await calendar.schedule("assessment.expiry", f"assessment:{made}", kept.valid_until, now, payload)
    details, shown = {"version": row.version, "digest": row.digest}, {"assessment": show_assessment(kept)}
    event = AuditEvent(by, "charter.assess", f"charter:{row.charter_id}", details=details, shown=shown)
    await journal.record(connection, now, event)


async def review_model(
    office: Office,
    *,
    model: str,
    asset_ids: Sequence[UUID],
    use_case: str,
    findings: str,
    owner: str,
    by: str,
    attempt: Attempt,
) -> Reply:
    """Put a model trained on assets up for a compliance review."""
    now = office.clock()
    async with office.changing() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        document = {
            "model": model,
            "asset_ids": [str(asset_id) for asset_id in asset_ids],
            "use_case": use_case,
            "findings": findings,
            "owner": owner,
        }
        matter = reviews.Matter("model", f"model:{model}", document, named=(owner,))
        return await attempt.keep(
            connection, by, await reviews.put_up_old(work_of(office, connection, by, now), matter)
        )


async def compliance_of(office: Office, model: str) -> dict[str, Any]:
    """What was decided on a model last."""
    async with office.database.transaction() as connection:
        row = await ReviewStore(connection).latest_on("model", f"model:{model}")
        shown = await reviews.show(connection, row, office.clock(), raw=False) if row is not None else None
    return {"model": model, "state": shown["state"] if shown else "unreviewed", "review": shown}
