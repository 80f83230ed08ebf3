"""Measures that are asked for by what they find, beyond the attackers' truth: groups, rules, targets, shares, registers."""

from collections.abc import Iterator
from importlib.metadata import EntryPoint

import numpy as np
import pyarrow as pa
import pytest
from evaluation.test_measures import DECLARATION, INDEPENDENT, TRAIN, figure, population, tables

from moneyer_evaluation.disclosure import power_notes
from moneyer_evaluation.measures import catalogue, external, fairness, membership, shares, subgroups, targets, validity
from moneyer_evaluation.measures.protocol import Measure
from moneyer_evaluation.measures.reference import External, Tables
from moneyer_evaluation.measures.suite import assay
from moneyer_evaluation.rules import Estimate, NotEstimable
from moneyer_shared.contracts.evaluation import CriterionResult, PowerNote
from moneyer_shared.contracts.evaluation import Estimate as EstimateDocument
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.errors import Invalid


def one(found: list[object]) -> Estimate:
    (estimate,) = found
    assert isinstance(estimate, Estimate), estimate
    return estimate


# --- plug-ins -------------------------------------------------------------------------------


def look_away(_: Tables) -> list[object]:
    return [Estimate("nothing-seen", 0.0, 0.0, 0.0, 1, "looks away", 0)]


