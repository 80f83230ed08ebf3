"""One person's inbox: nothing is kept for it, so what was done elsewhere is gone from it at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from moneyer_policy.inbox import rules
from moneyer_policy.inbox.documents import EPOCH, After, Inbox, InboxCounts, InboxEntry, InboxKind, Me, place_of
from moneyer_policy.inbox.documents import Power as PowerShown
from moneyer_policy.inbox.rules import Names
from moneyer_policy.inbox.store import Asker, InboxStore, Waiting
from moneyer_policy.reviews.rules.review import Power, Review, missing
from moneyer_policy.reviews.store.committee import CommitteeStore
from moneyer_policy.reviews.store.reviews import ReviewRecord, ReviewStore
from moneyer_policy.work import Snapshot
from moneyer_shared.clock import LATEST


async def get_me(work: Snapshot) -> Me:
    """Who asks, until when, and what they may do here."""
    powers, caller = await CommitteeStore(work.connection).powers_of(work.by, work.now), work.caller
    return Me(
        subject=caller.subject,
        client=caller.client,
        scopes=sorted(caller.scopes),
        functions=[PowerShown.model_validate(power) for power in powers],
        expires_at=EPOCH + timedelta(seconds=min(caller.expires_at, LATEST.timestamp())),
    )


async def get_inbox(work: Snapshot, kind: InboxKind | None = None, after: After | None = None) -> Inbox:
    """A page of what waits for the caller, and how much of each kind there is."""
    powers = await CommitteeStore(work.connection).powers_of(work.by, work.now)
    withholding = [name for name, kind_ in work.dependencies.kinds.items() if kind_.a_no_withholds]
    asker = Asker(work.by, sorted({power.principal for power in powers}), withholding)
    store = InboxStore(work.connection, asker, work.now)
    rows = await store.page(kind, place_of(after) if after is not None else None)
    context = await _context(work, store, rows, powers)
    return Inbox(counts=InboxCounts.model_validate(await store.counts()), entries=[context.entry(row) for row in rows])


@dataclass(frozen=True)
class _Context:
    """What the words of a page's entries need, asked for all of them together."""

    by: str
    now: datetime
    powers: Sequence[Power]
    kept: Mapping[UUID, ReviewRecord]
    waiting: Mapping[UUID, Review]
    names: Names

    def entry(self, row: Waiting) -> InboxEntry:
        title, because, href = self._told(row)
        return InboxEntry(
            kind=row.kind, about=row.about, id=row.id, title=title, because=because, since=row.since,
            due_by=row.due_by, href=href,
        )  # fmt: skip

    def _told(self, row: Waiting) -> tuple[str, str, str]:
        """(title, because, href)."""
        match row.kind:
            case "vote" | "request" | "condition":
                return self._of_review(row)
            case "duty":
                return f"Notify {row.words}: {row.more}", "You answer for the incident.", _incident(row)
            case "action":
                return f"{row.words}: {row.more}", "It was given to you.", _incident(row)
            case "refusal":
                return self._refusal(row)
            case "expiry":
                return self._ending(row)

    def _of_review(self, row: Waiting) -> tuple[str, str, str]:
        title, href, review = self._title(row.parent), f"/v1/reviews/{row.parent}", self.waiting[row.parent]
        if row.kind == "vote":
            left = rules.powers_left(review, self.powers)
            return title, rules.why_to_vote(left, missing(review, self.now), named=self.by in review.named), href
        if row.kind == "request":
            return title, rules.what_is_missing(missing(review, self.now)), href
        if row.more == self.by:
            return f"{row.words} ({title})", "You set this condition: say when it is met.", href
        return f"{row.words} ({title})", f"Your request depends on it; {row.more} says when it is met.", href

    def _title(self, review_id: UUID) -> str:
        review = self.kept[review_id]
        return rules.title_of_review(review.kind, review.document, review.charter_id, self.names)

    def _refusal(self, row: Waiting) -> tuple[str, str, str]:
        if not row.is_of_review:
            title = f"Plan under {self.names.charter(row.charter_id)}"
            return title, f"You asked for it; it was refused by {row.words}.", f"/v1/decisions/{row.id}"
        return self._title(row.id), f"You asked for it; it was {_ENDED[row.words]}.", f"/v1/reviews/{row.id}"

    def _ending(self, row: Waiting) -> tuple[str, str, str]:
        charter = self.names.charter(_charter_of(row))
        if row.about == "permit":
            title, because = f"Permit under {charter}", "You asked for the run that may be made with it."
            return title, because, f"/v1/runs/{row.parent}/decision"
        if row.about == "grant":
            title, because = f"Grant to read an asset under {charter} for {row.words}", "You hold it."
            return title, because, f"/v1/assets/{row.parent}"
        if row.about == "training.expiry":
            return f"Training in {row.words}", "It is attested of you.", "/v1/attestations"
        ends = rules.ENDINGS[row.about]
        if _charter_of(row) is None:
            return ends.capitalize(), "You asked for it.", "/v1/calendar"
        return f"Charter {charter}: {ends}", "You own the charter.", f"/v1/charters/{_charter_of(row)}"


_ENDED = {"rejected": "rejected", "lapsed": "not decided in time"}


def _incident(row: Waiting) -> str:
    return f"/v1/incidents/{row.parent}"


def _charter_of(row: Waiting) -> UUID | None:
    """The charter that something which ends is, or belongs to."""
    return row.parent if row.about.startswith("charter.") else row.charter_id


async def _context(work: Snapshot, store: InboxStore, rows: Sequence[Waiting], powers: Sequence[Power]) -> _Context:
    shown = ReviewStore(work.connection)
    kept = await shown.of_ids({row.parent for row in rows if row.is_of_review})
    waiting = await shown.reviews([row for row in kept.values() if row.state == "open"])
    named = rules.populations_in(review.document for review in kept.values())
    charters = {charter for row in rows if (charter := _charter_of(row)) is not None}
    names = Names(await store.charter_titles(charters), await store.population_names(named))
    return _Context(work.by, work.now, powers, kept, waiting, names)
