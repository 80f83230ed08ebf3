"""Engines: the declared domain is all they see, labels say what is earned, the pinned pair works."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pytest
from dpmm.models.base.mechanisms.cdp2adp import cdp_eps
from hypothesis import given
from hypothesis import strategies as st

from moneyer_generation.generators import dpmm_engines
from moneyer_generation.generators.catalogue import CATALOGUE, engine_named
from moneyer_generation.generators.dpmm_engines import DpmmFixed, DpmmMst, rho_of
from moneyer_generation.generators.encoding import TableCodec, codec_of
from moneyer_generation.generators.protocol import complete
from moneyer_shared import custody
from moneyer_shared.contracts.domains import CategoricalDomain, IntegerDomain, NumberDomain, TextDomain
from moneyer_shared.contracts.generation import Column, PrivacyUnit, SourceDeclaration
from moneyer_shared.errors import Invalid
from moneyer_shared.exact import arrow_schema

SMALL = {"epsilon": "1", "delta": "0.000001", "iterations": 100}


def declaration(**changes: object) -> SourceDeclaration:
    values = {
        "name": "small",
        "description": "A small table.",
        "population_id": uuid4(),
        "columns": [
            Column(name="sex", domain=CategoricalDomain(kind="categorical", categories=["f", "m"]), nullable=True),
            Column(name="age", domain=IntegerDomain(kind="integer", minimum=18, maximum=99, bins=10)),
            Column(name="income", domain=NumberDomain(kind="number", minimum=0, maximum=1000, bins=8), nullable=True),
        ],
    }
    return SourceDeclaration(**(values | changes))


STRUCTURE: dict[str, dict[str, object]] = {
    "rows": {},
    "survival": {
        "columns": [
            *declaration().columns,
            Column(name="ended", domain=CategoricalDomain(kind="categorical", categories=["cut off", "died"])),
            Column(name="days", domain=NumberDomain(kind="number", minimum=0.5, maximum=99)),
        ],
        "survival": {"event": "ended", "occurred": "died", "duration": "days"},
    },
    "sequence": {
        "columns": [
            Column(name="who", domain=TextDomain(kind="text", replacement="uuid"), role="identifier"),
            *declaration().columns,
            Column(name="visit", domain=IntegerDomain(kind="integer", minimum=0, maximum=9)),
        ],
        "sequence": {"column": "who", "order": "visit", "static": ["sex"]},
    },
}


def as_needed(needs: str) -> tuple[pa.Table, SourceDeclaration]:
    """The small table with what an engine needs beside it, as an engine sees it."""
    made, random = table(), np.random.default_rng(1)
    if needs == "survival":
        made = made.append_column("ended", pa.array(random.choice(["cut off", "died"], 400)))
        made = made.append_column("days", pa.array(random.uniform(1, 99, 400)))
    if needs == "sequence":
        made = made.append_column("visit", pa.array(np.arange(400) % 4))
        made = made.append_column("who", pa.array(np.arange(400) // 4))
    return made, declaration(**STRUCTURE[needs])


def table(rows: int = 400, seed: int = 0) -> pa.Table:
    random = np.random.default_rng(seed)
    sex = random.choice(["f", "m"], rows)
    income = random.uniform(0, 1000, rows)
    missing = random.random(rows) < 0.1
    return pa.table(
        {
            "sex": pa.array(sex, mask=missing),
            "age": pa.array(random.integers(18, 100, rows)),
            "income": pa.array(income, mask=~missing),
        },
        schema=arrow_schema(declaration().columns),
    )


# --- encoding -----------------------------------------------------------------------------


@given(st.integers(-(10**6), 10**6), st.integers(0, 5000), st.integers(1, 1024), st.data())
def test_an_integer_comes_back_in_its_own_bin(low: int, width: int, bins: int, data: st.DataObject) -> None:
    high = low + width
    codec = codec_of(Column(name="c", domain=IntegerDomain(kind="integer", minimum=low, maximum=high, bins=bins)))
    values = data.draw(st.lists(st.integers(low, high), min_size=1, max_size=20))
    codes = codec.encode(pa.chunked_array([pa.array(values, pa.int64())]))
    assert codes.min() >= 0
    assert codes.max() < codec.size
    back = codec.decode(codes, np.random.default_rng(0))
    assert (codec.encode(pa.chunked_array([back])) == codes).all()
    if width < bins:
        assert back.to_pylist() == values, "where every value has its bin, nothing is lost"


@given(st.lists(st.floats(-5, 5, allow_nan=False), min_size=1, max_size=20), st.integers(1, 1024))
def test_a_number_comes_back_within_its_bounds(values: list[float], bins: int) -> None:
    codec = codec_of(Column(name="c", domain=NumberDomain(kind="number", minimum=-5, maximum=5, bins=bins)))
    codes = codec.encode(pa.chunked_array([pa.array(values)]))
    back = codec.decode(codes, np.random.default_rng(0)).to_pylist()
    assert all(-5 <= value <= 5 for value in back)
    assert all(abs(a - b) <= 10 / bins + 1e-9 for a, b in zip(values, back, strict=True))


def test_nulls_and_extremes_of_the_allowed_range_survive() -> None:
    codec = TableCodec.of(declaration())
    full = table()
    back = codec.decode(codec.encode(full), np.random.default_rng(0))
    for name in ("sex", "income"):
        assert back[name].is_null().to_pylist() == full[name].is_null().to_pylist()
    wide = codec_of(Column(name="c", domain=IntegerDomain(kind="integer", minimum=-(2**50), maximum=2**50, bins=1024)))
    ends = pa.chunked_array([pa.array([-(2**50), 2**50], pa.int64())])
    assert wide.encode(ends).tolist() == [0, 1023]


def test_the_domain_does_not_depend_on_the_data() -> None:
    """A record with a rare value changes nothing about the shape of what the mechanism sees."""
    codec = TableCodec.of(declaration())
    rare = table(1).set_column(1, "age", pa.array([99], pa.int64())).cast(table().schema)
    with_rare = pa.concat_tables([table(), rare])
    assert list(codec.encode(table()).columns) == list(codec.encode(with_rare).columns)
    assert codec.domain == {"c0": 3, "c1": 10, "c2": 9}


# --- the proven engine --------------------------------------------------------------------


@pytest.mark.parametrize(("epsilon", "delta"), [(0.1, 1e-6), (1.0, 1e-6), (3.0, 1e-9), (10.0, 1e-4)])
def test_rho_is_the_one_dpmm_and_the_theorem_give(epsilon: float, delta: float) -> None:
    assert cdp_eps(rho_of(epsilon, delta), delta) == pytest.approx(epsilon, rel=1e-4)


def test_the_stated_mechanism_is_the_one_that_runs() -> None:
    engine, stated = DpmmMst(), DpmmMst().mechanism(declaration(), SMALL)
    assert stated.kind == "zcdp"
    model = dpmm_engines._new_model(float(stated.rho), 100, None, lambda _: None)
    assert model.generator.rho == float(stated.rho)
    assert 3 / (2 * model.generator.sigma**2) == pytest.approx(float(stated.rho))
    assert float(stated.rho) < rho_of(1.0, 1e-6)
    assert engine.guarantee(declaration(), SMALL).level == "proven"


@pytest.mark.parametrize(("pairs", "measurements"), [([], 1), ([("c0", "c1")], 2), (None, 3)])
def test_what_is_measured_and_chosen_together_costs_rho(pairs: list[tuple[str, str]] | None, measurements: int) -> None:
    """A measurement at σ costs 1 / (2 σ²); choosing costs as much as one."""
    sigma = dpmm_engines.sigma_of(0.02, pairs)
    assert measurements / (2 * sigma**2) == pytest.approx(0.02)


def test_public_pairs_are_the_target_beside_every_other_column() -> None:
    assert DpmmFixed()._pairs(declaration(target="age")) == [("c0", "c1"), ("c1", "c2")]
    assert DpmmFixed()._pairs(declaration()) == []


def test_a_unit_with_many_rows_pays_the_epsilon_asked_for() -> None:
    id_column = Column(name="person", domain=TextDomain(kind="text"), role="identifier")
    grouped = declaration(
        columns=[*declaration().columns, id_column], privacy_unit=PrivacyUnit(column="person", maximum_rows=5)
    )
    one, five = (DpmmMst().mechanism(d, SMALL) for d in (declaration(), grouped))
    assert five.group_size == 5
    assert Decimal(five.rho) * 25 <= Decimal(one.rho)


def test_two_fits_with_the_same_seed_differ_in_noise() -> None:
    """What is fitted differs, not only what is sampled: the noise is never seeded."""
    engine = DpmmMst()
    one, two = (engine.fit(table(), declaration(), SMALL, 7, lambda _: None) for _ in range(2))
    counts = [model._model.generator.measures[0][1] for model in (one, two)]
    assert not np.array_equal(*counts)


def test_a_fitted_model_is_kept_and_sampled_without_the_rows() -> None:
    engine, told = DpmmMst(), []
    fitted = engine.fit(table(), declaration(), SMALL, None, told.append)
    loaded = engine.load(fitted.dump(), declaration())
    made = loaded.sample(250, seed=3)
    assert made.num_rows == 250
    assert made.schema == arrow_schema(declaration().columns)
    assert made.equals(loaded.sample(250, seed=3)), "sampling is post-processing and may be repeated"
    assert told == sorted(told), "progress only grows"


def test_the_model_holds_no_row() -> None:
    canary = 271.8281828459045
    held = table().set_column(2, "income", pa.array([canary] * 400, pa.float64()))
    dumped = DpmmMst().fit(held, declaration(), SMALL, None, lambda _: None).dump()
    assert np.float64(canary).tobytes() not in dumped


# --- the catalogue ------------------------------------------------------------------------


def test_nothing_without_a_proof_is_labelled_proven() -> None:
    levels = {name: engine.guarantee(declaration(), complete(engine, {})).level for name, engine in CATALOGUE.items()}
    assert {name for name, level in levels.items() if level == "proven"} == {"dpmm-mst", "dpmm-fixed"}
    assert {name for name, level in levels.items() if level == "claimed"} == {"aim", "dpgan", "pategan"}
    for engine in CATALOGUE.values():
        assert engine.guarantee(declaration(), complete(engine, {})).gaps, "every engine tells its gaps"


@pytest.mark.parametrize(
    "parameters",
    [
        {"epsilon": 1},
        {"epsilon": "100"},
        {"epsilon": "NaN"},
        {"iterations": "500"},
        {"iterations": True},
        {"surprise": 1},
    ],
)
def test_parameters_are_checked(parameters: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        complete(DpmmMst(), parameters)


def test_an_unknown_generator_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Invalid, match="dpmm-mst"):
        engine_named("dummy_sampler")


def test_importing_the_catalogue_brings_no_learning_library() -> None:
    """The API process stays light; torch and synthcity belong to children."""
    script = (
        "import sys, moneyer_generation.generators.catalogue as _\n"
        "assert not {'torch', 'synthcity', 'dpmm'} & set(sys.modules), 'heavy'"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=True)


# --- what only claims ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["aim", "dpgan", "pategan"])
def test_a_claim_is_charged_as_claimed_and_says_what_is_missing(name: str) -> None:
    engine = CATALOGUE[name]
    parameters = complete(engine, {"epsilon": "2.5", "delta": "0.000001"})
    stated, label = engine.mechanism(declaration(), parameters), engine.guarantee(declaration(), parameters)
    assert (stated.kind, stated.epsilon, stated.delta) == ("claimed", "2.5", "0.000001")
    assert (label.epsilon, label.delta) == ("2.5", "0.000001")
    assert len(label.gaps) >= 2


# --- the child ----------------------------------------------------------------------------

QUICK: dict[str, dict[str, object]] = {
    "dpmm-mst": SMALL,
    "dpmm-fixed": SMALL,
    "bayesian-network": {"struct_learning_n_iter": 10, "struct_max_indegree": 2},
    "arf": {"num_trees": 5, "max_iters": 1},
    "marginal-distributions": {},
    **{name: {"n_iter": 1, "batch_size": 100} for name in ("ctgan", "tvae", "rtvae", "nflow", "ddpm", "adsgan")},
    **{name: {"n_iter": 2, "batch_size": 100} for name in ("survival-gan", "survival-ctgan", "survae")},
    "survival-nflow": {"n_iter": 2},
    **{name: {"n_iter": 2, "batch_size": 100} for name in ("timegan", "timevae")},
    "fflows": {"n_iter": 2},
    "dpgan": {"n_iter": 1, "batch_size": 100, "epsilon": "1"},
    "pategan": {"n_iter": 1, "n_teachers": 2, "epsilon": "1"},
    "aim": {"epsilon": "1"},
}
# All engines in one process, for the import of torch and synthcity is most of it. Each is asked for two tables of a
# small domain, so that rows repeat, and for a second fit at the same seed.
EVERY_ENGINE = """
import importlib.util, json, sys, warnings
warnings.filterwarnings("ignore")
spec = importlib.util.spec_from_file_location("here", sys.argv[1])
here = importlib.util.module_from_spec(spec); spec.loader.exec_module(here)
told = {}
for name, given in here.QUICK.items():
    engine = here.CATALOGUE[name]
    parameters = here.complete(engine, given)
    table, declaration = here.as_needed(engine.needs)
    one, two = (engine.fit(table, declaration, parameters, 5, lambda _: None) for _ in range(2))
    loaded = engine.load(one.dump(), declaration)
    made, again, other = loaded.sample(300, 3), loaded.sample(300, 3), two.sample(300, 3)
    told[name] = {"numbered": len(set(made.column("who").to_pylist())) if engine.needs == "sequence" else 0}
    made, again, other = (some.select([c.name for c in declaration.learned]) for some in (made, again, other))
    assert made.schema == here.arrow_schema(declaration.learned), name
    assert set(made["sex"].to_pylist()) <= {"f", "m", None}, name
    assert all(18 <= age <= 99 for age in made["age"].to_pylist()), name
    assert set(made["ended"].to_pylist() if engine.needs == "survival" else []) <= {"died", "cut off"}, name
    told[name] |= {"rows": made.num_rows, "repeats": made.equals(again), "noise": not made.equals(other)}
