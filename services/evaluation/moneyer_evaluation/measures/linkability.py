"""Linkability: two holders of different columns ask whether two of their rows are one person's.

After Giomi et al. 2023: a person is linked if both halves of what is known of them lead to one synthetic row.
"""

from moneyer_evaluation.measures.neighbours import nearest, targets
from moneyer_evaluation.measures.reference import Array, Tables, features, places_of
from moneyer_evaluation.rules import Estimate, Measured, NotEstimable, bonferroni, newcombe

METRIC = "linkability-risk"
LEAST_TARGETS = 50
SPLITS = 4


def measure(tables: Tables) -> list[Measured]:
    """The largest share of members linked, minus the same of people held out, over a few ways to split the columns."""
    names = [column.name for column in tables.declaration.learned]
    if len(names) < 2:  # noqa: PLR2004
        return [NotEstimable(METRIC, "the table has one column, and a link needs two holders")]
    members, outsiders = targets(tables, METRIC)
    if len(members) < LEAST_TARGETS or not len(tables.asset):
        return [NotEstimable(METRIC, f"fewer than {LEAST_TARGETS} people to attack")]
    n, attacks = len(members), _splits(tables, names)
    linked = [_attack(tables, halves, members, outsiders) for halves in attacks]
    bounds = [newcombe(hits, n, chance, n, bonferroni(len(attacks))) for hits, chance in linked]
    value, lower, upper = (max(bound[i] for bound in bounds) for i in range(3))
    details = [
        {"holders": halves, "linked": hits / n, "baseline": chance / n}
        for halves, (hits, chance) in zip(attacks, linked, strict=True)
    ]
    method = (
        "both halves of a person's columns lead to one nearest synthetic row; members minus held out, the largest of "
        f"{len(attacks)} splits; Newcombe at Bonferroni's level"
    )
    return [Estimate(METRIC, value, lower, upper, n, method, tables.seed, {"splits": details})]


def _splits(tables: Tables, names: list[str]) -> list[list[list[str]]]:
    """Halves of the columns, as an attacker may come upon them; each split once."""
    random, found = tables.random(f"{METRIC} holders"), {}
    for _ in range(SPLITS):
        order = [names[i] for i in random.permutation(len(names))]
        halves = sorted([sorted(order[: len(order) // 2]), sorted(order[len(order) // 2 :])])
        found[str(halves)] = halves
    return list(found.values())


def _attack(tables: Tables, halves: list[list[str]], members: Array, outsiders: Array) -> tuple[int, int]:
    """How many (members, people held out) are linked."""
    train, holdout, asset = features(tables)
    holders = [places_of(tables, half) for half in halves]
    hits, chance = (_linked(people, asset, holders) for people in (train[members], holdout[outsiders]))
    return hits, chance


def _linked(people: Array, asset: Array, holders: list[Array]) -> int:
    one, two = (nearest(people[:, places], asset[:, places]) for places in holders)
    return int((one == two).sum())
