"""Whose word counts in a draft, and that nothing of the rows enters it unmarked (I8, I10)."""

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moneyer_shared.contracts.drafts import SourceDraft
from moneyer_shared.contracts.generation import Column
from moneyer_shared.drafting.answers import read_answers
from moneyer_shared.drafting.draft import Inputs, draft_source
from moneyer_shared.drafting.given import Given
from moneyer_shared.drafting.rows import read_rows, round_numbers
from moneyer_shared.drafting.standards import STANDARDS, meant_for, words
from moneyer_shared.errors import Invalid

HERE = Path(__file__).parent / "drafts"
POPULATION = UUID(int=7)
ROWS = 200


def csv_of(columns: dict[str, Sequence[Any]]) -> Given:
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    return Given("people.csv", ("\n".join(lines) + "\n").encode())


def drafted(
    rows: Given | None = None,
    *answers: str,
    documents: Sequence[Given] = (),
    population: UUID | None = POPULATION,
    **said: Any,
) -> SourceDraft:
    return draft_source(
        Inputs(documents, read_rows(rows) if rows else None, read_answers(answers), population_id=population, **said)
    )


def column(draft: SourceDraft, name: str) -> Column:
    found = next(one.column for one in draft.columns if one.name == name)
    assert found is not None
    return found


def origin(draft: SourceDraft, name: str) -> str:
    found = column(draft, name).origin
    assert found is not None
    return found.kind


def codebook(*lines: str) -> Given:
    return Given("book.csv", "\n".join(["variable,label,values,minimum,maximum", *lines]).encode())


# --- whose word counts --------------------------------------------------------------------------------

AGES = csv_of({"age": [20 + i % 60 for i in range(ROWS)], "score": [i % 37 for i in range(ROWS)]})


def test_a_person_over_a_document_over_a_standard_over_the_rows() -> None:
    book = [codebook("age,Age,,0,99", "score,Score,,,")]
    assert origin(drafted(AGES), "age") == "standard"
    assert origin(drafted(AGES), "score") == "data"
    assert origin(drafted(AGES, documents=book), "age") == "dictionary"
    assert origin(drafted(AGES, "age=integer 18..100", documents=book), "age") == "person"
    assert column(drafted(AGES, "age=integer 18..100", documents=book), "age").domain.model_dump()["minimum"] == 18


def test_a_domain_is_as_public_as_the_less_public_of_its_ends() -> None:
    book = [codebook("age,Age,,0,", "score,Score,,0,")]
    draft = drafted(AGES, documents=book)
    assert (origin(draft, "age"), origin(draft, "score")) == ("standard", "data")
    assert (column(draft, "age").origin or pytest.fail()).reference == "age: ages of people in years, to 120"


def test_bounds_without_a_type_are_of_the_files_type() -> None:
    given = csv_of({"lab": [f"{i}.5" for i in range(ROWS)]})
    assert column(drafted(given, documents=[codebook("lab,Lab,,0,1000")]), "lab").domain.kind == "number"


def test_the_first_document_counts_and_the_next_fills_in() -> None:
    books = [codebook("score,Score,,0,"), codebook("score,Points,,5,50")]
    domain = column(drafted(AGES, documents=books), "score").domain.model_dump()
    assert (domain["minimum"], domain["maximum"]) == (0, 50)


def test_a_person_confirms_what_was_read_by_naming_where_it_is_written() -> None:
    draft = drafted(AGES, "score=confirmed the scoring manual of 2019")
    found = column(draft, "score").origin
    assert found is not None
    assert (found.kind, found.reference) == ("person", "the scoring manual of 2019")
    assert not any("READ FROM THE ROWS" in one.asks for one in draft.questions)


