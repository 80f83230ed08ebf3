"""Our figures beside those of the libraries others use, where the definitions coincide."""

import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from evaluation.test_measures import DECLARATION, INDEPENDENT, TRAIN, figure, population

from moneyer_evaluation.measures import attributes, fairness, fidelity, likeness, linkability, singling_out
from moneyer_evaluation.measures.neighbours import nearest
from moneyer_evaluation.measures.reference import Tables, codes
from moneyer_shared.contracts.generation import SourceDeclaration

CATEGORIES = SourceDeclaration.model_validate(
    {
        "name": "s", "description": "d", "population_id": "00000000-0000-0000-0000-000000000000",
        "columns": [
            {"name": name, "domain": {"kind": "categorical", "categories": list("abcde")}} for name in ("one", "two", "three")
        ],
    }
)  # fmt: skip


def letters(rows: int, seed: int) -> pa.Table:
    random = np.random.default_rng(seed)
    one = random.choice(5, rows, p=[0.4, 0.3, 0.15, 0.1, 0.05])
    two = (one + random.choice(3, rows)) % 5
    three = random.choice(5, rows)
    return pa.table(
        {
            name: np.array(list("abcde"))[part]
            for name, part in zip(("one", "two", "three"), (one, two, three), strict=True)
        }
    )


def categorical() -> tuple[Tables, pd.DataFrame, pd.DataFrame]:
    made = Tables.of(CATEGORIES, letters(3000, 1), letters(1000, 2), letters(2500, 3), 0)
    return made, made.train, made.asset


def test_marginals_are_sdmetrics_column_shapes() -> None:
    from sdmetrics.single_column import TVComplement

    tables, real, made = categorical()
    theirs = [TVComplement.compute(real_data=real[name], synthetic_data=made[name]) for name in real]
    ours = fidelity.measure(tables)
    assert figure(ours, "marginal-tvd-mean").value == pytest.approx(1 - np.mean(theirs))
    assert figure(ours, "marginal-tvd-max").value == pytest.approx(1 - min(theirs))


def test_pairs_are_sdmetrics_contingency() -> None:
    from sdmetrics.column_pairs import ContingencySimilarity

    tables, real, made = categorical()
    pairs = [["one", "two"], ["one", "three"], ["two", "three"]]
    theirs = [ContingencySimilarity.compute(real_data=real[pair], synthetic_data=made[pair]) for pair in pairs]
    assert figure(fidelity.measure(tables), "pairwise-tvd-mean").value == pytest.approx(1 - np.mean(theirs))


def test_correlations_are_sdmetrics_correlation_similarity() -> None:
    from sdmetrics.column_pairs import CorrelationSimilarity

    whole = [{"name": name, "domain": {"kind": "number", "minimum": -9, "maximum": 9}} for name in ("a", "b", "c")]
    declared = SourceDeclaration.model_validate(CATEGORIES.model_dump() | {"columns": whole})

    def numbers(seed: int, tie: float) -> pa.Table:
        random = np.random.default_rng(seed)
        a = random.normal(0, 1, 1500)
        return pa.table({"a": a, "b": tie * a + random.normal(0, 1, 1500), "c": random.normal(0, 1, 1500)})

    tables = Tables.of(declared, numbers(1, 0.8), numbers(2, 0.8), numbers(3, 0.1), 0)
    theirs = [
        CorrelationSimilarity.compute(real_data=tables.train[pair], synthetic_data=tables.asset[pair])
        for pair in (["a", "b"], ["a", "c"], ["b", "c"])
    ]
    assert likeness.correlation(tables).value == pytest.approx(1 - np.mean(theirs))


def test_missingness_is_sdmetrics_missing_value_similarity() -> None:
    from sdmetrics.single_column import MissingValueSimilarity

    tables = Tables.of(DECLARATION, TRAIN, population(500, 2), INDEPENDENT, 0)
    theirs = MissingValueSimilarity.compute(real_data=tables.train["income"], synthetic_data=tables.asset["income"])
    assert likeness.missingness(tables).value == pytest.approx(1 - theirs)