print(json.dumps(told))
"""


@pytest.mark.long
def test_every_engine_makes_a_table_of_the_declared_domain(tmp_path: Path) -> None:
    assert set(QUICK) == set(CATALOGUE)
    command = [sys.executable, "-c", EVERY_ENGINE, __file__]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr[-2000:]
    told = json.loads(ended.stdout.splitlines()[-1])
    for name, engine in CATALOGUE.items():
        level = engine.guarantee(declaration(), complete(engine, QUICK[name])).level
        assert told[name]["rows"] == 300, name
        assert (told[name]["numbered"] > 1) == (engine.needs == "sequence"), f"{name}: rows know their sequence"
        assert told[name]["repeats"], f"{name}: sampling a kept model again gives the same table"
        assert told[name]["noise"] == (level != "none"), f"{name}: only what is private is never seeded"


MANY_CATEGORIES = """
import sys, warnings
warnings.filterwarnings("ignore")
import numpy as np, pyarrow as pa
from uuid import UUID
from moneyer_generation.generators.catalogue import engine_named
from moneyer_shared.contracts.generation import SourceDeclaration
wards = [f"w{i}" for i in range(1000)]
declared = SourceDeclaration.model_validate({
    "name": "s", "description": "d", "population_id": UUID(int=0),
    "columns": [
        {"name": "ward", "domain": {"kind": "categorical", "categories": wards}},
        {"name": "side", "domain": {"kind": "categorical", "categories": ["even", "odd"]}},
    ],
})
drawn = np.random.default_rng(0).integers(0, 1000, 230)
table = pa.table({"ward": [f"w{i}" for i in drawn], "side": ["odd" if i % 2 else "even" for i in drawn]})
fitted = engine_named("arf").fit(table, declared, {"num_trees": 20, "max_iters": 2}, 0, lambda _: None)
print(len(set(fitted.sample(400, 1)["ward"].to_pylist())))
"""


def test_a_forest_takes_a_category_of_many_values_for_a_category(tmp_path: Path) -> None:
    """As a number, a ward's place in the alphabet would be averaged, and lie beyond its ends."""
    command = [sys.executable, "-c", MANY_CATEGORIES]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert int(ended.stdout.splitlines()[-1]) > 100