def test_an_answer_by_pattern_is_for_every_column_it_fits_and_the_last_word_counts() -> None:
    given = csv_of({f"LBX{i}": range(ROWS) for i in range(5)})
    draft = drafted(given, "LB*=number 0..1000; required", "LBX3=integer 0..500; role sensitive", "LBX4=drop")
    assert [one.name for one in draft.columns] == ["LBX0", "LBX1", "LBX2", "LBX3"]
    assert [column(draft, f"LBX{i}").domain.kind for i in range(4)] == ["number", "number", "number", "integer"]
    assert (column(draft, "LBX3").role, column(draft, "LBX0").nullable) == ("sensitive", False)
    assert draft.declaration is not None
    assert not draft.declaration.columns_from("data")


@pytest.mark.parametrize(
    "line",
    ["age", "age=", "=integer 0..1", "age=whole 0..1", "age=integer 5", "age=standard tallness", "age=categories", "ages=drop it; integer 0..5", "none=integer 0..1"],
)  # fmt: skip
def test_what_is_no_answer_is_told_with_how_to_write_one(line: str) -> None:
    with pytest.raises(Invalid) as refusal:
        drafted(AGES, line)
    assert refusal.value.problem_code in {"answer-unreadable", "answer-of-nothing"}


@pytest.mark.parametrize(
    "line", ["age=integer 9..1", "age=integer a..b", "age=role identifier; integer 0..5", "age=role king"]
)
def test_an_answer_that_makes_no_domain_is_refused(line: str) -> None:
    with pytest.raises(Invalid):
        drafted(AGES, line)


@pytest.mark.parametrize("end", ["1e999999999", "-1e-999999999", "NaN", "Infinity", "9" * 5000])
def test_a_bound_of_endless_digits_is_no_bound(end: str) -> None:
    for kind in ("integer", "number", "decimal"):
        with pytest.raises(Invalid):
            drafted(AGES, f"age={kind} 0..{end}")
    draft = drafted(documents=[codebook(f"score,Score,,0,{end}")])
    assert [one.column for one in draft.columns] == [None]


def test_answers_and_codes_of_blanks_take_no_time() -> None:
    blanks = " " * 9_000
    assert column(drafted(AGES, f"age=integer 0..120{blanks};{blanks}required"), "age").nullable is False
    long = codebook(f"score,Score,{' ' * 100_000}a;b,,")
    assert column(drafted(documents=[long]), "score").domain.model_dump()["categories"] == ["a", "b"]


# --- nothing of the rows unmarked ---------------------------------------------------------------------

SECRET = "Xyzzy"
MARKED = "READ FROM THE ROWS"


def test_nothing_of_the_rows_enters_a_draft_but_what_is_marked() -> None:
    """Numbers that stand only in the rows, texts of people, rare words: none is in the draft; marked columns aside."""
    people = csv_of(
        {
            "patient_id": [f"{SECRET}-{i}" for i in range(ROWS)],
            "remarks": [f"{SECRET} said {i}" for i in range(ROWS)],
            "age": [23 if i else 97 for i in range(ROWS)],
            "seen": ["1987-03-17"] * ROWS,
            "income": [31_337 + i for i in range(ROWS)],
            "town": [f"{SECRET}ville" if i % 2 else "Zork" for i in range(ROWS)],
        }
    )
    draft = drafted(people)
    text = draft.model_copy(update={"columns": [], "declaration": None}).model_dump_json()
    for one in draft.columns:
        assert one.column is not None
        assert one.column.origin is not None
        marked = one.column.origin.kind == "data"
        assert marked == (one.name in {"income", "town"})
        assert marked == any(MARKED in why for why in one.because)
        text += "" if marked else one.model_dump_json()
    assert not re.search(rf"{SECRET}|Zork|31337|31536|1987|\b97\b|\b23\b", text)
    assert not re.search(r"31337|31536", draft.model_dump_json()), "bounds are round even where they are marked"


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_other_rows_make_the_same_draft_but_for_what_is_marked(data: Any) -> None:
    """Of two tables with the same header and types, drafts differ in marked columns alone."""

    def table() -> Given:
        ages = data.draw(st.lists(st.integers(0, 110), min_size=ROWS, max_size=ROWS))
        scores = data.draw(st.lists(st.integers(-(10**6), 10**6), min_size=ROWS, max_size=ROWS))
        words_ = data.draw(st.lists(st.text("abcdef ", min_size=3, max_size=9), min_size=ROWS, max_size=ROWS))
        return csv_of(
            {
                "id": [f"a{i}" for i in range(ROWS)],
                "age": ages,
                "score": scores,
                "comment": [f"x{one}" for one in words_],
            }
        )

    first, second = (
        [
            one
            for one in drafted(table()).columns
            if one.column and one.column.origin and one.column.origin.kind != "data"
        ]
        for _ in range(2)
    )
    assert first == second
    assert [one.name for one in first] == ["id", "age", "comment"]


