"""Leaving out rows too few others are like: exact counts, every rule kept, refusals before anything is paid."""

from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pytest
from generation.test_shaping import DECLARATION, NONE, OVER_60, PROVEN, WOMEN
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from moneyer_generation.generators import suppression as module
from moneyer_generation.generators.assembly import Asked, assemble
from moneyer_generation.generators.catalogue import engine_named
from moneyer_generation.generators.shaping import ShapeUnreachable
from moneyer_generation.generators.suppression import Codes, Rule, kept_by, of_exactly, rules_of, without_rare
from moneyer_generation.planning.orders import check_order
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.contracts.policy import Guarantee, Plan
from moneyer_shared.contracts.shape import Suppression
from moneyer_shared.errors import Invalid

RULES = (Rule(("place", "age"), 3, 2, ("ill",)), Rule(("job",), 4))


def people(rows: int, seed: int, jobs: int = 6) -> pa.Table:
    random = np.random.default_rng(seed)
    return pa.table(
        {
            "place": random.choice(["a", "b", None], rows, p=[0.6, 0.35, 0.05]),
            "age": random.geometric(0.3, rows),
            "job": random.geometric(0.4, rows) % jobs,
            "ill": random.choice(["no", "yes"], rows, p=[0.8, 0.2]),
        }
    )


def faults(table: pa.Table, rules: tuple[Rule, ...] = RULES) -> list[str]:
    """What breaks a rule, by the plainest counting there is."""
    rows, found = table.to_pylist(), []
    for rule in rules:
        groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
        for row in rows:
            groups.setdefault(tuple(row[name] for name in rule.columns), []).append(row)
        for key, members in groups.items():
            few = len(members) < rule.least_rows
            alike = any(len({row[name] for row in members}) < rule.least_values for name in rule.sensitive)
            found += [f"{rule.columns} {key}"] if few or alike else []
    return found


@given(st.integers(1, 400), st.integers(0, 2**31))
def test_what_is_kept_keeps_every_rule_and_no_more_could_be_kept(rows: int, seed: int) -> None:
    table = people(rows, seed)
    kept, report = without_rare(table, RULES)
    assert faults(kept) == []
    assert report["rows_left_out"] == rows - kept.num_rows
    # The union of all sets that keep the rules keeps them too: the largest one is found by leaving out only what must be.
    coded = [Codes.of(table, rule) for rule in RULES]
    mask = kept_by(coded, np.ones(rows, dtype=bool))
    for row in np.flatnonzero(~mask)[:5]:
        alone = mask.copy()
        alone[row] = True
        assert any(each.broken(alone)[row] for each in coded)


@given(st.integers(10, 700), st.integers(0, 2**31))
def test_a_table_made_has_exactly_the_rows_asked_for_and_keeps_every_rule(rows: int, seed: int) -> None:
    table, report = of_exactly(lambda size, number: people(size, seed + number), rows, RULES, [seed])
    assert table.num_rows == rows
    assert faults(table) == []
    worst = report["rules"][0]
    assert worst["smallest_group"] >= 3
    assert worst["fewest_values"] >= 2
    assert report["rows_seen"] == rows + report["rows_left_out"]


def test_without_sparing_groups_rules_would_break(monkeypatch: pytest.MonkeyPatch) -> None:
    """Taking rows away at random until the number is right tears groups apart: the check is needed."""
    monkeypatch.setattr(module._Left, "can_spare", lambda self, row: True)
    torn = [of_exactly(lambda size, number, s=s: people(size, s + number), 300, RULES, [s])[0] for s in range(5)]
    assert any(faults(table) for table in torn)


def test_the_same_seed_leaves_out_the_same_rows() -> None:
    one, two = (of_exactly(people, 120, RULES, [7])[0] for _ in range(2))
    assert one.equals(two)


def test_rows_all_unlike_one_another_end_with_that_reason() -> None:
    def unlike(size: int, number: int) -> pa.Table:
        return people(size, number).set_column(1, "age", pa.array(np.arange(size) + number * 10**6))

    with pytest.raises(ShapeUnreachable, match="keep every rule of suppression"):
        of_exactly(unlike, 50, RULES, [0])


