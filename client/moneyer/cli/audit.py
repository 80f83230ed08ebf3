"""``moneyer audit``: take proofs home, and verify them without moneyer."""

import json
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from moneyer import calls
from moneyer.audit import Kept, NotProven, Verifier, read_entries, size_of, tiles, verify_log, verify_proofs
from moneyer.cli.console import error_console, tell
from moneyer.cli.session import DEFAULT_DATA, Data, Person, speak
from moneyer.evidence import Bundle, tables
from moneyer.evidence.documents import read_line
from moneyer.evidence.entries import entry_of

app = typer.Typer(help="Proofs from the audit log.", no_args_is_help=True)
STYLES: Mapping[str, str] = {"proven": "green", "not proven": "yellow", "contradicted": "red bold"}
KEY_FILE = Annotated[Path, typer.Option("--key", help="The log's public key, as kept from another day.")]


@app.command("export")
def export(
    asset: str,
    to: Annotated[Path, typer.Argument(help="The file the proofs are written to.")],
    data: Data = DEFAULT_DATA,
    person: Person = "auditor",
) -> None:
    """Take home an inclusion proof of every log entry about an asset."""
    with speak(data, person) as client:
        record = client.send(calls.get_record(asset))
        proofs = [client.send(calls.prove(index)) for index in record["log_entries"]]
    to.write_text(json.dumps(proofs, indent=2))
    tell("", f"{len(proofs)} proofs in {to}")


@app.command("key")
def key(to: Path, data: Data = DEFAULT_DATA, person: Person = "auditor") -> None:
    """Take home the log's public key."""
    with speak(data, person) as client:
        to.write_text(client.send(calls.get_log_key()) + "\n")


@app.command("keep")
def keep(
    to: Annotated[Path, typer.Argument(help="The file to keep; bring it back another day.")],
    data: Data = DEFAULT_DATA,
    person: Person = "auditor",
) -> None:
    """Take home the log's checkpoint of today and the hashes of all it stands for, to hold the log to them later."""
    with _or_say("NOT kept"), speak(data, person) as client:
        note = client.send(calls.get_checkpoint())
        hashes = b"".join(client.send(calls.get_tile(0, path)) for path in tiles(size_of(note)))
        kept = Kept(note, [hashes[start : start + 32] for start in range(0, len(hashes), 32)])
        to.write_text(json.dumps(kept.dump()))
        tell("", f"{size_of(note)} entries are kept in {to}")


@app.command("check")
def check(
    key: KEY_FILE,
    kept: Annotated[Path | None, typer.Option(help="What `keep` wrote another day.")] = None,
    data: Data = DEFAULT_DATA,
    person: Person = "auditor",
) -> None:
    """Read the whole log and hold it to its checkpoint, and to what was kept; the first entry that differs is named."""
    with _or_say("NOT the log it was"):
        held = Kept.load(_json(kept)) if kept else None
        with speak(data, person) as client:
            note = client.send(calls.get_checkpoint())
            leaves = read_entries([client.send(calls.get_tile("entries", path)) for path in tiles(size_of(note))])
        head = verify_log(leaves, note, _text(key), held)
    since = f", and begins with all {len(held.hashes)} that were kept" if held else ""
    tell("green bold", f"{head.size} entries are what the checkpoint stands for{since}.")


@app.command("bundle")
def bundle(asset: str, to: Path, data: Data = DEFAULT_DATA, person: Person = "auditor") -> None:
    """Take home all evidence of an asset in one file."""
    with speak(data, person) as client:
        to.write_bytes(client.send(calls.get_evidence(asset)))
    tell("", f"the evidence of {asset} is in {to}")


@app.command("verify")
def verify(
    proofs: Path,
    key: KEY_FILE,
    strict: Annotated[bool, typer.Option("--strict", help="Fail where anything is not proven.")] = False,
) -> None:
    """Verify a bundle or exported proofs, offline: nothing but this file and the key is read.

    Ends with 0 if nothing is contradicted; with --strict only if everything is proven too.
    """
    with _or_say("NOT proven"):
        held = _text(key)
        is_bundle = proofs.suffix != ".json" and proofs.read_bytes()[:1] not in {b"[", b"{"}
    if is_bundle:
        _verify_bundle(proofs, held, strict=strict)
        return
    with _or_say("NOT proven"):
        verified = verify_proofs(_json(proofs), held)
        told = [(document["index"], head.size, entry_of(document)) for document, head in verified]
    for index, size, leaf in told:
        tell("green", "proven", f"entry {index} of {size}: {leaf['action']} {leaf['outcome']} at {leaf['at']}")
    tell("green bold", f"{len(verified)} entries stand in the log signed by {Verifier.of(held).name}.")


@app.command("verify-table")
def verify_table(
    table: Annotated[Path, typer.Argument(help="A table as it was downloaded or delivered.")],
    bundle: Annotated[Path, typer.Argument(help="The evidence of its asset, as `bundle` took it home.")],
    key: KEY_FILE,
) -> None:
    """Verify that a file is, byte for byte, the table that a bundle proves; offline."""
    with _or_say("NOT proven"):
        opened = Bundle.open(bundle, _text(key))
        form = tables.verify_table(table, opened)
    tell(
        "green bold",
        f"This is asset {opened.asset} as {form}, as the log signed by {Verifier.of(opened.key).name} has it.",
    )


def _verify_bundle(path: Path, key: str, *, strict: bool) -> None:
    with _or_say("NOT proven"):
        report = Bundle.open(path, key).check()
    for line in report.lines():
        count = f" ({line.values})" if line.values else ""
        tell(STYLES[line.verdict], f"{line.verdict:<13}", f"{line.item}{count}: {line.said}")
    trusted = report.holds and not (strict and report.unproven_count)
    said = f"{report.summary()}, by the key of {Verifier.of(key).name} alone"
    if not trusted:
        tell("red bold", f"This bundle is not to be trusted: {said}.", to=error_console)
        sys.exit(1)
    tell("green bold", f"Nothing is contradicted: {said}.")


@contextmanager
def _or_say(what: str) -> Generator[None]:
    """Say what was not proven, and at which step, and end with 1."""
    try:
        yield
    except (NotProven, OSError) as error:
        tell("red bold", what, str(error), to=error_console)
        sys.exit(1)


def _text(path: Path) -> str:
    """A file's text.

    Raises:
        NotProven: it is none.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise NotProven(f"{path.name} is no text") from None


def _json(path: Path) -> object:
    """A file's document.

    Raises:
        NotProven: it is no JSON, or has more than one reading.
    """
    return read_line(_text(path))
