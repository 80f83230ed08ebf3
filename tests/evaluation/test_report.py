"""The page of an assay: whole in itself, verdict first, hostile names stay text."""

from html.parser import HTMLParser
from typing import Any
from uuid import UUID

from evaluation.test_measures import DECLARATION, INDEPENDENT, TRAIN, population

from moneyer_evaluation.disclosure import power_notes
from moneyer_evaluation.documents import estimate_of
from moneyer_evaluation.measures.reference import Tables
from moneyer_evaluation.measures.suite import assay
from moneyer_evaluation.routes.report import HEADERS, LIMITATIONS, SECTIONS, bar, render
from moneyer_evaluation.rules import Estimate
from moneyer_shared.contracts.evaluation import Assay, CriterionResult
from moneyer_shared.contracts.evaluation import Estimate as EstimateDocument

HOSTILE = "<script>alert(1)</script>\"' onload=x"
CRITERIA = [
    CriterionResult.model_validate(one)
    for one in (
        {
            "metric": "membership-auc",
            "expected": "upper bound at most 0.6",
            "actual": "0.5 in [0.4, 0.55]",
            "met": True,
            "at_most": "0.6",
            "at_least": None,
        },
        {
            "metric": HOSTILE,
            "expected": "upper bound at most 0.1",
            "actual": "not estimated",
            "met": False,
            "at_most": "0.1",
            "at_least": None,
        },
    )
]


def shown(**changes: Any) -> Assay:
    declared = DECLARATION.model_dump()
    declared["columns"][2]["name"] = HOSTILE
    hostile = type(DECLARATION).model_validate(declared)
    tables = Tables.of(
        hostile,
        *(part.rename_columns(["age", "income", HOSTILE, "ill"]) for part in (TRAIN, population(900, 2), INDEPENDENT)),
        0,
    )
    found = assay(tables)
    return Assay.model_validate({
        "id": UUID(int=1), "asset_id": UUID(int=2), "state": "done",
        "requested_at": "2026-01-01T00:00:00Z", "finished_at": "2026-01-01T00:00:00Z",
        "estimates": [estimate_of(one) for one in found if isinstance(one, Estimate)],
        "not_estimable": [{"metric": HOSTILE, "because": HOSTILE}], "verdict": "released", "failure": None, "power_notes": [],
        "figures": "raw",
    } | changes)  # fmt: skip


class Reader(HTMLParser):
    """What stands in a page: tags, what they would load, and text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.handlers: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [str(value) for name, value in attrs if name in {"src", "href", "action", "data", "srcset"}]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    return reader


def test_the_page_is_whole_in_itself_and_runs_nothing() -> None:
    page = read(render(shown(), CRITERIA))
    assert "script" not in page.tags
    assert page.loads == ["data:,"]
    assert page.handlers == []
    assert HOSTILE in page.text, "a hostile name is shown as what it is"
    assert "default-src 'none'" in HEADERS["Content-Security-Policy"]


def test_the_verdict_comes_first_and_every_figure_has_its_interval() -> None:
    told = shown()
    page = render(told, CRITERIA)
    assert page.index("Released") < page.index("What the charter asks") < page.index("Privacy:")
    text = read(page).text
    for one in told.estimates:
        assert f"{float(one.lower):.4f} … {float(one.upper):.4f}" in text, one.metric
    assert all(words in text for words in LIMITATIONS)
    assert {one.metric for one in told.estimates} <= {metric for section in SECTIONS.values() for metric in section}
    assert "polyline" in page


def test_an_assay_without_figures_is_a_page_too() -> None:
    bare = shown(estimates=[], verdict=None, state="failed", failure="A measure failed: MemoryError.")
    text = read(render(bare, [])).text
    assert "Not decided" in text
    assert "MemoryError" in text


def figure(**parts: Any) -> EstimateDocument:
    rest = {"metric": "m", "n": 1, "method": "m", "confidence": "0.95", "seed": 0}
    return EstimateDocument.model_validate(rest | parts)


def test_an_interval_lies_on_its_scale() -> None:
    drawn = bar(figure(value="0.5", lower="0.4", upper="0.6"), 0.8)
    assert (drawn.begin, drawn.width, drawn.middle, drawn.limit) == (40.0, 20.0, 50.0, 80.0)
    far = bar(figure(value="950", lower="900", upper="1000"), None)
    assert 0 <= far.begin <= far.middle <= far.begin + far.width <= 100
    below = bar(figure(value="-0.2", lower="-0.5", upper="0.1"), 0.0)
    assert below.begin == 0
    assert below.limit is not None
    assert below.middle < below.limit


def test_a_criterion_no_table_of_this_size_could_meet_is_said_to_be_one() -> None:
    wide = figure(metric="membership-auc", value="0.52", lower="0.40", upper="0.64", n=60)
    narrow = figure(metric="membership-auc", value="0.52", lower="0.50", upper="0.54", n=6000)
    (note,) = power_notes([wide], CRITERIA[:1], "raw")
    assert "n = 60" in note.note
    assert power_notes([narrow], CRITERIA[:1], "raw") == []
    assert power_notes([wide], CRITERIA[1:], "raw") == [], "what was not estimated is said elsewhere"
    score = figure(metric="k-marginal-score-2", value="900", lower="700", upper="950", n=50)
    asked = [CRITERIA[0].model_copy(update={"metric": "k-marginal-score-2", "at_most": None, "at_least": "850"})]
    no_limit = [asked[0].model_copy(update={"at_least": None})]
    assert power_notes([score], no_limit, "raw") == [], "a decision of a version that did not say its limits"
    assert power_notes([score], asked, "raw")
    (told,) = power_notes([wide], CRITERIA[:1], "rounded")
    assert told.note == "Even a flawless table would miss this. Assay more rows, or ask for less."
    assert power_notes([wide], CRITERIA[:1], "withheld") == []
    assert "Even a flawless table" in render(shown(power_notes=[note]), CRITERIA)
