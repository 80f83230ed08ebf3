"""Membership inference by shadow models: an attacker who learned on tables of their own making how members look.

After Stadler et al. 2022 ("Synthetic Data – Anonymisation Groundhog Day"), for an attacker who holds a sample of the
population but neither the generator nor means to run it hundreds of times. The attacker makes shadow tables of parts of
that sample with a generator known to overfit, which crosses near neighbours, sees how people in and out of each part
stand to it, and learns to tell them apart; then asks the same of the asset. What is learned is how a member stands out,
in ratios that do not depend on how large the tables are.
"""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from moneyer_evaluation.measures.membership import SMALLEST, auc, candidates
from moneyer_evaluation.measures.reference import Array, Tables, feature_columns, features
from moneyer_evaluation.rules import Measured, NotEstimable

METRIC = "membership-shadow-auc"
PARTNERS = (2, 5, 15, 2, 5, 15)
"""Of how many nearest neighbours each shadow table's generator crosses a person with one; the fewer, the more leaks."""
NEIGHBOURS = (1, 2, 5)
LEAST_REFERENCE = 120
MOST_REFERENCE = 3000
MOST_MADE = 20_000


def measure(tables: Tables) -> list[Measured]:
    """AUC of the learned attacker on people learned from and people held out."""
    found = candidates(tables)
    if found is None or len(found.reference) < LEAST_REFERENCE:
        return [NotEstimable(METRIC, f"fewer than {LEAST_REFERENCE} people for an attacker to learn on")]
    random = tables.random(METRIC)
    asset = features(tables)[2]
    reference = found.reference[tables.at_most(len(found.reference), MOST_REFERENCE, METRIC)]
    per_person = len(asset) / len(found.reference)
    learner = _learned(reference, feature_columns(tables), per_person, random)
    scores = [learner(_standing(rows, asset, found.reference)) for rows in (found.members, found.outsiders)]
    method = (
        f"logistic regression on how people stand to {len(PARTNERS)} shadow tables of the attacker's making "
        "(crossings of near neighbours), asked about the asset; DeLong's variance"
    )
    return [auc(tables, METRIC, scores[0], scores[1], method)]


def _learned(reference: Array, columns: Array, per_person: float, random: np.random.Generator) -> "Scorer":
    """A scorer trained on people in and out of shadow tables made of thirds of the reference."""
    standings, labels = [], []
    third = len(reference) // 3
    for partners in PARTNERS:
        order = random.permutation(len(reference))
        inside, outside, known = (reference[order[place * third : (place + 1) * third]] for place in range(3))
        made = _crossed(inside, columns, min(MOST_MADE, max(third, round(per_person * third))), partners, random)
        standings += [_standing(inside, made, known), _standing(outside, made, known)]
        labels += [np.ones(third), np.zeros(third)]
    return Scorer(np.vstack(standings), np.concatenate(labels))


class Scorer:
    """How much like a member somebody stands, by what the attacker learned."""

    def __init__(self, standings: Array, labels: Array) -> None:
        self._scale = StandardScaler().fit(standings)
        self._learner = LogisticRegression(max_iter=300).fit(self._scale.transform(standings), labels)

    def __call__(self, standings: Array) -> Array:
        return np.asarray(self._learner.decision_function(self._scale.transform(standings)))


def _crossed(people: Array, columns: Array, rows: int, partners: int, random: np.random.Generator) -> Array:
    """Rows that take each column from a person or from one of that person's nearest neighbours."""
    count = min(partners + 1, len(people))
    near = NearestNeighbors(n_neighbors=count, n_jobs=1).fit(people).kneighbors(people)[1]
    one = random.integers(0, len(people), rows)
    other = near[one, random.integers(0, count, rows)]
    own = random.random((rows, int(columns.max()) + 1)) < 0.5  # noqa: PLR2004 - either is as likely
    return np.asarray(np.where(own[:, columns], people[one], people[other]))


def _standing(people: Array, made: Array, known: Array) -> Array:
    """How people stand between a table made and people known: log ratios of distances, and exact hits; shape (n, 5)."""
    to_made, to_known = (_distances(people, among) for among in (made, known))
    ratios = np.log((to_known + SMALLEST) / (to_made + SMALLEST))
    gap = np.log((to_made[:, 1] + SMALLEST) / (to_made[:, 0] + SMALLEST))
    return np.column_stack([ratios, gap, to_made[:, 0] < SMALLEST])


def _distances(people: Array, among: Array) -> Array:
    """To the nearest few; the farthest found stands in where there are fewer; shape (n, 3)."""
    count = min(max(NEIGHBOURS), len(among))
    found = NearestNeighbors(n_neighbors=count, n_jobs=1).fit(among).kneighbors(people)[0]
    return np.asarray(found[:, [min(place, count) - 1 for place in NEIGHBOURS]])
