"""Documents that say less than a reader in a hurry takes them to say, or that are made to cost or to lead away."""

import json
from typing import Any

import pytest

from moneyer_shared.contracts.drafts import SourceDraft
from moneyer_shared.drafting.draft import Inputs, draft_source
from moneyer_shared.drafting.given import Given
from moneyer_shared.errors import MoneyerError

OPEN = "nobody"
Domain = dict[str, Any]


def drafted(document: Given) -> SourceDraft:
    return draft_source(Inputs([document]))


def said(document: Given, name: str = "a") -> Any:
    """(minimum, maximum) or the categories that a document is taken to state; OPEN where it is taken to state none."""
    found = next(one.column for one in drafted(document).columns if one.name == name)
    if found is None or found.domain.kind == "text":
        return OPEN
    domain: Any = found.domain
    return list(domain.categories) if domain.kind == "categorical" else (domain.minimum, domain.maximum)


def ddl(body: str) -> Given:
    return Given("t.sql", f"create table t ({body}, z int check (z between 0 and 1))".encode())


CHECKS = [
    ("a int, check (a >= 0), check (a <= 100), check (a >= 18), check (a <= 65)", (18, 65)),
    ("a int, check (a >= 18), check (a >= 0), check (a <= 65), check (a <= 100)", (18, 65)),
    ("a int check (a >= 9 and a >= 10 and a <= 100 and a <= 99)", (10, 99)),
    ("a int check (a between 0 and 10 or a = 999)", OPEN),
    ("a int check (not (a between 0 and 10))", OPEN),
    ("a int check (a + 1 between 0 and 5)", OPEN),
    ("a int check (case when a > 5 then false else a between 0 and 3 end)", OPEN),
    ("a varchar(5) check (a in ('x', lower('Y')))", OPEN),
    ("a varchar(5) check (a in ('x', null, 'y'))", ["x", "y"]),
    ("a varchar(5) check (a in ('x', 'y')), check (a in ('y', 'w'))", ["y"]),
    ("a varchar(5) check (a not in ('x', 'y'))", OPEN),
    ("a int check (a between 0 and 5 /* or a = 9 */)", (0, 5)),
]


@pytest.mark.parametrize(("body", "expected"), CHECKS)
def test_a_check_states_what_holds_of_every_row_and_nothing_else(body: str, expected: Any) -> None:
    assert said(ddl(body)) == expected


SCHEMAS: list[tuple[Domain, Any]] = [
    ({"anyOf": [{"type": "integer", "minimum": 0, "maximum": 5}, {"type": "integer", "minimum": 90, "maximum": 99}]}, OPEN),
    ({"anyOf": [{"type": "integer", "minimum": 0, "maximum": 5}, {"type": "null"}]}, (0, 5)),
    ({"anyOf": [{"const": "x"}, {"type": "string"}]}, OPEN),
    ({"oneOf": [{"const": "x"}, {"const": "y"}, {"type": "null"}]}, ["x", "y"]),
    ({"anyOf": [{"type": "integer", "minimum": 0, "maximum": 9}, {"enum": ["DK"]}]}, OPEN),
    ({"not": {"enum": ["x"]}, "type": "string"}, OPEN),
    ({"$ref": "#/properties/a"}, OPEN),
    ({"$ref": "http://169.254.169.254/latest/meta-data"}, OPEN),
    ({"$ref": "file:///etc/passwd"}, OPEN),
    ({"type": "integer", "minimum": True, "maximum": [1]}, OPEN),
    ({"type": "string", "pattern": "(a+)+$"}, OPEN),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "expected"), SCHEMAS)
def test_what_holds_in_one_of_several_ways_holds_in_none_for_sure(schema: Domain, expected: Any) -> None:
    body = {"properties": {"a": schema, "z": {"type": "integer", "minimum": 0, "maximum": 1}}}
    assert said(Given("t.json", json.dumps(body).encode())) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [("0 to 80 | 99=refused", OPEN), ("1-5", OPEN), ('"1, 2, 3"', OPEN), ("1=a;2=b", ["1", "2"]), ("1|2|3", ["1", "2", "3"]),
     ("0 to 80", (0, 80)), ("0..80", (0, 80)), ("-5 to -1; 7=other", OPEN)],
)  # fmt: skip
def test_a_codebook_lists_codes_or_is_left_aside(values: str, expected: Any) -> None:
    assert said(Given("b.csv", f"variable,label,values\na,x,{values}\nz,x,0 to 1\n".encode())) == expected


def test_truths_are_spelt_as_the_document_says() -> None:
    field = {"name": "a", "type": "boolean", "trueValues": ["ja"], "falseValues": ["nein"]}
    assert said(Given("t.json", json.dumps({"fields": [field]}).encode())) == ["nein", "ja"]
    several = field | {"trueValues": ["ja", "j"]}
    assert said(Given("t.json", json.dumps({"fields": [several]}).encode())) == ["false", "true"]


DEEP = [
    "a int check (" + "(" * 5000 + "a > 1" + ")" * 5000 + ")",
    "a int check (" + "not " * 5000 + "a > 0)",
    "a int check (a > " + "- " * 5000 + "1)",
    ",".join(f"c{number} int" for number in range(600)),
    "a" * 100_000 + " int",
]


@pytest.mark.parametrize("body", DEEP)
def test_a_document_that_costs_more_than_it_says_is_refused(body: str) -> None:
    with pytest.raises(MoneyerError) as error:
        drafted(ddl(body))
    assert error.value.problem_code == "document-unreadable"