@pytest.mark.parametrize(
    ("generator", "parameters"),
    [
        ("dpmm-mst", SMALL),
        ("bayesian-network", {"struct_learning_n_iter": 10, "struct_max_indegree": 2}),
    ],
)
def test_an_engine_makes_a_sealed_table_in_a_child(
    tmp_path: Path, generator: str, parameters: dict[str, object]
) -> None:
    """The whole way through a real child process: nulls, integers, numbers and categories, nothing in clear."""
    from base64 import b64encode

    url, source_key, asset_key = tmp_path.as_uri() + "/objects", bytes(32), bytes(range(32))
    store = custody.open_store(url)
    train = table()
    custody.put_new(store, "train", custody.seal_table(train.to_batches(), train.schema, source_key, "train"))
    job = {
        "objects_url": url, "declaration": declaration().model_dump(mode="json"), "generator": generator,
        "parameters": parameters, "rows": 60, "seed": 5, "train_object": "train", "model_object": "model",
        "asset_object": "asset", "source_key": b64encode(source_key).decode(), "asset_key": b64encode(asset_key).decode(),
        "model_key": b64encode(asset_key).decode(),
    }  # fmt: skip
    command = [sys.executable, "-m", "moneyer_generation.generators.child"]
    ended = subprocess.run(command, input=json.dumps(job) + "\n", capture_output=True, text=True, cwd=tmp_path)
    messages = [json.loads(line) for line in ended.stdout.splitlines()]
    assert messages[-1].get("done", messages[-1])["rows"] == 60, messages
    assert ended.stderr == ""
    made = custody.read_table(store, "asset", asset_key)
    assert made.schema == arrow_schema(declaration().columns)
    assert set(made["sex"].to_pylist()) <= {"f", "m", None}
    ages = made["age"].to_pylist()
    assert all(18 <= age <= 99 for age in ages)
    with pytest.raises(custody.SealBroken):
        custody.read_table(store, "asset", source_key)
    again = subprocess.run(command, input=json.dumps(job) + "\n", capture_output=True, text=True, cwd=tmp_path)
    assert json.loads(again.stdout.splitlines()[-1]) == messages[-1], (
        "a repeat finds model and table, and makes neither anew"
    )