def test_the_k_marginal_score_is_nists() -> None:
    """SDNist's own words: the mean absolute difference of densities over the marginal's bins, summed, from 0 to 2, scaled
    so that 1000 is perfect, and averaged over marginals."""
    tables, real, made = categorical()
    scores = []
    for pair in (["one", "two"], ["one", "three"], ["two", "three"]):
        densities = [frame.value_counts(pair, normalize=True) for frame in (real, made)]
        difference = densities[0].sub(densities[1], fill_value=0).abs().sum()
        scores.append((2 - difference) / 2 * 1000)
    assert figure(fidelity.measure(tables), "k-marginal-score-2").value == pytest.approx(np.mean(scores))


def test_density_and_coverage_are_the_papers() -> None:
    """Naeem et al. 2020, equations 5 and 6, as a double loop."""
    random = np.random.default_rng(0)
    real, made = random.normal(0, 1, (60, 3)), random.normal(0.5, 1, (60, 3))
    between = np.linalg.norm(real[:, None] - real[None], axis=2)
    radii = np.sort(between, axis=1)[:, likeness.NEIGHBOURS]
    inside = np.linalg.norm(made[:, None] - real[None], axis=2) <= radii[None, :]
    assert likeness._balls_around(made, real, radii, chunk=7).tolist() == inside.sum(axis=1).tolist()


# --- attackers ----------------------------------------------------------------------------


def leaking(share: float = 0.5, seed: int = 0) -> Tables:
    whole = DECLARATION.model_copy(
        update={"columns": [column.model_copy(update={"nullable": False}) for column in DECLARATION.columns]}
    )
    train, holdout, other = (population(1500, seed * 10 + place) for place in (1, 2, 3))
    filled = [table.set_column(1, "income", table["income"].fill_null(0.0)) for table in (train, holdout, other)]
    count = int(1500 * share)
    asset = pa.concat_tables([filled[0].slice(0, count), filled[2].slice(0, 1500 - count)])
    return Tables.of(whole, filled[0], filled[1], asset, seed)