# --- as a plan asks for it ----------------------------------------------------------------

SENSITIVE = SourceDeclaration.model_validate(
    DECLARATION.model_dump() | {
        "columns": [
            column | ({"role": "sensitive"} if column["name"] == "insured" else {})
            for column in DECLARATION.model_dump()["columns"]
        ]
    }
)  # fmt: skip


class Coarse:
    """A model that makes ages in tens, so that rows are alike."""

    def sample(self, rows: int, seed: int | None) -> pa.Table:
        from generation.test_shaping import Model

        table = Model().sample(rows, seed)
        ages = pa.array((table["age"].to_numpy() // 10 * 10 + 8).clip(18, 98))
        return table.set_column(2, table.schema.field("age"), ages)

    def dump(self) -> bytes:
        return b""


def nothing_real() -> pa.Table:
    raise AssertionError("no real row is needed")


def test_k_and_l_hold_over_the_declared_roles_under_conditions() -> None:
    asked = Suppression(k=5, l=2)
    shape = {"where": [OVER_60]}
    job = {"rows": 200, "seed": 3, "shape": shape, "suppression": asked.model_dump()}
    table, report = assemble(Coarse(), Asked.of(job, SENSITIVE), nothing_real)
    assert table.num_rows == 200
    assert min(table["age"].to_pylist()) > 60
    assert faults(table, rules_of(asked, SENSITIVE)) == []
    assert rules_of(asked, SENSITIVE) == (Rule(("sex", "age"), 5, 2, ("insured",)),)
    assert report["suppression"][0]["rules"][0]["smallest_group"] >= 5


def plan(**changes: Any) -> Plan:
    made = {
        "charter_id": uuid4(), "use_case": "u", "audience": "a", "source_id": uuid4(), "generator": "arf",
        "rows": 100, "rationale": "r",
    }  # fmt: skip
    return Plan.model_validate(made | changes)


@pytest.mark.parametrize(
    ("suppression", "changes", "guarantee", "code"),
    [
        ({"k": 5, "of": "input"}, {}, PROVEN, "suppression-of-input"),
        ({"k": 5, "of": "input"}, {"model": str(uuid4())}, NONE, "suppression-of-input"),
        ({"k": 101}, {}, NONE, "suppression-impossible"),
        ({"l": 2}, {}, NONE, "suppression-needs-roles"),
        ({"rare": [{"columns": ["person"], "fewer_than": 2}]}, {}, NONE, "column-unknown"),
        ({"rare": [{"columns": ["height"], "fewer_than": 2}]}, {}, NONE, "column-unknown"),
        (
            {"k": 2},
            {"shape": {"strata": [{"name": "s", "where": [WOMEN], "share": "0.5"}]}},
            NONE,
            "suppression-with-strata",
        ),
        ({"k": 2}, {"generator": "timegan"}, NONE, "shape-of-sequences"),
    ],
)
def test_a_suppression_that_cannot_be_is_refused(
    suppression: dict[str, Any], changes: dict[str, Any], guarantee: Guarantee, code: str
) -> None:
    asked = plan(suppression=suppression, **changes)
    with pytest.raises(Invalid) as refused:
        check_order(asked, engine_named(asked.generator), DECLARATION, guarantee)
    assert refused.value.problem_code == code


def test_leaving_rows_out_of_the_output_is_open_to_every_engine() -> None:
    check_order(plan(suppression={"k": 5}), engine_named("dpmm-mst"), DECLARATION, PROVEN)
    check_order(plan(suppression={"k": 5, "of": "input"}), engine_named("arf"), DECLARATION, NONE)


@pytest.mark.parametrize("asked", [{}, {"k": 1}, {"rare": [{"columns": [], "fewer_than": 2}]}])
def test_a_suppression_says_what_it_asks_for(asked: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Suppression.model_validate(asked)
