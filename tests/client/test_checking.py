"""``moneyer source check``, and uploads that stream."""

import subprocess
import sys
from pathlib import Path
from uuid import UUID

import httpx
from typer.testing import CliRunner

from moneyer import calls
from moneyer.calls.wire import Streamed
from moneyer.cli import app
from moneyer.files import check_table
from moneyer_shared.contracts.generation import SourceDeclaration

DECLARATION = SourceDeclaration.model_validate(
    {
        "name": "n", "description": "d", "population_id": str(UUID(int=1)),
        "columns": [
            {"name": "x", "domain": {"kind": "integer", "minimum": 0, "maximum": 10}},
            {"name": "y", "domain": {"kind": "categorical", "categories": ["a", "b"]}},
        ],
    }
)  # fmt: skip


def check(folder: Path, body: str) -> tuple[int, str]:
    (folder / "d.json").write_text(DECLARATION.model_dump_json())
    (folder / "t.csv").write_text(body)
    ended = CliRunner().invoke(app, ["source", "check", str(folder / "t.csv"), "--declaration", str(folder / "d.json")])
    return ended.exit_code, ended.output


def test_a_table_is_checked_where_it_lies_and_faults_are_exit_status_1(tmp_path: Path, capfd: object) -> None:
    assert check(tmp_path, "x,y\n1,a\n9,b\n")[0] == 0
    assert check(tmp_path, "x,y\n1,a\nsecret,b\n")[0] == 1
    assert check(tmp_path, "x,z\n1,a\n2,b\n")[0] == 1


def test_what_is_to_be_measured_is_checked_as_wide_as_its_type_and_rules_are_counted(tmp_path: Path) -> None:
    body = DECLARATION.model_dump(mode="json")
    body["columns"] = [
        {"name": "x", "domain": {"kind": "integer", "minimum": 0, "maximum": 10}, "outside": "nearest"},
        {"name": "y", "domain": {"kind": "unmeasured", "of": "category"}},
    ]
    declared = SourceDeclaration.model_validate(body)
    (tmp_path / "d.json").write_text(declared.model_dump_json())
    (tmp_path / "t.csv").write_text("x,y\n1,a\n99,what nobody listed\n")
    words = ["source", "check", str(tmp_path / "t.csv"), "--declaration", str(tmp_path / "d.json")]
    ended = CliRunner().invoke(app, words)
    assert ended.exit_code == 0, ended.output
    report = check_table(tmp_path / "t.csv", declared)
    assert (report.fits, report.replaced) == (True, {"x": 1})


def test_a_file_is_sent_as_it_is_read(tmp_path: Path) -> None:
    file, told = tmp_path / "t.csv", list[int]()
    file.write_bytes(b"x" * (3 * 2**20 + 5))
    content = Streamed(file, told.append)
    call = calls.upload("s", content, media_type="text/csv", dry_run=True)
    assert call.query == {"dry_run": "true"}
    assert httpx.Request("POST", "http://x", content=content.pieces()).read() == file.read_bytes()
    assert sum(told) == len(file.read_bytes())
    assert max(told) == 2**20


def test_the_client_needs_no_arrow_until_a_table_is_checked() -> None:
    program = "import sys; sys.modules['pyarrow'] = None; import moneyer.cli, moneyer.tables; print('up')"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.stdout == "up\n", ended.stderr
