"""The demonstration: one sensitive table, one charter, one paid permit, one released table, one record."""

import csv
import io
import itertools
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.markup import escape

from moneyer import calls
from moneyer.audit import verify_proof
from moneyer.cli import randhie
from moneyer.cli.console import console, say, show_assay, show_budget, show_refusal, table
from moneyer.cli.generate import follow_run
from moneyer.client import Moneyer, Refused
from moneyer_shared.contracts.policy import Plan

Speak = Callable[[str], Moneyer]
MEMBERS = {
    "privacy-officer": "privacy",
    "security-officer": "security",
    "counsel": "legal",
    "product-lead": "product",
    "lead-scientist": "data_science",
}
PATIENCE_SECONDS = 30
CELL = 9


def charter_document(source_id: str) -> dict[str, Any]:
    """A charter that allows proven tables of utilisation research, up to ε 2 a table."""
    now = datetime.now(UTC)
    return {
        "title": "How coinsurance changes the use of outpatient care",
        "purpose": "Let analysts study utilisation without touching the records of the people enrolled.",
        "owner": "scientist",
        "use_cases": [{"name": "utilisation-research", "description": "Model visits by plan and health."}],
        "prohibited_uses": ["individual-underwriting"],
        "audiences": ["internal-analysts"],
        "sources": [source_id],
        "minimum_guarantee": "proven",
        "configurations": [
            {
                "generator": "dpmm-mst",
                "parameters": {
                    "epsilon": {"minimum": "0.1", "maximum": "2"},
                    "delta": {"minimum": "0.000000001", "maximum": "0.000005"},
                    "iterations": {"minimum": "500", "maximum": "5000"},
                },
            }
        ],
        "maximum_rows": 50_000,
        "acceptance": [
            {"metric": "marginal-tvd-mean", "at_most": "0.12"},
            {"metric": "pairwise-tvd-mean", "at_most": "0.2"},
            {"metric": "membership-auc", "at_most": "0.55"},
            {"metric": "singling-out-risk", "at_most": "0.05"},
        ],
        "quorum": dict.fromkeys(MEMBERS.values(), 1),
        "revalidate_by": (now + timedelta(days=180)).isoformat(),
        "expires_at": (now + timedelta(days=365)).isoformat(),
        "retention_days": 365,
        "benefits": ["Analysts start the day they ask."],
        "trade_offs": ["Rare combinations are blurred by the noise that protects them."],
    }


def tell(data: Path, output: Path) -> None:
    """Tell the story against a running stack; every step is a real call by a real person."""
    speakers: dict[str, Moneyer] = {}

    def speak(person: str) -> Moneyer:
        if person not in speakers:
            speakers[person] = Moneyer.from_directory(data, person=person)
        return speakers[person]

    try:
        population_id, source_id = _register(speak)
        charter_id = _charter(speak, population_id, source_id)
        _refused_plan(speak, charter_id, source_id)
        run = _good_plan(speak, charter_id, source_id)
        _show_table(speak, run, output)
        _title("What is left of the budget")
        left = speak("steward").send(calls.get_population(population_id))
        show_budget(left)
        _show_record(speak, run["id"], data)
    finally:
        for client in speakers.values():
            client.close()


def _title(text: str) -> None:
    console.rule(f"[bold]{escape(text)}", align="left")


def _register(speak: Speak) -> tuple[str, str]:
    _title("A steward registers a sensitive table")
    steward, stamp = speak("steward"), datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    population = steward.send(
        calls.create_population(
            f"rand-hie-{stamp}", privacy_unit="one person-year (one row)", epsilon="3", delta="0.00001"
        )
    )
    declaration = randhie.declaration(population["id"], f"randhie-{stamp}")
    source = steward.send(calls.register_source(declaration))
    content = randhie.parquet()
    version = steward.send(calls.upload(source["id"], content, media_type="application/vnd.apache.parquet"))
    say(
        f"{version['train_rows'] + version['holdout_rows']} real rows: {version['train_rows']} to learn from, "
        f"{version['holdout_rows']} held out; sealed under a key only policy can unwrap."
    )
    return population["id"], source["id"]