def test_whether_values_are_missing_is_not_looked_up_in_the_rows() -> None:
    whole = csv_of({"age": range(ROWS), "score": range(ROWS)})
    holes = csv_of({"age": ["", *range(1, ROWS)], "score": range(ROWS)})
    assert column(drafted(whole, "*=integer 0..500"), "age").nullable
    assert [one.model_dump() for one in drafted(whole, "*=integer 0..500").columns] == [
        one.model_dump() for one in drafted(holes, "*=integer 0..500").columns
    ]


def test_domains_read_from_the_rows_are_asked_about_and_never_proposed_in_silence() -> None:
    draft = drafted(AGES)
    (question,) = [one for one in draft.questions if MARKED in one.asks]
    assert question.columns == ["score"]
    assert "measured under budget" in question.asks
    assert draft.declaration is not None
    assert draft.declaration.columns_from("data") == ["score"]


def test_a_schema_named_as_such_gives_no_value_even_from_a_file_with_rows() -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"age": [31], "town": [SECRET]}), sink)
    draft = drafted(documents=[Given("t.parquet", sink.getvalue())])
    assert SECRET not in draft.model_dump_json()
    assert origin(draft, "age") == "standard"


@given(st.floats(-1e12, 1e12), st.floats(0, 1e12))
def test_round_bounds_lie_outside(low: float, width: float) -> None:
    least, most = map(float, round_numbers(str(low), str(low + width)))
    assert least <= low
    assert low + width <= most
    digits = {end.replace(".", "").strip("-0") for end in round_numbers(str(low), str(low + width))}
    assert digits <= {"", "1", "2", "5"}


# --- questions, structure, standards ------------------------------------------------------------------


def transactions(owners: int = 20) -> Given:
    return csv_of(
        {
            "transaction_id": range(ROWS),
            "customer_id": [i % owners for i in range(ROWS)],
            "booked_at": ["2024-01-01T10:00:00"] * ROWS,
            "amount": [f"{i}.50" for i in range(ROWS)],
        }
    )


def test_who_owns_several_rows_is_asked_with_what_was_read_marked() -> None:
    draft = drafted(transactions(), population=None)
    assert draft.declaration is None
    needed = {one.answer: one for one in draft.questions if one.default is None}
    assert set(needed) == {"source.population=", "source.unit=customer_id "}
    assert MARKED in needed["source.unit=customer_id "].asks
    answered = drafted(
        transactions(), "source.unit=customer_id 50 person", f"source.population={POPULATION}", population=None
    )
    assert answered.declaration is not None
    unit = answered.declaration.privacy_unit
    assert (unit.column, unit.maximum_rows, unit.identifies) == ("customer_id", 50, "person")
    assert not column(answered, "transaction_id").domain.model_dump().get("minimum")


def test_an_order_of_rows_is_suggested_and_holds_once_it_is_answered() -> None:
    lines = ["source.unit=customer_id 50", "booked_at=required"]
    suggested = next(
        one for one in drafted(transactions(), *lines).questions if one.answer.startswith("source.sequence")
    )
    assert suggested.default == "none"
    draft = drafted(transactions(), *lines, suggested.answer)
    assert draft.declaration is not None
    assert draft.declaration.sequence is not None
    assert draft.declaration.sequence.order == "booked_at"


