"""What whoever holds the log's key can make of a bundle: any content, listed and signed anew; but not the log itself.

The log is held by witnesses and auditors: entries, proofs and checkpoint stay what they are.
"""

import base64
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from conftest import KEY
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from moneyer.evidence import Bundle, Report
from moneyer.evidence.documents import Place, places, written
from moneyer_shared.dsse import STATEMENT, dsse
from moneyer_shared.provenance import MANIFEST, croissant, manifest, prov, statement
from moneyer_shared.records import compose_record

Files = dict[str, bytes]
RECORDED = Path(__file__).parent / "recorded"
_KEY = Ed25519PrivateKey.from_private_bytes(base64.b64decode(KEY))


def recorded() -> tuple[Files, str]:
    """A bundle that the real stack made (tests/system/test_evidence.py records it), and the key of its log."""
    with zipfile.ZipFile(RECORDED / "evidence.zip") as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    return files, (RECORDED / "log.key").read_text().strip()


def signed(kind: str, payload: bytes, key: str) -> bytes:
    return written(dsse(kind, payload, key_id=key.split("+")[1], sign=_KEY.sign))


def listed(files: Files, key: str) -> Files:
    """The same files with a manifest that lists them, signed with the log's own key."""
    items = {name: content for name, content in files.items() if name != "manifest.dsse.json"}
    asset = json.loads(files["record.json"])["asset"]
    told = written(manifest(str(asset), "2026-11-26T00:00:00+00:00", items))
    return items | {"manifest.dsse.json": signed(MANIFEST, told, key)}


def forged(files: Files, key: str, name: str, change: Callable[[Any], Any]) -> Files:
    """A bundle in which one document says another thing, and everything composed of it says the same."""
    changed = files | {name: written(change(json.loads(files[name])))}
    return listed(composed_anew(changed, key), key)


def composed_anew(files: Files, key: str) -> Files:
    """What lineage composes of the rest, composed of the lie."""
    try:
        return files | _composed(files, key)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        return files


def _composed(files: Files, key: str) -> Files:
    read = {name: json.loads(files[f"{name}.json"]) for name in ("record", "events", "charter", "request", "decision")}
    told = compose_record(read["record"]["asset"], read["events"]) | {"log_entries": read["record"]["log_entries"]}
    return {
        "record.json": written(told),
        "prov.json": written(prov(told, read)),
        "croissant.json": written(croissant(told, read)),
        "provenance.dsse.json": signed(STATEMENT, written(statement(told, read)), key),
    }


def packed(files: Files) -> bytes:
    """A zip as lineage packs one."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), files[name], zipfile.ZIP_DEFLATED)
    return made.getvalue()


def every_value(files: Files) -> Iterator[Place]:
    """Where each value stands in each JSON member."""
    for name in sorted(files):
        if name.endswith(".json"):
            yield from places((name,), json.loads(files[name]))


def another(value: Any) -> Any:
    """A value of the same kind that is another, as a liar would choose it."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return f"{value}0"
        case list():
            return ["another"]
        case dict():
            return {"another": 1}
        case _:
            return "another"


def with_another(files: Files, place: Place) -> Any:
    """The document of a place with another value there."""
    name, *inside = place
    document = json.loads(files[str(name)])
    if not inside:
        return another(document)
    holder = document
    for part in inside[:-1]:
        holder = holder[part]
    holder[inside[-1]] = another(holder[inside[-1]])
    return document


def judged(files: Files, key: str, like: Bundle | None = None) -> Report:
    """What a verifier finds; entries that were verified before in a bundle with the same proofs are not again."""
    bundle = Bundle(files, key)
    same = ("proofs.json", "checkpoint.txt")
    if like is not None and all(files.get(name) == like.files[name] for name in same):
        bundle.__dict__["entries"] = like.entries
        bundle.documents |= {name: read for name, read in like.documents.items() if files.get(name) == like.files[name]}
    return bundle.check()


def swallowed(files: Files, key: str) -> list[Place]:
    """Every value that can be changed, alone, listed and signed anew, and is still reported as proven."""
    honest = Bundle(files, key)
    assert honest.check().holds
    missed: list[Place] = []
    for place in every_value(files):
        lie = listed(files | {str(place[0]): written(with_another(files, place))}, key)
        if place[0] == "manifest.dsse.json":
            lie = files | {str(place[0]): written(with_another(files, place))}
        report = judged(lie, key, honest)
        if not report.contradicted and place in report.proven:
            missed.append(place)
    return missed
