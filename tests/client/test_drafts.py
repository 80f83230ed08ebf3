"""``moneyer source draft`` on a steward's machine, and what is fetched for it: over https, from the public internet."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from typer.testing import CliRunner, Result

from moneyer.cli import app
from moneyer.fetching import fetch
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.errors import Invalid, TooLarge

DRAFTS = Path(__file__).parents[1] / "shared" / "drafts"
ROWS = "patient_id,age,sex,bmi,visited,smokes\n" + "".join(
    f"Xyzzy-{i},{20 + i % 60},{'FM'[i % 2]},{20 + i % 9}.5,2021-03-0{1 + i % 9},true\n" for i in range(100)
)


def asked(*words: str) -> Result:
    return CliRunner().invoke(app, ["source", "draft", *words])


def test_from_a_file_and_a_schema_to_a_declaration(tmp_path: Path) -> None:
    (tmp_path / "visits.csv").write_text(ROWS)
    out, population = tmp_path / "declaration.json", str(uuid4())
    told = asked(
        str(tmp_path / "visits.csv"),
        "--schema",
        str(DRAFTS / "visits.sql"),
        "--population",
        population,
        "--out",
        str(out),
    )
    assert told.exit_code == 0, told.output
    declared = SourceDeclaration.model_validate(json.loads(out.read_text()))
    assert (declared.name, str(declared.population_id), declared.privacy_unit.column) == (
        "visits",
        population,
        "patient_id",
    )
    assert not declared.columns_from("data")
    assert "Xyzzy" not in told.output + out.read_text()


def test_what_is_not_answered_writes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "declaration.json"
    told = asked(str(DRAFTS / "visits.sql"), "--table", "visits", "--out", str(out))
    assert told.exit_code == 2
    assert "NOT ANSWERED" in told.output
    assert not out.exists()


def test_answers_come_from_a_file_too(tmp_path: Path) -> None:
    (tmp_path / "visits.csv").write_text(ROWS)
    (tmp_path / "answers").write_text(
        "# of the clinic\n*=required\nbmi=number 10..80\n\nvisited=drop\nsex=categories F|M\n"
    )
    out = tmp_path / "declaration.json"
    words = [
        str(tmp_path / "visits.csv"),
        "--answers",
        str(tmp_path / "answers"),
        "--population",
        str(uuid4()),
        "--out",
        str(out),
    ]
    assert asked(*words).exit_code == 0
    declared = SourceDeclaration.model_validate(json.loads(out.read_text()))
    assert [column.name for column in declared.columns] == ["patient_id", "age", "sex", "bmi", "smokes"]
    assert declared.columns_from("person") == ["sex", "bmi"]
    assert declared.columns_from("data") == ["smokes"]


def test_a_csv_is_taken_for_rows_unless_it_is_named_as_a_codebook(tmp_path: Path) -> None:
    """A table whose columns are called as a codebook's are would else give its rows as if they were public."""
    (tmp_path / "people.csv").write_text("name,label,minimum\n" + "Xyzzy,one,1\nZork,two,2\n" * 50)
    out = tmp_path / "declaration.json"
    told = asked(str(tmp_path / "people.csv"), "--population", str(uuid4()), "--out", str(out))
    assert told.exit_code == 0, told.output
    assert "Xyzzy" not in out.read_text()
    assert SourceDeclaration.model_validate(json.loads(out.read_text())).columns_from("data") == ["label", "minimum"]


def test_columns_are_left_to_be_measured_and_say_what_becomes_of_what_lies_outside(tmp_path: Path) -> None:
    (tmp_path / "visits.csv").write_text(ROWS)
    out, population = tmp_path / "declaration.json", str(uuid4())
    told = asked(
        str(tmp_path / "visits.csv"), "--population", population, "--out", str(out), "--answer", "*=unmeasured",
        "--answer", "sex=categories F|M", "--answer", "*=unlisted other", "--answer", "age=integer 0..110",
        "--answer", "age=outside nearest",
    )  # fmt: skip
    assert told.exit_code == 0, told.output
    assert "nobody yet" in told.output
    declared = SourceDeclaration.model_validate(json.loads(out.read_text()))
    assert [column.name for column in declared.unmeasured] == ["bmi", "visited", "smokes"]
    assert declared.columns_from("data") == []
    assert (declared.column("sex").rule, declared.column("age").rule) == ("other", "nearest")


# --- by URL -------------------------------------------------------------------------------------------


def stranger(
    status: int = 200, content: bytes = b"CREATE TABLE t (a int);", seen: list[Any] | None = None
) -> httpx.Client:
    def answer(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        return httpx.Response(status, stream=httpx.ByteStream(content), headers={"Location": "https://inside.test/"})

    return httpx.Client(transport=httpx.MockTransport(answer))


def at(*addresses: str) -> Any:
    def resolve(host: str, port: int) -> Sequence[str]:
        return list(addresses)

    return resolve


def test_a_url_is_called_at_the_address_that_was_checked() -> None:
    seen: list[httpx.Request] = []
    content = fetch("https://schemas.test/t.sql", largest=100, resolve=at("93.184.216.34"), http=stranger(seen=seen))
    assert content.startswith(b"CREATE")
    assert (seen[0].url.host, seen[0].headers["host"]) == ("93.184.216.34", "schemas.test")
    assert seen[0].extensions["sni_hostname"] == "schemas.test"


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        ("http://schemas.test/t.sql", ("93.184.216.34",)),
        ("file:///etc/passwd", ("93.184.216.34",)),
        ("https://user:word@schemas.test/t.sql", ("93.184.216.34",)),
        ("https://schemas.test/t.sql", ("127.0.0.1",)),
        ("https://schemas.test/t.sql", ("93.184.216.34", "169.254.169.254")),
        ("https://schemas.test/t.sql", ("::ffff:10.0.0.1",)),
        ("https://schemas.test/t.sql", ()),
    ],
)
def test_no_url_leads_inside(url: str, addresses: tuple[str, ...]) -> None:
    seen: list[httpx.Request] = []
    with pytest.raises(Invalid):
        fetch(url, largest=100, resolve=at(*addresses), http=stranger(seen=seen))
    assert seen == []


@pytest.mark.parametrize(("status", "content"), [(302, b""), (404, b""), (200, b"x" * 101)])
def test_nobody_is_followed_and_nothing_endless_is_read(status: int, content: bytes) -> None:
    with pytest.raises(Invalid):
        fetch("https://schemas.test/t.sql", largest=100, resolve=at("93.184.216.34"), http=stranger(status, content))


def test_a_document_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "t.sql").write_bytes(b" " * (2**20 + 1))
    assert isinstance(asked(str(tmp_path / "t.sql")).exception, TooLarge)