def test_relations_survival_partition_and_target_are_suggested_by_names() -> None:
    book = codebook(
        "start_date,,,,",
        "end_date,,,,",
        "died,,no|yes,,",
        "follow_up,,,1,5000",
        "region,,north|south,,",
        "target,,a|b,,",
    )
    given = csv_of(
        {"start_date": ["2020-01-01"] * ROWS, "end_date": ["2021-01-01"] * ROWS, "died": ["no", "yes"] * (ROWS // 2),
         "follow_up": range(1, ROWS + 1), "region": ["north", "south"] * (ROWS // 2), "target": ["a", "b"] * (ROWS // 2)}
    )  # fmt: skip
    draft = drafted(given, "*=required", documents=[book])
    suggested = {one.answer.split("=", 1)[0]: one.answer for one in draft.questions if one.default == "none"}
    assert suggested == {
        "source.constraint": "source.constraint=start_date <= end_date", "source.survival": "source.survival=died yes follow_up",
        "source.partition": "source.partition=region", "source.target": "source.target=target",
    }  # fmt: skip
    whole = drafted(given, "*=required", *suggested.values(), documents=[book]).declaration
    assert whole is not None
    assert whole.survival is not None
    assert (whole.partition_column, whole.target, whole.survival.occurred, whole.constraints[0].relation) == (
        "region", "target", "yes", "<=",
    )  # fmt: skip


def test_relations_that_a_document_states_hold_without_a_word() -> None:
    ddl = Given("t.sql", b"CREATE TABLE t (id int primary key, a date, b date, CHECK (a <= b))")
    draft = drafted(documents=[ddl])
    assert draft.declaration is not None
    assert [one.model_dump() for one in draft.declaration.constraints] == [
        {"left": "a", "relation": "<=", "right": "b"}
    ]


def test_of_several_tables_the_one_that_is_meant() -> None:
    ddl = Given("t.sql", b"CREATE TABLE t (id int primary key, age int); CREATE TABLE u (id int primary key, pay int)")
    with pytest.raises(Invalid, match="several tables"):
        drafted(documents=[ddl])
    assert [one.name for one in drafted(documents=[ddl], table="T").columns] == ["id", "age"]
    both = drafted(csv_of({"id": range(ROWS), "pay": range(ROWS)}), documents=[ddl])
    assert both.read[0] == "t.sql: u"


def test_what_nobody_can_say_is_left_open() -> None:
    draft = drafted(documents=[Given("t.sql", b"CREATE TABLE t (id int primary key, weight double precision)")])
    assert draft.declaration is None
    assert [one.columns for one in draft.questions if one.default is None] == [["weight"]]


def test_text_with_leading_zeros_is_no_number() -> None:
    given = csv_of({"code": [f"0{i % 9}" for i in range(ROWS)]})
    assert column(drafted(given), "code").domain.model_dump()["categories"][0] == "00"


def test_a_first_line_of_values_is_no_header() -> None:
    with pytest.raises(Invalid, match="no header"):
        drafted(Given("t.csv", b"17,4,x\n18,5,y\n"))


@pytest.mark.parametrize(
    ("name", "kind", "standard"),
    [
        ("age", "integer", "age"), ("AgeYears", "number", "age"), ("birth_year", "integer", "year"), ("country", "text", "country-2"),
        ("Currency", "text", "currency"), ("score_pct", "number", "percentage"), ("pct_paid", "number", "percentage"),
        ("sex", "text", "sex-codes"), ("state", "text", "us-state"), ("month", "integer", "month-number"), ("wages", "integer", None),
        ("page", "integer", None), ("message", "text", None),
    ],
)  # fmt: skip
def test_standards_are_known_by_name_and_kind(name: str, kind: Any, standard: str | None) -> None:
    assert next((one.name for one in meant_for(name, kind)), None) == standard


def test_every_standard_says_where_it_is_written() -> None:
    assert all(one.reference and (one.categories or (one.minimum and one.maximum)) for one in STANDARDS)
    lists = {one.name: one.categories for one in STANDARDS}
    assert [len(lists[name]) for name in ("country-2", "country-3", "us-state", "icd-chapter")] == [249, 249, 56, 22]
    assert {"EUR", "USD", "CHF"} <= set(lists["currency"])
    assert all(len(set(listed)) == len(listed) for listed in lists.values())


def test_a_standard_that_the_rows_do_not_fit_is_not_proposed() -> None:
    words_ = csv_of({"country": ["Germany", "France"] * (ROWS // 2), "age": [500 + i for i in range(ROWS)]})
    draft = drafted(words_)
    assert (origin(draft, "country"), origin(draft, "age")) == ("data", "data")
    codes = csv_of({"country": ["DE", "FR"] * (ROWS // 2), "sex": ["female", "male"] * (ROWS // 2)})
    assert (origin(drafted(codes), "country"), origin(drafted(codes), "sex")) == ("standard", "standard")


def test_the_words_of_a_name() -> None:
    assert [words(name) for name in ("customerID", "Customer Id", "customer-id", "BMXBMI2")] == [
        "customer_id", "customer_id", "customer_id", "bmxbmi_2",
    ]  # fmt: skip


def test_roles_are_suggested_with_reasons_and_one_question() -> None:
    book = codebook("email,,,,", "race,,a|b,,", "salary,,,0,9", "zip_code,,1|2,,", "colour,,r|g,,", "XQ,Gender,1|2,,")
    draft = drafted(documents=[Given("book.csv", book.content)])
    roles = {one.name: one.column.role for one in draft.columns if one.column}
    assert roles == {
        "race": "protected", "salary": "sensitive", "zip_code": "quasi-identifier", "colour": "plain", "XQ": "protected", "email": "identifier",
    }  # fmt: skip
    (question,) = [one for one in draft.questions if "role" in one.asks]
    assert set(question.columns) == set(roles) - {"colour"}


def test_wide_tables_stay_short() -> None:
    given = csv_of({f"c{i}": range(ROWS) for i in range(400)})
    assert len(drafted(given).questions) <= 5
    answered = drafted(given, "c*=integer 0..1000; required", "source.unit=row")
    assert answered.questions == []
    assert answered.declaration is not None


# --- to be measured, and what becomes of what lies outside ----------------------------------------------

COSTS = csv_of(
    {
        "patient_id": [f"p{i}" for i in range(ROWS)],
        "cost": [f"{i * 7 % 90}.50" for i in range(ROWS)],
        "ward": ["ABC"[i % 3] for i in range(ROWS)],
        "seen": [f"2021-03-0{1 + i % 9}" for i in range(ROWS)],
        "at": [f"1{i % 9}:00" for i in range(ROWS)],
    }
)


def test_what_was_read_from_the_rows_can_be_measured_instead() -> None:
    asked = next(one for one in drafted(COSTS).questions if "READ FROM THE ROWS" in one.asks and "proven" in one.asks)
    assert "NAME=unmeasured" in asked.asks
    draft = drafted(COSTS, "*=unmeasured")
    assert draft.declaration is not None
    assert draft.declaration.columns_from("data") == []
    found = {one.name: one.domain.model_dump(exclude_defaults=True) for one in draft.declaration.unmeasured}
    assert found["ward"] == {"kind": "unmeasured", "of": "category"}
    assert (found["cost"]["of"], found["seen"]["of"]) == (column(drafted(COSTS), "cost").domain.kind, "date")
    assert set(found) == {"cost", "ward", "seen"}, "neither who somebody is nor a day's hours is measured"
    assert column(draft, "patient_id").domain.kind == "text"
    assert column(draft, "ward").origin is None


def test_a_person_says_as_what_it_is_measured_and_the_last_word_on_a_domain_counts() -> None:
    cost = column(drafted(COSTS, "cost=unmeasured decimal 4"), "cost").domain
    assert cost.model_dump(exclude_defaults=True) == {"kind": "unmeasured", "of": "decimal", "scale": 4}
    assert column(drafted(COSTS, "*=unmeasured", "cost=decimal 0..100 2"), "cost").domain.kind == "decimal"
    assert column(drafted(COSTS, "cost=decimal 0..100 2", "*=unmeasured"), "cost").domain.kind == "unmeasured"
    for wrong in ("cost=unmeasured text", "cost=unmeasured decimal x", "cost=unmeasured integer 2"):
        with pytest.raises(Invalid, match="unmeasured is followed by"):
            drafted(COSTS, wrong)


def test_a_rule_is_answered_by_pattern_and_never_proposed_as_if_it_were() -> None:
    plain = drafted(COSTS)
    assert not any(one.column and one.column.replaces for one in plain.columns)
    draft = drafted(COSTS, "*=outside nearest", "*=unlisted other")
    assert {one.name: one.column.rule for one in draft.columns if one.column and one.column.replaces} == {
        "cost": "nearest", "seen": "nearest", "at": "nearest", "ward": "other",
    }  # fmt: skip
    assert column(draft, "ward").domain.model_dump()["categories"] == ["A", "B", "C", "other"]
    null = drafted(COSTS, "ward=unlisted null", "ward=nullable")
    assert column(null, "ward").rule == "null"


@pytest.mark.parametrize(
    ("answer", "because"),
    [
        ("ward=outside nearest", "has bounds"),
        ("cost=unlisted other", "has categories"),
        ("patient_id=outside null", "has bounds"),
        ("cost=outside farthest", "refuse, nearest or null"),
        ("ward=unlisted", "followed by"),
        ("cost=outside null;required", "nullable"),
    ],
)
def test_a_rule_that_is_of_nothing_is_refused(answer: str, because: str) -> None:
    with pytest.raises(Invalid, match=because):
        drafted(COSTS, answer)


# --- what is written where a value is missing ---------------------------------------------------------


def test_words_for_missing_values_are_a_question_where_only_the_file_shows_them() -> None:
    rows = csv_of({"age": [*range(20, 40), "?"] * 10, "code": [*range(1000, 1020), "NA"] * 10})
    draft = drafted(rows, "code=integer 0..9999")
    assert column(draft, "age").missing_values == ["?"]
    assert column(draft, "age").domain.kind == "integer"
    (asked,) = [one for one in draft.questions if "Words stand here" in one.asks]
    assert (asked.columns, "(?, NA)" in asked.asks) == (["age", "code"], True)
    draft = drafted(rows, "code=integer 0..9999", "*=missing none")
    assert not column(draft, "age").missing_values
    assert not [one for one in draft.questions if "Words stand here" in one.asks]


def test_documents_say_what_is_written_for_a_missing_value() -> None:
    book = Given(
        "book.csv", b"variable,label,values,missing codes\nincome,Income,>50K; <=50K,?; .\nage,Age,0 to 98,99=Refused\n"
    )
    draft = drafted(csv_of({"income": [">50K", "<=50K", "?", "."], "age": [1, 2, 99, 98]}), documents=[book])
    domain = column(draft, "income").domain
    assert domain.kind == "categorical"
    assert domain.categories == [">50K", "<=50K"]
    assert [column(draft, name).missing_values for name in ("income", "age")] == [["?", "."], ["99"]]
    assert not [one for one in draft.questions if "Words stand here" in one.asks]


def test_frictionless_says_it_of_a_schema_or_of_a_field() -> None:
    schema = b"""{"missingValues": ["", "NA"], "fields": [
      {"name": "a", "type": "integer", "constraints": {"minimum": 0, "maximum": 9}},
      {"name": "b", "type": "integer", "constraints": {"minimum": 0, "maximum": 9}, "missingValues": [{"value": "-1"}]},
      {"name": "c", "type": "integer", "constraints": {"minimum": 0, "maximum": 9, "required": true}}]}"""
    draft = drafted(documents=[Given("schema.json", schema)])
    assert [column(draft, name).missing_values for name in "abc"] == [["NA"], ["-1"], []]


def test_what_is_dropped_may_stay_in_the_file() -> None:
    draft = drafted(csv_of({"age": [1, 2], "note": ["Anna", "Zoe"]}), "age=integer 0..120", "note=drop")
    assert draft.declaration is not None
    assert draft.declaration.left_out == ["note"]
    assert [one.name for one in draft.declaration.columns] == ["age"]
