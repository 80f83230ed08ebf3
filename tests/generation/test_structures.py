"""Times to an event and sequences: declared before they are learned, and whole when they come out."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from generation.test_generators import STRUCTURE, declaration
from pydantic import ValidationError

from moneyer_generation.generators.catalogue import CATALOGUE, engine_named
from moneyer_generation.generators.dressing import dress
from moneyer_generation.generators.protocol import CannotLearn, check_shapeable, check_source
from moneyer_generation.generators.synthcity_sequences import FittedSequences, as_categories, as_numbers
from moneyer_generation.generators.synthcity_survival import positions
from moneyer_shared.errors import Invalid

SURVIVAL, SEQUENCE = declaration(**STRUCTURE["survival"]), declaration(**STRUCTURE["sequence"])


@pytest.mark.parametrize(
    ("structure", "changes"),
    [
        ("survival", {"event": "nothing"}),
        ("survival", {"event": "sex"}),  # may be missing
        ("survival", {"occurred": "recovered"}),
        ("survival", {"duration": "sex"}),
        ("survival", {"duration": "income"}),  # begins at nothing, and may be missing
        ("sequence", {"column": "sex"}),
        ("sequence", {"order": "sex"}),
        ("sequence", {"order": "income"}),  # may be missing
        ("sequence", {"static": ["visit"]}),
        ("sequence", {"static": ["who"]}),
    ],
)
def test_a_structure_that_cannot_be_is_refused(structure: str, changes: dict[str, Any]) -> None:
    declared = {name: dict(value) if isinstance(value, dict) else value for name, value in STRUCTURE[structure].items()}
    declared[structure] |= changes
    with pytest.raises(ValidationError):
        declaration(**declared)


def test_engines_of_structures_ask_for_them() -> None:
    for name, engine in CATALOGUE.items():
        if engine.needs == "rows":
            check_source(engine, declaration())
            continue
        with pytest.raises(Invalid) as refused:
            check_source(engine, declaration())
        assert refused.value.problem_code == f"{engine.needs}-not-declared", name
    check_source(engine_named("survival-gan"), SURVIVAL)
    check_source(engine_named("timegan"), SEQUENCE)


def test_sequences_are_never_torn_by_choosing_rows() -> None:
    with pytest.raises(Invalid, match="whole sequences"):
        check_shapeable(engine_named("timevae"))
    check_shapeable(engine_named("survae"))


def test_an_event_that_never_varies_ends_with_that_reason() -> None:
    table = pa.table({"sex": ["f"] * 9, "age": [20] * 9, "income": [1.0] * 9, "ended": ["died"] * 9, "days": [1.0] * 9})
    assert positions(SURVIVAL) == ("c3", "c4")
    with pytest.raises(CannotLearn, match="end alike"):
        engine_named("survae")._loader(table, SURVIVAL)


def test_categories_survive_the_way_through_numbers() -> None:
    import pandas as pd

    frame = pd.DataFrame({"c0": ["a=b", "x", "x"], "m1": ["no", "yes", "no"], "c1": [1.5, 2.0, 3.0]})
    assert as_categories(as_numbers(frame))[list(frame)].equals(frame)


class Maker(FittedSequences):
    """Makes sequences of three rows, visits out of order."""

    def __init__(self, rows_each: int = 3) -> None:
        super().__init__(None, {}, SEQUENCE)
        self._rows_each = rows_each

    def frame(self, count: int, seed: int) -> Any:
        import pandas as pd

        number = np.repeat(np.arange(count), self._rows_each)
        rows = len(number)
        return pd.DataFrame(
            {
                "sequence": number, "c0": ["f"] * rows, "c1": [50] * rows, "c2": [1.0] * rows, "m2": ["no"] * rows,
                "c3": np.tile(np.arange(self._rows_each), count),
            }
        )  # fmt: skip


def test_a_table_of_sequences_has_its_rows_and_one_invented_name_for_each_sequence() -> None:
    made = Maker().sample(100, 1)
    assert made.num_rows == 100
    dressed = dress(made, SEQUENCE, 1)
    assert dressed.column_names == ["who", "sex", "age", "income", "visit"]
    names = dressed["who"].to_pylist()
    assert len(set(names)) == 34
    assert all(names.count(name) == 3 for name in names[:99])
    assert len(set(names[0:3])) == 1
    assert names[0] != names[3]


def test_a_model_of_empty_sequences_ends_with_that_reason() -> None:
    with pytest.raises(CannotLearn, match="sequences of the model hold 0 rows"):
        Maker(rows_each=0).sample(10, 1)


def test_an_engine_of_rows_gives_every_row_a_name_of_its_own() -> None:
    made = Maker().sample(60, 1).drop_columns(["who"])
    assert len(set(dress(made, SEQUENCE, 1)["who"].to_pylist())) == 60
