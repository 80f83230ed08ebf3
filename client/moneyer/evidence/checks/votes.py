"""Reviews: what was put up for votes and by what rule, who voted what, and how it ended."""

from collections.abc import Mapping
from typing import Any

from moneyer.audit import NotProven
from moneyer.evidence.bundle import Bundle
from moneyer.evidence.documents import Place
from moneyer.evidence.entries import Entry
from moneyer_shared.contracts.actions import Action

OPENING = (
    "id", "kind", "subject", "charter_id", "digest", "quorum", "opened_by", "opened_at", "expires_at",
)  # fmt: skip
END = ("state", "decided_at", "outcome")
SET = ("id", "condition", "set_by")


def votes(bundle: Bundle) -> None:
    """The review of the charter version: its rule, every vote with voter and function, its end."""
    charter = bundle.read("charter.json")
    shown = bundle.read("votes.json")
    opened = _opened(bundle, f"charter:{charter['id']}:{charter['version']}")
    if shown["state"] != "approved" or shown["digest"] != charter["digest"]:
        raise NotProven("this is no approval of this charter's text")
    if "charter" in opened:
        _review(bundle, shown, ("votes.json",), opened["charter"])


def reviews(bundle: Bundle) -> None:
    """The last review of each matter of the asset."""
    shown = bundle.read("reviews.json")
    opened = _opened(bundle, f"asset:{bundle.asset}")
    for number, review in enumerate(shown):
        if review["kind"] in opened:
            _review(bundle, review, ("reviews.json", number), opened.pop(review["kind"]))
    if opened:
        raise NotProven(f"the log speaks of a review that is not shown: {', '.join(sorted(opened))}")


def _opened(bundle: Bundle, subject: str) -> dict[str, Entry]:
    """The last opening of a review of each kind, of one matter."""
    return {
        entry.details["kind"]: entry
        for entry in bundle.about(Action.REVIEW_OPEN)
        if entry.details.get("subject") == subject
    }


def _review(bundle: Bundle, shown: Mapping[str, Any], place: Place, opening: Entry) -> None:
    about = opening.subject
    if f"review:{shown['id']}" != about:
        raise NotProven("it is another review than the log speaks of")
    told = {name: shown[name] for name in OPENING}
    bundle.compare(opening, "opening", told, *((*place, name) for name in OPENING))
    cast = bundle.about("vote.*", about)
    bundle.match(cast, "vote", {(*place, "votes", number): vote for number, vote in enumerate(shown["votes"])})
    _conditions(bundle, shown, place, cast)
    ended = bundle.about(Action.REVIEW_DECIDE, about)
    if ended:
        if (ended[-1].outcome, ended[-1].details.get("digest")) != (shown["state"], shown["digest"]):
            raise NotProven("it ended otherwise, or was about another text")
        bundle.compare(ended[-1], "end", {name: shown[name] for name in END}, *((*place, name) for name in END))


def _conditions(bundle: Bundle, shown: Mapping[str, Any], place: Place, cast: list[Entry]) -> None:
    """Conditions as they were set with a vote, and as they were met."""
    given = list(enumerate(shown["conditions"]))
    for entry in cast:
        if "conditions" not in entry.details.get("shown", {}):
            continue
        found = [
            [(number, one) for number, one in given if one["set_by"] == person]
            for person in sorted({one["set_by"] for _, one in given})
        ]
        held = [group for group in found if bundle.seals(entry, "conditions", _as_set(group))]
        if not held and bundle.salt_of(entry) is not None:
            raise NotProven("the log speaks of other conditions")
        bundle.prove(*((*place, "conditions", number, name) for group in held for number, _ in group for name in SET))
    met = bundle.about(Action.REVIEW_CONDITION_MET, f"review:{shown['id']}")
    bundle.match(met, "condition", {(*place, "conditions", number): one for number, one in given})


def _as_set(group: list[tuple[int, Any]]) -> list[Any]:
    return [{name: one[name] for name in SET} for _, one in group]
