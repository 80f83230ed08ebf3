"""Figures over nothing: of groups without an outcome, columns without a value, and more categories than memory."""

from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest
from evaluation.test_broken import constant, sound
from evaluation.test_measures import DECLARATION, INDEPENDENT, TRAIN, figure, population, tables

from moneyer_evaluation.measures import fairness, likeness, reference, singling_out
from moneyer_evaluation.measures.reference import Tables, feature_columns, features, places_of
from moneyer_evaluation.rules import NotEstimable
from moneyer_shared.contracts.generation import SourceDeclaration

LARGE, SMALL = 2000, 40


def people(seed: int, rare: float = 0.02) -> pa.Table:
    """A large group with some of the outcome, and one of forty without any."""
    random = np.random.default_rng(seed)
    outcome = np.where(random.random(LARGE + SMALL) < rare, "yes", "no")
    outcome[LARGE:] = "no"
    group = np.repeat(["many", "few"], [LARGE, SMALL])
    return pa.table({"group": group, "score": random.random(LARGE + SMALL), "paid": outcome})


GROUPED = SourceDeclaration.model_validate({
    "name": "s", "description": "d", "population_id": UUID(int=0), "target": "paid", "columns": [
        {"name": "group", "role": "protected", "domain": {"kind": "categorical", "categories": ["many", "few", "nobody"]}},
        {"name": "score", "domain": {"kind": "number", "minimum": 0, "maximum": 1}},
        {"name": "paid", "domain": {"kind": "categorical", "categories": ["no", "yes"]}},
    ],
})  # fmt: skip


def judged() -> list[Any]:
    return fairness.measure(Tables.of(GROUPED, people(1), people(2), people(3), 0))


def test_a_group_without_the_outcome_is_not_perfectly_fair() -> None:
    found = judged()
    odds, parity = (figure(found, metric) for metric in (fairness.ODDS, fairness.PARITY))
    assert odds.upper == 1, "nobody of the small group can be judged rightly: anything may be"
    assert parity.upper > 0.05, "of forty who are told no, one in twelve might have been told yes"
    ratio = figure(found, fairness.IMPACT)
    assert (ratio.value, ratio.lower) == (0, 0)
    assert ratio.upper <= 1, "the lowest rate over the highest"
    assert ratio.details["lowest"] == "group=few"


@pytest.mark.parametrize("hits", [(0, 0), (0, 40), (40, 40)])
def test_a_rate_of_none_or_all_is_as_unsure_as_its_number(hits: tuple[int, int]) -> None:
    groups = np.repeat([0, 1], [40, 40])
    said = np.concatenate([np.arange(40) < some for some in hits])
    enough = np.array([True, True])
    chance = said.astype(float)
    assert fairness.parity_reach(chance, said, groups, enough) > 0.08
    assert fairness.parity(chance, said, groups, enough) == abs(hits[1] - hits[0]) / 40


def test_rates_between_reach_no_further_than_their_bootstrap() -> None:
    groups, said = np.repeat([0, 1], [40, 40]), np.arange(80) % 4 == 0
    enough = np.array([True, True])
    reach = fairness.parity_reach(said.astype(float), said, groups, enough)
    assert reach == fairness.parity(said.astype(float), said, groups, enough)


def test_numbers_that_are_all_missing_correlate_with_nothing() -> None:
    for made in (constant(constant(INDEPENDENT, "income", None), "age", 3), constant(INDEPENDENT, "income", None)):
        found = likeness.correlation(tables(made))
        assert isinstance(found, NotEstimable)
        assert "asset" in found.because
    gone = constant(TRAIN, "income", None)
    found = likeness.correlation(tables(INDEPENDENT, train=gone))
    assert isinstance(found, NotEstimable)
    assert figure([likeness.correlation(tables(INDEPENDENT))], "correlation-difference-mean").value > 0


def test_what_one_unique_column_gives_away_is_to_be_seen() -> None:
    random = np.random.default_rng(0)
    unique = [f"u{i}" for i in range(600)]
    declared = SourceDeclaration.model_validate({
        "name": "s", "description": "d", "population_id": UUID(int=0), "columns": [
            {"name": "petal length (cm)", "domain": {"kind": "categorical", "categories": unique}},
            {"name": "class", "domain": {"kind": "categorical", "categories": ["a", "b"]}},
        ],
    })  # fmt: skip
    half = {"class": random.choice(["a", "b"], 300)}
    train, holdout = (pa.table({"petal length (cm)": part, **half}) for part in (unique[:300], unique[300:]))
    univariate = singling_out.measure(Tables.of(declared, train, holdout, train, 0))[1]
    assert figure([univariate], singling_out.UNIVARIATE).details["columns"] == {"petal length (cm)": 1.0}


# --- more categories than memory -----------------------------------------------------------------


def wide(columns: int, categories: int, rows: int) -> Tables:
    names = [f"x{i}" for i in range(columns)]
    domain = {"kind": "categorical", "categories": [f"v{i}" for i in range(categories)]}
    declared = SourceDeclaration.model_validate({
        "name": "s", "description": "d", "population_id": UUID(int=0),
        "columns": [{"name": name, "domain": domain} for name in names] + [{"name": "n", "domain": {"kind": "integer", "minimum": 0, "maximum": 9}}],
    })  # fmt: skip

    def made(seed: int) -> pa.Table:
        random = np.random.default_rng(seed)
        drawn = {name: [f"v{i}" for i in random.integers(0, categories, rows)] for name in names}
        return pa.table({**drawn, "n": random.integers(0, 10, rows)})

    return Tables.of(declared, made(1), made(2), made(3), 0)


@pytest.mark.parametrize(("columns", "categories", "rows"), [(3, 8000, 20_000), (1, 10_000, 50_000), (40, 10_000, 700)])
def test_features_fit_in_memory_however_many_categories(columns: int, categories: int, rows: int) -> None:
    made = wide(columns, categories, rows)
    assert 3 * rows * len(feature_columns(made)) <= reference.MOST_FEATURES
    found = features(made)
    assert sum(part.size for part in found) <= reference.MOST_FEATURES
    assert all((part[:, :-1].sum(axis=1) > 0).all() for part in found), "every category has a place"
    assert len(places_of(made, ["n"])) == 1
    assert len(places_of(made, ["x0"])) > 500


def test_features_are_as_they_were_where_there_is_room() -> None:
    made = wide(2, 300, 200)
    train, _, _ = features(made)
    assert train.shape == (200, 2 * 301 + 1)
    places = [int(text[1:]) for text in made.train["x1"]]
    assert (train[:, 301:602].argmax(axis=1) == places).all()
    assert train.dtype == np.float32


def test_a_missing_category_keeps_a_place_of_its_own() -> None:
    some = constant(population(900, 1), "income", None)
    sound(Tables.of(DECLARATION, some, population(400, 2), some, 0))
