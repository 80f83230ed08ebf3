"""A search box: an id leads straight to what it names; words are looked for in names and titles."""

from collections.abc import Sequence
from typing import Any

from moneyer import calls
from moneyer_console.pages import Page, Redirect
from moneyer_console.views.absent import Absent
from moneyer_console.views.search import Hit, Results
from moneyer_console.views.words import is_id, kind_of, state_of
from moneyer_console.visits import Pages, Visit, Visitor

pages = Pages()
LONGEST = 200


@pages.get("/search")
async def search(visit: Visitor, q: str = "") -> Page | Redirect:
    words = q.strip()[:LONGEST].replace("\x00", "")
    if is_id(words):
        hits = await _by_id(visit, words.lower())
        if len(hits) == 1 and hits[0].to is not None:
            return Redirect(hits[0].to)
        return Page("search.html.jinja", Results(words, hits, []))
    return Page("search.html.jinja", await _by_words(visit, words) if words else Results("", [], []))


async def _by_id(visit: Visit, told: str) -> list[Hit]:
    run, review, charter, source, population = await visit.look_all(
        calls.get_generation(told),
        calls.get_review(told),
        calls.get_charter(told),
        calls.get_source(told),
        calls.get_population(told),
    )
    found: list[Hit] = []
    if not isinstance(run, Absent):
        place = "assets" if run["asset"] else "runs"
        found.append(Hit("run", run["plan"]["use_case"], told, f"/{place}/{told}", state_of(run["state"]).word))
    if not isinstance(review, Absent):
        found.append(Hit("review", kind_of(review["kind"]), told, f"/reviews/{told}", review["state"]))
    if not isinstance(charter, Absent):
        found.append(_charter(charter))
    if not isinstance(source, Absent):
        found.append(Hit("source", source["declaration"]["name"], told, f"/runs?source={told}"))
    if not isinstance(population, Absent):
        found.append(Hit("population", population["name"], told, None))
    return found


async def _by_words(visit: Visit, words: str) -> Results:
    """Charters by title and purpose; sources and populations by name, of their first page."""
    charters, sources, populations = await visit.look_all(
        calls.list_charters(words=words), calls.list_sources(), calls.list_populations()
    )
    hits = [_charter(one) for one in _told(charters)]
    hits += [
        Hit("source", one["declaration"]["name"], one["id"], f"/runs?source={one['id']}")
        for one in _told(sources)
        if words.lower() in one["declaration"]["name"].lower()
    ]
    hits += [
        Hit("population", one["name"], one["id"], None)
        for one in _told(populations)
        if words.lower() in one["name"].lower()
    ]
    absent = [one.because for one in (charters, sources, populations) if isinstance(one, Absent)]
    return Results(words, hits, absent)


def _told(found: Sequence[dict[str, Any]] | Absent) -> Sequence[dict[str, Any]]:
    return [] if isinstance(found, Absent) else found


def _charter(told: dict[str, Any]) -> Hit:
    title = told["document"].get("title", "")
    return Hit("charter", title, told["id"], f"/runs?charter={told['id']}", state_of(told["state"]).word)
