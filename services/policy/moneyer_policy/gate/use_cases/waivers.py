"""Exceptions to one rule, by vote; and broken glass, by two people and reviewed after."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.charters.use_cases.governing import governing
from moneyer_policy.deadlines import CalendarStore
from moneyer_policy.gate.rules.gate import RULES
from moneyer_policy.gate.rules.waiver import LONGEST_GLASS_HOURS, REJECTED_FOR, check_rule, why_never
from moneyer_policy.gate.store.waivers import WaiverStore
from moneyer_policy.gate.use_cases.office import Office
from moneyer_policy.library.store import LibraryStore
from moneyer_policy.metadata import journal
from moneyer_policy.reviews.use_cases import reviews
from moneyer_policy.reviews.use_cases.reviews import Decided
from moneyer_policy.work import work_of
from moneyer_shared.errors import Conflict, Forbidden, Invalid, NotFound
from moneyer_shared.idempotency import Attempt, Reply
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import Word


async def ask_for_exception(
    office: Office,
    *,
    charter_id: UUID,
    rule: str,
    use_case: str | None,
    requester: str | None,
    reason: str,
    valid_until: datetime,
    single_use: bool,
    by: str,
    attempt: Attempt,
) -> Reply:
    """Ask that one rule of one charter be set aside until a date.

    Raises:
        Invalid: the rule takes no exceptions, or the date is past.
        Conflict: no version of the charter ever was in force.
    """
    now = office.clock()
    async with office.changing() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        if valid_until <= now:
            raise Invalid("valid_until must lie in the future.", code="exception-expired")
        check_rule(rule, await LibraryStore(connection).closed())
        charter = await governing(connection, charter_id, now)
        document = {
            "charter_digest": charter.digest,
            "charter_id": str(charter_id),
            "rule": rule,
            "use_case": use_case,
            "requester": requester,
            "reason": reason,
            "valid_until": valid_until.isoformat(),
            "single_use": single_use,
        }
        matter = reviews.Matter(
            kind="exception",
            subject=f"exception:{charter_id}:{rule}:{by}",
            document=document,
            named=(requester,),
            charter_id=charter_id,
        )
        return await attempt.keep(
            connection, by, await reviews.put_up_old(work_of(office, connection, by, now), matter)
        )


async def conclude(decided: Decided) -> dict[str, Any]:
    """An approved exception counts from now on, unless its rule takes none by now or another version is in force."""
    connection, row, state, now = decided.work.connection, decided.row, decided.state, decided.work.now
    if state != "approved":
        return {"granted": False}
    document = row.document
    if (why := why_never(document["rule"], await LibraryStore(connection).closed())) is not None:
        return {"granted": False, "because": why}
    charter = await governing(connection, UUID(document["charter_id"]), now)
    if charter.digest != document.get("charter_digest", charter.digest):
        return {"granted": False, "because": "another version of the charter is in force than was voted on"}
    until = datetime.fromisoformat(document["valid_until"])
    values = {
        "kind": "exception",
        "charter_id": UUID(document["charter_id"]),
        "rule": document["rule"],
        "use_case": document["use_case"],
        "requester": document["requester"],
        "reason": document["reason"],
        "single_use": document["single_use"],
        "review_id": row.id,
        "opened_by": row.opened_by,
        "confirmed_by": f"review:{row.id}",
        "made_at": now,
        "valid_until": until,
    }
    made = await WaiverStore(connection).add_waiver(values)
    payload = {"to": row.opened_by}
    await CalendarStore(connection).schedule("exception.expiry", f"waiver:{made}", until, now, payload)
    return {"granted": True, "waiver_id": str(made)}


async def break_glass(
    office: Office,
    *,
    charter_id: UUID,
    requester: str,
    reason: str,
    incident: str,
    hours: int,
    by: str,
    attempt: Attempt,
) -> Reply:
    """Break the glass for one person and one charter; nothing opens before a second person confirms.

    Raises:
        Invalid: longer than hours.
        Conflict: no version of the charter ever was in force, or the committee rejected such glass of late.
    """
    if not 0 < hours <= LONGEST_GLASS_HOURS:
        raise Invalid(f"Glass is broken for 1 to {LONGEST_GLASS_HOURS} hours.", code="glass-too-long")
    now = office.clock()
    async with office.changing() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        await governing(connection, charter_id, now)
        await _check_not_rejected(connection, charter_id, requester, now)
        values = {
            "kind": "break-glass",
            "charter_id": charter_id,
            "requester": requester,
            "reason": reason,
            "incident": incident,
            "single_use": False,
            "opened_by": by,
            "made_at": now,
            "valid_until": now + timedelta(hours=hours),
        }
        made = await WaiverStore(connection).add_waiver(values)
        details, people = {"charter": str(charter_id)}, {"requester": requester}
        event = AuditEvent(by, "glass.break", f"waiver:{made}", "unconfirmed", details, people)
        await journal.record(connection, now, event)
        return await attempt.keep(connection, by, Reply(201, await _shown(connection, made)))


async def confirm_glass(office: Office, *, waiver_id: UUID, by: str) -> Reply:
    """Open what somebody else broke the glass for; a review of it opens by itself.

    Raises:
        Forbidden: the same person, the one it is broken for, or whoever is interested in the charter.
        Conflict: it was confirmed, its hours are over, or the committee rejected such glass of late.
    """
    now = office.clock()
    async with office.changing() as connection:
        store = WaiverStore(connection)
        row = await store.waiver(waiver_id, lock=True)
        interests = await office.interests(connection, f"waiver:{waiver_id}", {}, (row.charter_id,), now)
        if by in {row.opened_by, row.requester} | interests.barred | interests.named:
            raise Forbidden("A second person confirms, who does not profit from it.", code="own-matter")
        if row.kind != "break-glass" or row.confirmed_by is not None or now >= row.valid_until:
            raise Conflict("There is no broken glass here that waits to be confirmed.", code="not-waiting")
        await _check_not_rejected(connection, row.charter_id, row.requester, now)
        document = {
            "waiver_id": str(waiver_id), "charter_id": str(row.charter_id), "requester": row.requester,
            "reason": row.reason, "incident": row.incident, "opened_by": row.opened_by, "confirmed_by": by,
        }  # fmt: skip
        matter = reviews.Matter(
            kind="break-glass",
            subject=f"waiver:{waiver_id}",
            document=document,
            barred=(row.opened_by,),
            named=(row.requester,),
            charter_id=row.charter_id,
        )
        review_id = await reviews.open_review(work_of(office, connection, by, now), matter)
        await store.set_waiver(waiver_id, confirmed_by=by, review_id=review_id)
        payload = {"to": row.opened_by}
        await CalendarStore(connection).schedule("glass.end", f"waiver:{waiver_id}", row.valid_until, now, payload)
        details = {"charter": str(row.charter_id)}
        await journal.record(connection, now, AuditEvent(by, "glass.confirm", f"waiver:{waiver_id}", details=details))
        return Reply(200, await _shown(connection, waiver_id))


async def _check_not_rejected(connection: AsyncConnection, charter_id: UUID, requester: str, now: datetime) -> None:
    if await WaiverStore(connection).was_glass_rejected(charter_id, requester, now - REJECTED_FOR):
        raise Conflict(
            "The committee rejected glass broken for this person and charter within the last 24 hours; "
            "ask it for an exception.",
            code="glass-was-rejected",
        )


async def conclude_glass(decided: Decided) -> dict[str, Any]:
    """Rejected glass is closed at once; without a rejection its hours end it."""
    connection, row, state, now = decided.work.connection, decided.row, decided.state, decided.work.now
    store, waiver_id = WaiverStore(connection), UUID(row.document["waiver_id"])
    if state == "rejected" and now < (await store.waiver(waiver_id, lock=True)).valid_until:
        await store.set_waiver(waiver_id, valid_until=now)
        await CalendarStore(connection).cancel(f"waiver:{waiver_id}", now)
        await journal.record(connection, now, AuditEvent("policy", "glass.close", f"waiver:{waiver_id}"))
    return {"verdict": state}


# --- which rules take exceptions at all -----------------------------------------------------


async def rules(office: Office) -> list[dict[str, Any]]:
    """Every rule of the gate: whether it may be set aside, and why not."""
    async with office.database.transaction() as connection:
        return _rules(await LibraryStore(connection).closed())


def _rules(closed: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"code": code, "waivable": why is None, "reason": why, "by": _by(code) if why is not None else None}
        for code in RULES
        for why in [why_never(code, closed)]
    ]


def _by(code: str) -> str:
    return "rule" if RULES[code].unwaivable is not None else "house"


async def rule_of_house(office: Office, *, code: str, waivable: bool, reason: str, by: str) -> Reply:
    """Close a rule to exceptions and broken glass in the whole house, or open it again; it holds at once.

    Raises:
        NotFound: the gate has no such rule.
        Invalid: the rule itself says that it is never waived.
    """
    if code not in RULES:
        raise NotFound(f"The gate has no rule {code}.")
    check_rule(code, {})
    now = office.clock()
    async with office.changing() as connection:
        store = LibraryStore(connection)
        version = await store.rule_of_house(code, waivable=waivable, reason=reason, by=by, at=now)
        details, shown = {"version": version, "waivable": waivable}, {"reason": reason}
        event = AuditEvent(by, "rule.set-waivable", Word(f"rule:{code}"), details=details, shown=shown)
        await journal.record(connection, now, event)
        (stands,) = (entry for entry in _rules(await store.closed()) if entry["code"] == code)
        return Reply(200, stands)


async def _shown(connection: AsyncConnection, waiver_id: UUID) -> dict[str, Any]:
    return show(await WaiverStore(connection).waiver(waiver_id))


def show(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "kind": row.kind,
        "charter_id": str(row.charter_id),
        "rule": row.rule,
        "use_case": row.use_case,
        "requester": row.requester,
        "reason": row.reason,
        "incident": row.incident,
        "single_use": row.single_use,
        "used_by": str(row.used_by) if row.used_by else None,
        "review_id": str(row.review_id) if row.review_id else None,
        "opened_by": row.opened_by,
        "confirmed_by": row.confirmed_by,
        "made_at": row.made_at.isoformat(),
        "valid_until": row.valid_until.isoformat(),
    }