@pytest.mark.parametrize("share", [0.0, 0.6])
def test_attribute_inference_lies_within_anonymeters_interval(share: float) -> None:
    from anonymeter.evaluators import InferenceEvaluator

    tables = leaking(share)
    known = ["age", "region", "ill"]
    theirs = InferenceEvaluator(
        ori=tables.train, syn=tables.asset, control=tables.holdout, aux_cols=known, secret="income", n_attacks=1000,
        regression=True,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = theirs.evaluate(n_jobs=1).results()
    # They report the excess as a share of what the population does not tell already, and we the excess itself.
    low, high = (bound * (1 - results.control_rate.value) for bound in results.risk().ci)
    ours = figure(attributes.measure(tables), attributes.METRIC)
    assert ours.lower <= high + 0.03
    assert ours.upper >= low - 0.03


@pytest.mark.parametrize("share", [0.0, 0.6])
def test_linkability_lies_within_anonymeters_interval(share: float) -> None:
    from anonymeter.evaluators import LinkabilityEvaluator

    tables = leaking(share)
    ours = linkability.measure(tables)
    split = max(figure(ours, linkability.METRIC).details["splits"], key=lambda one: one["linked"] - one["baseline"])
    theirs = LinkabilityEvaluator(
        ori=tables.train, syn=tables.asset, control=tables.holdout, aux_cols=tuple(split["holders"]), n_attacks=1000,
        n_neighbors=1,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = theirs.evaluate(n_jobs=1).results()
    low, high = (bound * (1 - results.control_rate.value) for bound in results.risk().ci)
    found = figure(ours, linkability.METRIC)
    assert found.lower <= high + 0.03
    assert found.upper >= low - 0.03


def of_one_size(tables: Tables) -> dict[str, pd.DataFrame]:
    """Real rows for anonymeter, none twice, as many to attack as to hold against: for a row or two of difference it would
    evaluate every predicate on fifty samples, and fit a curve to them."""
    train, holdout = (frame.drop_duplicates() for frame in (tables.train, tables.holdout))
    rows = min(len(train), len(holdout))
    assert rows > 1450
    return {"ori": train.head(rows), "control": holdout.head(rows)}


@pytest.fixture
def seeded_anonymeter(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes no seed for singling out."""
    from anonymeter.evaluators import singling_out_evaluator

    monkeypatch.setattr(singling_out_evaluator, "rng", np.random.default_rng(0))


@pytest.mark.usefixtures("seeded_anonymeter")
def test_singling_out_tells_leaks_apart_as_anonymeter_does() -> None:
    from anonymeter.evaluators import SinglingOutEvaluator

    told = {}
    for share in (0.0, 0.9):
        tables = leaking(share)
        evaluator = SinglingOutEvaluator(
            **of_one_size(tables), syn=tables.asset, n_attacks=60, n_cols=4, max_attempts=1000
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            low, high = evaluator.evaluate(mode="multivariate").risk().ci
        ours = figure(singling_out.measure(tables), "singling-out-risk")
        told[share] = (low, high, ours.lower, ours.upper)
    assert told[0.0][0] <= 0.01
    assert told[0.0][2] <= 0 <= told[0.0][3]
    assert told[0.9][0] > 0
    assert told[0.9][2] > 0


@pytest.mark.parametrize("share", [0.0, 0.9])
@pytest.mark.usefixtures("seeded_anonymeter")
def test_singling_out_by_one_column_lies_within_anonymeters_interval(share: float) -> None:
    from anonymeter.evaluators import SinglingOutEvaluator

    tables = leaking(share)
    evaluator = SinglingOutEvaluator(**of_one_size(tables), syn=tables.asset, n_attacks=500, max_attempts=5000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = evaluator.evaluate(mode="univariate").results()
    # Their risk is a share of what chance leaves, and their predicates are of the same kinds in another mixture.
    low, high = (bound * (1 - results.control_rate.value) for bound in results.risk().ci)
    ours = figure(singling_out.measure(tables), singling_out.UNIVARIATE)
    assert ours.lower <= high + 0.05
    assert ours.upper >= low - 0.05


def test_nearest_rows_are_found_exactly() -> None:
    random = np.random.default_rng(0)
    rows, among = random.normal(0, 1, (50, 4)), random.normal(0, 1, (80, 4))
    by_hand = np.linalg.norm(rows[:, None] - among[None], axis=2).argmin(axis=1)
    assert nearest(rows, among)[:, 0].tolist() == by_hand.tolist()


# --- fairness -----------------------------------------------------------------------------


def test_parity_and_odds_are_fairlearns() -> None:
    from fairlearn.metrics import demographic_parity_difference, equalized_odds_difference

    random = np.random.default_rng(0)
    groups, truth = random.integers(0, 3, 900), random.random(900) < 0.4
    said = random.random(900) < 0.3 + 0.2 * (groups == 1) + 0.2 * truth
    enough = np.ones(3, dtype=bool)
    theirs = demographic_parity_difference(truth, said, sensitive_features=groups)
    assert fairness.parity(said, truth, groups, enough) == pytest.approx(theirs)
    theirs = equalized_odds_difference(truth, said, sensitive_features=groups)
    assert fairness.odds(said, truth, groups, enough) == pytest.approx(theirs)


def test_the_ratio_of_rates_is_fairlearns_but_for_its_half_successes() -> None:
    from fairlearn.metrics import demographic_parity_ratio

    tables = Tables.of(DECLARATION, TRAIN, population(500, 2), INDEPENDENT, 0)
    grouping = fairness.groupings_of(tables)[0]
    rare = tables.train["ill"].value_counts().index[-1]
    positive = (tables.asset["ill"] == rare).to_numpy()
    theirs = demographic_parity_ratio(positive, positive, sensitive_features=grouping.asset)
    found = fairness.impact(tables, [grouping], positive, rare)
    assert found.value == pytest.approx(theirs, rel=0.01)
    assert found.lower <= theirs <= found.upper


def test_codes_of_categories_are_their_places() -> None:
    tables, real, _ = categorical()
    train, _, _, sizes = codes(tables)
    assert sizes == [6, 6, 6]
    assert train[:, 0].tolist() == [ord(value) - ord("a") for value in real["one"]]