PLUGIN = Measure(
    "look-away",
    3,
    "privacy",
    "sees nothing",
    look_away,
    {"nothing-seen": 0, "replayed-auc": 1, "leak-ratio": 0},
    "nothing",
)
PLUGIN_SUITE = ("look-away-3", "copies-1")


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An installed package with a measure and a suite of its own."""
    entries = {
        catalogue.MEASURES_GROUP: [EntryPoint("look-away", f"{__name__}:PLUGIN", catalogue.MEASURES_GROUP)],
        catalogue.SUITES_GROUP: [EntryPoint("calm-1", f"{__name__}:PLUGIN_SUITE", catalogue.SUITES_GROUP)],
    }
    monkeypatch.setattr(catalogue, "entry_points", lambda group: entries[group])
    for cached in (catalogue.measures, catalogue.suites):
        cached.cache_clear()
    yield
    for cached in (catalogue.measures, catalogue.suites):
        cached.cache_clear()


@pytest.mark.usefixtures("plugged")
def test_an_installed_attacker_is_asked_for_like_our_own() -> None:
    found = assay(tables(INDEPENDENT), suite="calm-1")
    assert [entry.metric for entry in found] == ["nothing-seen", "exact-copy-excess", "near-copy-excess"]
    assert figure(found, "nothing-seen").measure == "look-away-3"
    assert [measure.id for measure in catalogue.chosen("look-away-3")] == ["look-away-3"]


def test_two_measures_of_one_name_and_version_are_refused() -> None:
    with pytest.raises(ValueError, match="look-away-3"):
        catalogue._by_id([PLUGIN, PLUGIN])


def test_an_unknown_suite_is_refused() -> None:
    with pytest.raises(Invalid, match="nothing-1"):
        assay(tables(INDEPENDENT), suite="nothing-1")


def test_suites_are_made_of_measures_there_are() -> None:
    known = catalogue.measures()
    assert all(name in known for names in catalogue.suites().values() for name in names)
    assert all(measure.knows for measure in known.values() if measure.family == "privacy")


def test_a_published_suite_never_changes() -> None:
    """These stand in charters and in the record: another set is another version of the suite."""
    privacy = (
        "membership-1", "shadow-1", "singling-out-1", "linkability-1", "external-linkage-1", "attribute-inference-1",
        "reidentification-1", "copies-1",
    )  # fmt: skip
    standard = (
        "marginals-1", "likeness-1", "validity-1", "subgroups-1", "utility-1", "targets-1", "queries-1", *privacy,
        "fairness-1", "reference-shares-1",
    )  # fmt: skip
    quick = ("marginals-1", "likeness-1", "utility-1", "membership-1", "copies-1")
    assert {name: tuple(catalogue.suites()[name]) for name in ("standard-1", "privacy-1", "quick-1")} == {
        "standard-1": standard, "privacy-1": privacy, "quick-1": quick,
    }  # fmt: skip


def test_a_measure_that_is_added_joins_no_published_suite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "BUILT_IN", (*catalogue.BUILT_IN, PLUGIN))
    for cached in (catalogue.measures, catalogue.suites):
        cached.cache_clear()
    try:
        assert not [name for name, ids in catalogue.suites().items() if PLUGIN.id in ids]
    finally:
        for cached in (catalogue.measures, catalogue.suites):
            cached.cache_clear()


def test_every_metric_says_what_a_flawless_table_shows() -> None:
    found = assay(tables(INDEPENDENT))
    for measure in catalogue.BUILT_IN:
        given = {one.metric for one in found if isinstance(one, Estimate) and one.measure == measure.id}
        assert given <= measure.flawless.keys(), measure.id
    assert {one.metric for one in found} <= {name for one in catalogue.BUILT_IN for name in one.flawless}


@pytest.mark.usefixtures("plugged")
def test_a_flawless_value_is_declared_and_not_guessed_by_a_name() -> None:
    """An area that is 1 of a good table, and a ratio that is 0, are what their measure says they are."""

    def notes(metric: str, at_least: str) -> list[PowerNote]:
        wide = EstimateDocument.model_validate(
            {
                "metric": metric, "value": "0.9", "lower": "0.85", "upper": "0.95", "n": 60,
                "method": "m", "confidence": "0.95", "seed": 0,
            }
        )  # fmt: skip
        criterion = CriterionResult(metric=metric, at_least=at_least, expected="e", actual="a", met=False)
        return power_notes([wide], [criterion], "raw")

    assert notes("replayed-auc", "0.9") == []
    (note,) = notes("leak-ratio", "0.1")
    assert "Even a flawless table" in note.note
    assert notes("made-up-auc", "0.9") == []


# --- rules and combinations -----------------------------------------------------------------


def ruled(*rules: dict[str, str]) -> SourceDeclaration:
    return SourceDeclaration.model_validate(DECLARATION.model_dump() | {"constraints": list(rules)})


def test_rows_that_break_a_declared_rule_are_counted() -> None:
    rule = {"left": "age", "relation": ">=", "right": "income"}
    broken = pa.concat_tables([INDEPENDENT.slice(0, 300), INDEPENDENT.slice(300)])
    ages = broken["age"].to_numpy().copy()
    ages[:300] = 0
    incomes = broken["income"].fill_null(1.0).to_numpy(zero_copy_only=False).copy()
    incomes[:300] = 5.0
    broken = broken.set_column(0, "age", pa.array(ages)).set_column(
        1, "income", pa.array(np.minimum(incomes, ages + (np.arange(2000) < 300) * 9))
    )
    made = Tables.of(ruled(rule), TRAIN, population(1000, 2), broken, 0)
    found = validity.constraints(made)
    assert isinstance(found, Estimate)
    assert found.value == pytest.approx(0.15)
    assert found.details["rules"] == {"age >= income": 0.15}


@pytest.mark.parametrize(
    "rule",
    [
        {"left": "age", "relation": "<", "right": "region"},
        {"left": "region", "relation": "<", "right": "ill"},
        {"left": "age", "relation": "<", "right": "nobody"},
    ],
)
def test_a_rule_that_compares_what_cannot_be_compared_is_refused(rule: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"kind|order|no column"):
        ruled(rule)


def test_combinations_no_real_row_has_are_found() -> None:
    def only(table: pa.Table, *, ill: bool) -> pa.Table:
        """Nobody of region a is ill, unless ``ill`` says that all of them are."""
        region = np.array(table["region"].to_pylist())
        said = np.array(table["ill"].to_pylist())
        said[region == "a"] = "yes" if ill else "no"
        return table.set_column(3, "ill", pa.array(said))

    real, held_out = only(TRAIN, ill=False), only(population(1000, 2), ill=False)
    strange = Tables.of(DECLARATION, real, held_out, only(INDEPENDENT, ill=True), 0)
    share = np.mean(np.array(INDEPENDENT["region"].to_pylist()) == "a")
    assert validity.unseen(strange).value == pytest.approx(share)
    kept = Tables.of(DECLARATION, real, held_out, only(INDEPENDENT, ill=False), 0)
    assert validity.unseen(kept).value == 0


# --- groups ---------------------------------------------------------------------------------


def worse_in_a(table: pa.Table) -> pa.Table:
    """As the population but for region a, whose people are all old."""
    region, age = np.array(table["region"].to_pylist()), table["age"].to_numpy().copy()
    age[region == "a"] = 95
    return table.set_column(0, "age", pa.array(age))


def test_the_group_that_is_made_worst_is_named() -> None:
    found = one(subgroups.measure(tables(worse_in_a(INDEPENDENT))))
    assert found.details["worst"] == "region=a"
    assert found.lower > 0.05


def leaking_group() -> pa.Table:
    """Of region a the very rows learned from; of the others an independent draw."""
    masks = [np.array(table["region"].to_pylist()) == "a" for table in (TRAIN, INDEPENDENT)]
    return pa.concat_tables([TRAIN.filter(pa.array(masks[0])), INDEPENDENT.filter(pa.array(~masks[1]))])


def test_a_group_that_is_given_away_is_found_where_the_average_hides_it() -> None:
    found = membership.measure(tables(leaking_group()))
    worst, average = figure(found, "membership-group-auc"), figure(found, "membership-auc")
    assert worst.lower > 0.8
    assert average.value < 0.65
    assert max(worst.details["groups"], key=worst.details["groups"].__getitem__) == "region=a"


def test_a_model_that_is_surer_of_one_group_than_is_right_is_found() -> None:
    truth = np.array([True, False] * 200)
    groups = np.repeat([0, 1], 200)
    enough = np.ones(2, dtype=bool)
    chance = np.where(groups == 0, 0.5, 0.8)
    assert fairness.calibration(chance, truth, groups, enough) == pytest.approx(0.3)
    assert fairness.calibration(np.full(400, 0.5), truth, groups, enough) == pytest.approx(0.0)
    sure = INDEPENDENT.set_column(
        3,
        "ill",
        pa.array(
            np.where(
                np.array(INDEPENDENT["region"].to_pylist()) == "a", "yes", np.array(INDEPENDENT["ill"].to_pylist())
            )
        ),
    )
    assert figure(fairness.measure(tables(sure)), "group-calibration-gap-max").lower > 0.2


def test_published_shares_are_taken_as_exact() -> None:
    published = {"region": {"a": 1 / 6, "b": 0.5}, "no such column": {"x": 1.0}}
    made = Tables.of(DECLARATION, TRAIN, population(1000, 2), INDEPENDENT, 0, shares=published)
    found = one(shares.measure(made))
    share = np.mean(np.array(INDEPENDENT["region"].to_pylist()) == "b")
    assert found.value == pytest.approx(0.5 - share)
    assert found.details["groups"]["region=b"] == pytest.approx(share - 0.5, abs=1e-6)
    assert [text.split("=")[-1][0] for text in found.details["advice"]] == ["b"]


def test_the_worst_of_several_targets_is_the_figure() -> None:
    shuffled = np.random.default_rng(0).permutation(2000)
    made = INDEPENDENT.set_column(3, "ill", INDEPENDENT["ill"].take(shuffled))
    found = one(targets.measure(tables(made)))
    assert found.details["targets"]["ill"]["loss"] == pytest.approx(found.value)
    assert found.lower > 0.2
    assert set(found.details["targets"]) == {"ill", "income", "age", "region"}


# --- registers ------------------------------------------------------------------------------


def test_a_column_declared_otherwise_is_not_looked_up_by() -> None:
    declared = DECLARATION.model_dump()
    declared["columns"] = [column for column in declared["columns"] if column["name"] in {"age", "region"}]
    declared["columns"][0]["domain"]["maximum"] = 120
    other = SourceDeclaration.model_validate(declared | {"target": None})
    register = External(other, TRAIN.select(["age", "region"]))
    assert list(register.frame(DECLARATION)) == ["region"]


def test_a_register_that_shares_nothing_or_everything_tells_nothing() -> None:
    whole = Tables.of(DECLARATION, TRAIN, population(1000, 2), TRAIN, 0, external=External(DECLARATION, TRAIN))
    (found,) = external.measure(whole)
    assert isinstance(found, NotEstimable)
    assert "all of them" in found.because