def _charter(speak: Speak, population_id: str, source_id: str) -> str:
    _title("A charter, an assessment, five votes")
    for person, function in MEMBERS.items():
        speak("admin").send(calls.appoint(person, function))
    scientist = speak("scientist")
    charter = scientist.send(calls.draft_charter(charter_document(source_id)))
    charter_id, digest = charter["id"], charter["digest"]
    scientist.send(calls.submit_charter(charter_id))
    until = (datetime.now(UTC) + timedelta(days=180)).isoformat()
    summary = "Proven guarantee, five-member vote, measured risk: acceptable."
    speak("assessor").send(
        calls.assess_charter(charter_id, digest=digest, acceptable=True, summary=summary, valid_until=until)
    )
    for person, function in MEMBERS.items():
        ballot = calls.vote(
            charter_id,
            function=function,
            verdict="approve",
            digest=digest,
            reason=f"Acceptable for {function}.",
        )
        shown = speak(person).send(ballot)
        say(f"  {person:<17} approves as {function:<13} the charter is [bold]{shown['state']}[/]")
    speak("steward").send(calls.allocate(population_id, charter_id=charter_id, epsilon="2", delta="0.000005"))
    return str(charter_id)


def _refused_plan(speak: Speak, charter_id: str, source_id: str) -> None:
    _title("A plan beyond the charter is refused, with every reason")
    plan = Plan.model_validate(
        {
            "charter_id": charter_id,
            "source_id": source_id,
            "use_case": "individual-underwriting",
            "audience": "partners",
            "generator": "dpmm-mst",
            "parameters": {"epsilon": "8", "delta": "0.000001"},
            "rows": 60_000,
            "rationale": "Price policies person by person.",
        }
    )
    try:
        speak("scientist").send(calls.request_generation(plan, key=f"beyond-{charter_id}"))
    except Refused as refusal:
        show_refusal(refusal, to=console)


def _good_plan(speak: Speak, charter_id: str, source_id: str) -> dict[str, Any]:
    _title("A plan within it runs: ε = 1, proven, end to end")
    scientist = speak("scientist")
    plan = Plan.model_validate(
        {
            "charter_id": charter_id,
            "source_id": source_id,
            "use_case": "utilisation-research",
            "audience": "internal-analysts",
            "generator": "dpmm-mst",
            "parameters": {"epsilon": "1", "delta": "0.000001", "iterations": 2500},
            "rows": 20_000,
            "rationale": "Model outpatient visits by coinsurance and health.",
        }
    )
    run = scientist.send(calls.request_generation(plan, key=f"within-{charter_id}"))
    say(escape(run["offer"]["guarantee"]["statement"]))
    follow_run(scientist, run["id"])
    run = scientist.send(calls.get_generation(run["id"]))
    if run["assay_id"]:
        show_assay(scientist.send(calls.get_assay(run["assay_id"])))
    return run


def _show_table(speak: Speak, run: dict[str, Any], output: Path) -> None:
    _title("The released table")
    content = speak("scientist").send(calls.download(run["id"], form="csv"))
    output.write_bytes(content)
    rows = list(itertools.islice(csv.reader(io.StringIO(content.decode())), 6))
    shortened = [[cell[:CELL] for cell in row] for row in rows[1:]]
    table(f"{run['asset']['rows']} synthetic rows in {output}", rows[0], shortened)
    page = output.with_name("assay.html")
    page.write_text(speak("scientist").send(calls.get_report(run["assay_id"])))
    say(f"The assay as a page to read and print: {page}")


def _show_record(speak: Speak, asset_id: str, data: Path) -> None:
    _title("Its record, and proof that it stands in the log")
    auditor = speak("auditor")
    record = _once_complete(auditor, asset_id)
    shown = {part: record[part] for part in ("plan", "decision", "charge", "generation", "release")}
    console.print_json(json.dumps(shown))
    key = auditor.send(calls.get_log_key())
    proofs = [auditor.send(calls.prove(index)) for index in record["log_entries"]]
    (data / "proofs.json").write_text(json.dumps(proofs, indent=2))
    (data / "log.key").write_text(key + "\n")
    for proof in proofs:
        head = verify_proof(proof, key)
        leaf = json.loads(proof["leaf"])
        say(f"  [green]proven[/] entry {proof['index']:>3} of {head.size}: {leaf['action']} {leaf['outcome']}")
    say(f"[green bold]All {len(proofs)} entries verified offline.[/] Again, without moneyer running:")
    say(f"  moneyer audit verify {data / 'proofs.json'} --key {data / 'log.key'}")


def _once_complete(auditor: Moneyer, asset_id: str) -> dict[str, Any]:
    """The record once the outboxes are delivered and a checkpoint covers its entries."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            record = auditor.send(calls.get_record(asset_id))
            if record["release"] and record["assay"]:
                auditor.send(calls.prove(max(record["log_entries"])))
                return record
        except Refused as refusal:
            if refusal.code != "not-found" or time.monotonic() > deadline:
                raise
        if time.monotonic() > deadline:
            message = "lineage did not hear of the release in time"
            raise TimeoutError(message)
        time.sleep(0.3)
