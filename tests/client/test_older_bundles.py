"""Bundles of tables from before the digests of what is handed out: they hold, and prove nothing of a file."""

import zipfile
from pathlib import Path

import pytest
from attacks.forgeries import RECORDED, recorded
from typer.testing import CliRunner

from moneyer.audit import NotProven
from moneyer.cli.audit import app
from moneyer.evidence import Bundle
from moneyer.evidence.tables import verify_table
from moneyer_shared.provenance import croissant, prov, statement

OLDER, ITS_KEY = RECORDED / "before_digests.zip", RECORDED / "before_digests.key"


def older() -> Bundle:
    with zipfile.ZipFile(OLDER) as packed:
        return Bundle({name: packed.read(name) for name in packed.namelist()}, ITS_KEY.read_text().strip())


def test_an_older_bundle_holds_as_it_did() -> None:
    report = older().check()
    assert report.holds, report.contradicted
    assert {"provenance.dsse.json", "prov.json", "croissant.json"} <= {str(place[0]) for place in report.proven}


def test_it_proves_nothing_of_a_file(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("a")
    with pytest.raises(NotProven, match="sealed object alone"):
        verify_table(table, older())
    said = CliRunner().invoke(app, ["verify-table", str(table), str(OLDER), "--key", str(ITS_KEY)])
    assert said.exit_code == 1


def test_composed_today_it_says_of_what_its_digest_is() -> None:
    bundle = older()
    bundle.check()
    record, dossier = bundle.read("record.json"), bundle.dossier
    (subject,) = statement(record, dossier)["subject"]
    assert subject["name"].endswith("/sealed")
    entity = prov(record, dossier)["entity"][f"moneyer:asset/{record['asset']}"]
    assert "moneyer:sealedDigest" in entity
    assert "moneyer:digest" not in entity
    assert [one["@id"] for one in croissant(record, dossier)["distribution"]] == ["sealed-table"]


def test_a_table_is_held_to_a_digest_that_an_entry_proves(tmp_path: Path) -> None:
    files, key = recorded()
    bundle = Bundle(files, key)
    stated = bundle.read("record.json")["delivered"]
    assert set(stated) == {"parquet", "arrow", "csv"}
    bundle.check()
    assert all(bundle.is_part_proven(("record.json", "delivered", form, "sha256")) for form in stated)
    table = tmp_path / "t.csv"
    table.write_text("another")
    with pytest.raises(NotProven, match="no form of asset"):
        verify_table(table, bundle)
