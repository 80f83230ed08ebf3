"""``mintmark audit``: take proofs home, and verify them without mintmark."""

import json
import sys
import zipfile
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from mintmark import calls
from mintmark.audit import Kept, NotProven, read_entries, size_of, tiles, verify_log, verify_proof
from mintmark.cli.console import error_console, say
from mintmark.cli.session import DEFAULT_DATA, Data, Person, speak
from mintmark.evidence import Bundle

app = typer.Typer(help="Proofs from the audit log.", no_args_is_help=True)
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
    say(f"{len(proofs)} proofs in {to}")


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
    with speak(data, person) as client:
        note = client.send(calls.get_checkpoint())
        hashes = b"".join(client.send(calls.get_tile(0, path)) for path in tiles(size_of(note)))
    kept = Kept(note, [hashes[start : start + 32] for start in range(0, len(hashes), 32)])
    to.write_text(json.dumps(kept.dump()))
    say(f"{size_of(note)} entries are kept in {to}")


@app.command("check")
def check(
    key: KEY_FILE,
    kept: Annotated[Path | None, typer.Option(help="What `keep` wrote another day.")] = None,
    data: Data = DEFAULT_DATA,
    person: Person = "auditor",
) -> None:
    """Read the whole log and hold it to its checkpoint, and to what was kept; the first entry that differs is named."""
    with speak(data, person) as client:
        note = client.send(calls.get_checkpoint())
        leaves = read_entries([client.send(calls.get_tile("entries", path)) for path in tiles(size_of(note))])
    held = Kept.load(json.loads(kept.read_text())) if kept else None
    try:
        head = verify_log(leaves, note, key.read_text(), held)
    except (NotProven, ValueError, KeyError) as error:
        error_console.print(f"[red bold]NOT the log it was[/]: {error}")
        sys.exit(1)
    since = f", and begins with all {len(held.hashes)} that were kept" if held else ""
    say(f"[green bold]{head.size} entries are what the checkpoint stands for{since}.[/]")


@app.command("bundle")
def bundle(asset: str, to: Path, data: Data = DEFAULT_DATA, person: Person = "auditor") -> None:
    """Take home all evidence of an asset in one file."""
    with speak(data, person) as client:
        to.write_bytes(client.send(calls.get_evidence(asset)))
    say(f"the evidence of {asset} is in {to}")


@app.command("verify")
def verify(proofs: Path, key: KEY_FILE) -> None:
    """Verify a bundle or exported proofs, offline: nothing but this file and the key is read."""
    held = key.read_text()
    if zipfile.is_zipfile(proofs):
        _verify_bundle(proofs, held)
        return
    documents = json.loads(proofs.read_text())
    for document in documents:
        try:
            head = verify_proof(document, held)
        except (NotProven, ValueError, KeyError) as error:
            error_console.print(f"[red bold]NOT proven[/]: entry {document.get('index')}: {error}")
            sys.exit(1)
        leaf = json.loads(document["leaf"])
        told = f"{leaf['action']} {leaf['outcome']} at {leaf['at']}"
        say(f"[green]proven[/] entry {document['index']} of {head.size}: {told}")
    say(f"[green bold]{len(documents)} entries stand in the log signed by {held.split('+')[0]}.[/]")


def _verify_bundle(path: Path, key: str) -> None:
    checked = Bundle.open(path, key).check()
    for one in checked:
        say(
            f"{'[green]holds[/]    ' if one.holds else '[red bold]DOES NOT[/] '} {escape(one.item)}: {escape(one.said)}"
        )
    if not all(one.holds for one in checked):
        error_console.print("[red bold]This bundle is not to be trusted.[/]")
        sys.exit(1)
    say(f"[green bold]All {len(checked)} checks hold, by the key of {escape(key.split('+', maxsplit=1)[0])} alone.[/]")
