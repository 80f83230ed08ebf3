"""A table somebody holds, held to what a bundle proves of it."""

import hashlib
from pathlib import Path

from moneyer.audit import NotProven
from moneyer.evidence.bundle import Bundle
from moneyer_shared.provenance import FORMS

PIECE_BYTES = 2**20


def verify_table(table: Path, bundle: Bundle) -> str:
    """Which form of the bundle's asset a file is, byte for byte: ``parquet``, ``arrow`` or ``csv``.

    Raises:
        NotProven: the bundle is contradicted, proves no digest of what is handed out, or that of another file.
    """
    report = bundle.check()
    if not report.holds:
        raise NotProven(f"the bundle is not to be trusted: {report.summary()}")
    stated = bundle.read("record.json").get("delivered")
    if stated is None:
        raise NotProven("the bundle states the digest of the sealed object alone, and nothing of a file as handed out")
    found = sha256_of(table)
    form = next((form for form in FORMS if stated[form]["sha256"] == found), None)
    if form is None:
        raise NotProven(f"sha256 {found} is no form of asset {bundle.asset} as it is handed out")
    if not bundle.is_part_proven(("record.json", "delivered", form, "sha256")):
        raise NotProven(f"the bundle states this digest of asset {bundle.asset}, and no entry of the log proves it")
    return form


def sha256_of(path: Path) -> str:
    """Of a file's bytes, in hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as reading:
        while piece := reading.read(PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()
