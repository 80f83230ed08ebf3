"""Bundles whose values are proven that no entry speaks of, and zips that other tools read otherwise."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from attacks.forgeries import forged, judged, packed, recorded

from moneyer.audit import NotProven
from moneyer.evidence import Bundle
from moneyer.evidence.bundle import NAMES
from moneyer.evidence.packed import unpack

FILES, KEY = recorded()
HONEST = Bundle(FILES, KEY)


def in_entries(**more: Any) -> Callable[[Any], Any]:
    return lambda it: it | {"entries": [entry | more for entry in it["entries"]]}


ADDED: dict[str, tuple[str, Callable[[Any], Any], tuple[Any, ...]]] = {
    "an ε beside a charge": ("ledger.json", in_entries(epsilon="0.000001"), ("ledger.json", "entries", 0, "epsilon")),
    "a refund beside a charge": ("ledger.json", in_entries(refunded=True), ("ledger.json", "entries", 0, "refunded")),
    "a word beside a certificate": (
        "certificates.json", lambda it: [it[0] | {"method": "physically shredded"}, *it[1:]],
        ("certificates.json", 0, "method"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", ADDED)
def test_no_member_that_is_added_is_proven(what: str) -> None:
    name, change, place = ADDED[what]
    report = judged(forged(FILES, KEY, name, change), KEY, HONEST)
    assert place not in report.proven


@pytest.mark.parametrize("value", [0.0, -0.0])
def test_a_number_has_one_form(value: float) -> None:
    """0, 0.0 and -0.0 have one digest and three readings."""
    report = judged(forged(FILES, KEY, "ledger.json", in_entries(releases=value)), KEY, HONEST)
    assert report.contradicted


@pytest.mark.parametrize("name", ["card.json", "assays.json", "release.json", "assessments.json", "certificates.json"])
def test_a_number_beyond_json_is_a_contradiction_and_no_crash(name: str) -> None:
    def change(it: Any) -> Any:
        (it[0].get("envelope", it[0]) if isinstance(it, list) else it)["zz"] = 2**60
        return it

    assert not judged(forged(FILES, KEY, name, change), KEY, HONEST).holds


def with_attributes(external: int) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(FILES):
            member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            if name == "reviews.json":
                member.external_attr = external
            archive.writestr(member, FILES[name], zipfile.ZIP_DEFLATED)
    return made.getvalue()


@pytest.mark.parametrize("external", [0o120777 << 16, 0o104755 << 16, 0o040755 << 16 | 0x10, 0o010644 << 16])
def test_a_member_is_a_plain_file_to_every_tool(external: int) -> None:
    """To ``unzip`` the first is a link to nowhere, while it is verified as a document: nobody's key was needed."""
    with pytest.raises(NotProven):
        unpack(with_attributes(external), NAMES)


def test_no_bytes_of_the_directory_are_read_as_another_end() -> None:
    """The attributes of the last member and its name make a zip64 locator, at which Python's own zipfile gives up."""
    order = [*sorted(FILES.keys() - {"votes.json"}), "votes.json"]
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in order:
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), FILES[name], zipfile.ZIP_DEFLATED)
    content = bytearray(made.getvalue())
    header = len(content) - 22 - len("votes.json") - 46
    content[header + 36 : header + 40] = b"PK\x06\x07"
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(bytes(content)))
    with pytest.raises(NotProven):
        unpack(bytes(content), NAMES)


def test_a_version_that_tools_refuse_is_refused() -> None:
    content = bytearray(packed(FILES))
    directory = zipfile.ZipFile(io.BytesIO(bytes(content))).start_dir
    content[4:6] = content[directory + 6 : directory + 8] = b"\x63\x00"
    with pytest.raises(NotProven):
        unpack(bytes(content), NAMES)


def test_a_proof_is_counted_once(tmp_path: Any) -> None:
    """«5 entries stand in the log» of one proof, five times."""
    from moneyer.audit import verify_proofs

    with pytest.raises(NotProven):
        verify_proofs([json.loads(FILES["proofs.json"])[0]] * 5, KEY)
