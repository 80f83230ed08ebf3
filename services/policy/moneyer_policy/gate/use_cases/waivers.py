"""Exceptions to one rule, by vote; and broken glass, by two people and reviewed after."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from moneyer_policy.charters.use_cases.governing import governing
from moneyer_policy.deadlines import CalendarStore
from moneyer_policy.gate.documents.waivers import ExceptionRequest, GlassRequest, Rule, RuleOfHouse, Waiver
from moneyer_policy.gate.rules.gate import RULES
from moneyer_policy.gate.rules.waiver import REJECTED_FOR, check_rule, why_never
from moneyer_policy.gate.store.waivers import WaiverStore
from moneyer_policy.library.store import LibraryStore
from moneyer_policy.reviews.documents import ReviewOpened
from moneyer_policy.reviews.use_cases import reviews
from moneyer_policy.reviews.use_cases.reviews import Decided
from moneyer_policy.work import ChangingRules, Work
from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.documents import Name
from moneyer_shared.errors import Conflict, Forbidden, Invalid, NotFound
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import Word


async def ask_for_exception(work: ChangingRules, charter_id: UUID, asked: ExceptionRequest) -> ReviewOpened:
    """Ask that one rule of one charter be set aside until a date.

    Raises:
        Invalid: the rule takes no exceptions, or the date is past.
        Conflict: no version of the charter ever was in force.
    """
    if asked.valid_until <= work.now:
        raise Invalid("valid_until must lie in the future.", code="exception-expired")
    check_rule(asked.rule, await LibraryStore(work.connection).closed())
    charter = await governing(work.connection, charter_id, work.now)
    document = {
        "charter_digest": charter.digest,
        "charter_id": str(charter_id),
        **asked.model_dump(),
        "valid_until": asked.valid_until.isoformat(),
    }
    matter = reviews.Matter(
        kind="exception",
        subject=f"exception:{charter_id}:{asked.rule}:{work.by}",
        document=document,
        named=(asked.requester,),
        charter_id=charter_id,
    )
    return await reviews.put_up(work, matter)


async def conclude(decided: Decided) -> dict[str, Any]:
    """An approved exception counts from now on, unless its rule takes none by now or another version is in force."""
    if not decided.approved:
        return {"granted": False}
    work, row, document = decided.work, decided.row, decided.row.document
    if (why := why_never(document["rule"], await LibraryStore(work.connection).closed())) is not None:
        return {"granted": False, "because": why}
    charter = await governing(work.connection, UUID(document["charter_id"]), work.now)
    if charter.digest != document.get("charter_digest", charter.digest):
        return {"granted": False, "because": "another version of the charter is in force than was voted on"}
    until = datetime.fromisoformat(document["valid_until"])
    made = await WaiverStore(work.connection).add(
        kind="exception",
        charter_id=UUID(document["charter_id"]),
        **{name: document[name] for name in ("rule", "use_case", "requester", "reason", "single_use")},
        review_id=row.id,
        opened_by=row.opened_by,
        confirmed_by=f"review:{row.id}",
        made_at=work.now,
        valid_until=until,
    )
    await work.schedule("exception.expiry", f"waiver:{made.id}", until, {"to": row.opened_by})
    return {"granted": True, "waiver_id": str(made.id)}


async def break_glass(work: ChangingRules, charter_id: UUID, asked: GlassRequest) -> Waiver:
    """Break the glass for one person and one charter; nothing opens before a second person confirms.

    Raises:
        Conflict: no version of the charter ever was in force, or the committee rejected such glass of late.
    """
    await governing(work.connection, charter_id, work.now)
    await _check_not_rejected(work, charter_id, asked.requester)
    made = await WaiverStore(work.connection).add(
        kind="break-glass",
        charter_id=charter_id,
        requester=asked.requester,
        reason=asked.reason,
        incident=asked.incident,
        single_use=False,
        opened_by=work.by,
        made_at=work.now,
        valid_until=work.now + timedelta(hours=asked.hours),
    )
    details, people = {"charter": str(charter_id)}, {"requester": asked.requester}
    await work.tell(AuditEvent(work.by, Action.GLASS_BREAK, f"waiver:{made.id}", "unconfirmed", details, people))
    return made


async def confirm_glass(work: ChangingRules, waiver_id: UUID) -> Waiver:
    """Open what somebody else broke the glass for; a review of it opens by itself.

    Raises:
        Forbidden: the same person, the one it is broken for, or whoever is interested in the charter.
        Conflict: it was confirmed, its hours are over, or the committee rejected such glass of late.
    """
    store = WaiverStore(work.connection)
    glass = await store.one(waiver_id, lock=True)
    await _check_second_person(work, glass)
    if glass.kind != "break-glass" or glass.confirmed_by is not None or work.now >= glass.valid_until:
        raise Conflict("There is no broken glass here that waits to be confirmed.", code="not-waiting")
    await _check_not_rejected(work, glass.charter_id, glass.requester)
    document = {
        "waiver_id": str(waiver_id), "charter_id": str(glass.charter_id), "requester": glass.requester,
        "reason": glass.reason, "incident": glass.incident, "opened_by": glass.opened_by, "confirmed_by": work.by,
    }  # fmt: skip
    matter = reviews.Matter(
        kind="break-glass",
        subject=f"waiver:{waiver_id}",
        document=document,
        barred=(glass.opened_by,),
        named=(glass.requester,),
        charter_id=glass.charter_id,
    )
    review_id = await reviews.open_review(work, matter)
    confirmed = await store.change(waiver_id, confirmed_by=work.by, review_id=review_id)
    await work.schedule("glass.end", f"waiver:{waiver_id}", glass.valid_until, {"to": glass.opened_by})
    details = {"charter": str(glass.charter_id)}
    await work.tell(AuditEvent(work.by, Action.GLASS_CONFIRM, f"waiver:{waiver_id}", details=details))
    return confirmed


async def _check_second_person(work: Work, glass: Waiver) -> None:
    interests = await work.dependencies.interests(work, f"waiver:{glass.id}", {}, (glass.charter_id,))
    if work.by in {glass.opened_by, glass.requester} | interests.barred | interests.named:
        raise Forbidden("A second person confirms, who does not profit from it.", code="own-matter")


async def _check_not_rejected(work: Work, charter_id: UUID, requester: str | None) -> None:
    if await WaiverStore(work.connection).was_glass_rejected(charter_id, requester, work.now - REJECTED_FOR):
        raise Conflict(
            "The committee rejected glass broken for this person and charter within the last 24 hours; "
            "ask it for an exception.",
            code="glass-was-rejected",
        )


async def conclude_glass(decided: Decided) -> dict[str, Any]:
    """Rejected glass is closed at once; without a rejection its hours end it."""
    work, waiver_id = decided.work, UUID(decided.row.document["waiver_id"])
    store = WaiverStore(work.connection)
    if decided.state == "rejected" and work.now < (await store.one(waiver_id, lock=True)).valid_until:
        await store.change(waiver_id, valid_until=work.now)
        await CalendarStore(work.connection).cancel(f"waiver:{waiver_id}", work.now)
        await work.tell(AuditEvent("policy", Action.GLASS_CLOSE, f"waiver:{waiver_id}"))
    return {"verdict": decided.state}


async def list_waivers(work: Work, charter_id: UUID) -> list[Waiver]:
    return await WaiverStore(work.connection).of_charter(charter_id)


# --- which rules take exceptions at all -----------------------------------------------------


async def list_rules(work: Work) -> list[Rule]:
    """Every rule of the gate: whether it may be set aside, and why not."""
    closed = await LibraryStore(work.connection).closed()
    return [_rule(code, closed) for code in RULES]


def _rule(code: str, closed: Mapping[str, str]) -> Rule:
    why = why_never(code, closed)
    if why is None:
        return Rule(code=code, waivable=True, reason=None, by=None)
    return Rule(code=code, waivable=False, reason=why, by="house" if RULES[code].unwaivable is None else "rule")


async def set_rule_of_house(work: ChangingRules, code: Name, asked: RuleOfHouse) -> Rule:
    """Close a rule to exceptions and broken glass in the whole house, or open it again; it holds at once.

    Raises:
        NotFound: the gate has no such rule.
        Invalid: the rule itself says that it is never waived.
    """
    if code not in RULES:
        raise NotFound(f"The gate has no rule {code}.")
    check_rule(code, {})
    store = LibraryStore(work.connection)
    version = await store.rule_of_house(code, waivable=asked.waivable, reason=asked.reason, by=work.by, at=work.now)
    details, shown = {"version": version, "waivable": asked.waivable}, {"reason": asked.reason}
    await work.tell(AuditEvent(work.by, Action.RULE_SET_WAIVABLE, Word(f"rule:{code}"), details=details, shown=shown))
    return _rule(code, await store.closed())
