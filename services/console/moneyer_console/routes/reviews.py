"""Reviews: the list, one page for every kind, votes and conditions."""

import asyncio
import secrets
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from moneyer import calls
from moneyer.client import Refused
from moneyer_console.asking import found
from moneyer_console.pages import Page, Redirect
from moneyer_console.views import matters
from moneyer_console.views import reviews as view
from moneyer_console.views.absent import Absent
from moneyer_console.views.facts import facts_of
from moneyer_console.views.names import Names, names_of, titles_of
from moneyer_console.views.problems import Problem, problem_of
from moneyer_console.views.words import KINDS
from moneyer_console.visits import Fields, Pages, Visit, Visitor
from moneyer_shared.errors import Forbidden, Invalid

pages = Pages()
REVIEW_STATES = ("open", "approved", "rejected", "lapsed", "all")


@pages.get("/reviews")
async def list_reviews(visit: Visitor, kind: str = "", state: str = "open", after: UUID | None = None) -> Page:
    asked_kind = kind if kind in KINDS else None
    shown_state = state if state in REVIEW_STATES else "open"
    asked_state = None if shown_state == "all" else shown_state
    listed = calls.paged(calls.list_reviews(state=asked_state, kind=asked_kind, after=after))
    told = await visit.ask(listed)
    of = sorted({one["charter_id"] for one in told.rows if one["charter_id"]})
    charters, populations = await visit.look_all(calls.list_charters(charters=of), calls.list_populations())
    names = Names(titles_of(found(charters, [])), {}, names_of(found(populations, [])))
    rows = [view.review_row(one, names) for one in told.rows]
    return Page(
        "reviews.html.jinja",
        view.ReviewList(rows, list(KINDS.items()), asked_kind or "", shown_state, told.after),
    )


@pages.get("/reviews/{review_id}")
async def show_review(visit: Visitor, review_id: UUID, said: str = "") -> Page:
    return await _page(visit, review_id, said=said)


@pages.post("/reviews/{review_id}/votes")
async def vote(visit: Visitor, review_id: UUID) -> Page | Redirect:
    """Cast a vote, once whoever votes has proved lately who they are."""
    back = f"/reviews/{review_id}"
    try:
        fields = visit.form()
        visit.confirmed(fields, back)
        await visit.ask(_ballot(review_id, fields))
    except (Refused, Forbidden, Invalid) as refused:
        return await _page(visit, review_id, problem=problem_of(refused))
    visit.forget_kept()
    return Redirect(f"{back}?said=voted")


@pages.post("/reviews/{review_id}/conditions/{condition_id}")
async def meet_condition(visit: Visitor, review_id: UUID, condition_id: UUID) -> Page | Redirect:
    back = f"/reviews/{review_id}"
    try:
        fields = visit.form()
        visit.confirmed(fields, back)
        await visit.ask(calls.meet_condition(review_id, condition_id, evidence=fields.get("evidence", "")))
    except (Refused, Forbidden) as refused:
        return await _page(visit, review_id, problem=problem_of(refused))
    visit.forget_kept()
    return Redirect(f"{back}?said=met")


def _ballot(review_id: UUID, fields: Fields) -> calls.Call[Any]:
    """The vote that was typed.

    Raises:
        Invalid: it says no verdict, or no reason.
    """
    function, _, on_behalf_of = fields.get("power", "").partition("|")
    if fields.get("verdict") not in {"approve", "reject"}:
        raise Invalid("Choose to approve or to reject.", code="verdict-missing")
    if not fields.get("reason", "").strip():
        raise Invalid("Give a reason: it is kept with your vote.", code="reason-missing")
    return calls.vote_on_review(
        review_id,
        function=function,
        verdict=fields["verdict"],
        digest=fields.get("digest", ""),
        reason=fields["reason"],
        on_behalf_of=on_behalf_of or None,
        conditions=[line.strip() for line in fields.get("conditions", "").split("\n") if line.strip()],
        key=fields.get("once") or None,
    )


# --- one review as a page ----------------------------------------------------------------------------


async def _page(visit: Visit, review_id: UUID, *, problem: Problem | None = None, said: str = "") -> Page:
    review = await visit.ask(calls.get_review(review_id))
    (members, delegations), (matter, names) = await asyncio.gather(
        visit.look_all(calls.list_members(), calls.list_delegations()), _matter(visit, review)
    )
    now = datetime.now(UTC).isoformat()
    powers = view.powers_of(visit.subject, found(members, []), found(delegations, []), now)
    typed = visit.typed or visit.kept()
    charter_id = review.get("charter_id")
    shown = view.ReviewView(
        row=view.review_row(review, names),
        digest=review["digest"],
        charter_id=charter_id,
        charter=names.charter(charter_id) if charter_id else None,
        subject=review["subject"],
        decided_at=review["decided_at"],
        outcome=facts_of(review["outcome"] or {}),
        matter=matter,
        stages=view.stages_of(review),
        votes=review["votes"],
        conditions=review["conditions"],
        powers=powers,
        why_no_vote=view.why_no_vote(review, visit.subject, powers),
        is_confirmed=visit.console.signing.is_confirmed(visit.session),
        conditions_allowed=_conditions_allowed(review),
        typed=typed,
        once=typed.get("once") or secrets.token_urlsafe(16),
        problem=vars(problem) if problem else None,
        reader=visit.subject,
        said=said if said in {"voted", "met"} else None,
    )
    return Page("review.html.jinja", shown, status=problem.status if problem else 200)


def _conditions_allowed(review: dict[str, Any]) -> bool:
    now = [stage for stage in review["quorum"]["stages"] if stage["name"] == review["stage"]]
    return all(stage.get("conditions_allowed", True) for stage in now)


async def _matter(visit: Visit, review: dict[str, Any]) -> tuple[matters.Matter, Names]:
    """What is put up, with what else of the API it takes to understand it."""
    document, charter_id = review["document"], review.get("charter_id")
    charter = await _charter(visit, charter_id) if charter_id else {}
    match review["kind"]:
        case "charter":
            version, in_force = await visit.look_all(
                calls.get_charter_version(charter_id or document["charter"], document["version"]),
                calls.get_charter_in_force(charter_id or document["charter"]),
            )
            told, before = (None if isinstance(one, Absent) else one for one in (version, in_force))
            return matters.charter_matter(told, before, _because(version)), Names(charter)
        case "plan":
            offer, plan = document["offer"], document["plan"]
            population, forecast, source = await visit.look_all(
                calls.get_population(offer["population_id"]),
                calls.forecast(offer["population_id"], charter_id=plan["charter_id"], mechanism=offer["mechanism"]),
                calls.get_source(plan["source_id"]),
            )
            names = Names(charter, {} if isinstance(source, Absent) else {source["id"]: source["declaration"]["name"]})
            left, fits = (None if isinstance(one, Absent) else one for one in (population, forecast))
            return matters.plan_matter(document, left, fits, names, _because(population, forecast)), names
        case "release" | "blended-release" | "finding":
            return matters.figures_matter(document), Names(charter)
        case _:
            return matters.other_matter(document), Names(charter)


async def _charter(visit: Visit, charter_id: str) -> dict[str, str]:
    told = await visit.look(calls.get_charter(charter_id))
    return {} if isinstance(told, Absent) else {charter_id: told["document"].get("title", "")}


def _because(*told: object) -> list[str]:
    return [one.because for one in told if isinstance(one, Absent)]
