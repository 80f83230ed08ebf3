"""Promises about the repository itself: documents, migrations, contracts, what is committed."""

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from uuid import uuid4

import jsonschema
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from conftest import SERVICES, Cluster
from guards import GUARDS, Guard
from sqlalchemy.ext.asyncio import create_async_engine

from moneyer_lineage.record.documents.graph import Record
from moneyer_local.identity import PEOPLE
from moneyer_shared import records
from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.events import FACETS

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "moneyer_policy": "services/policy",
    "moneyer_generation": "services/generation",
    "moneyer_evaluation": "services/evaluation",
    "moneyer_lineage": "services/lineage",
    "moneyer_console": "services/console",
    "moneyer_shared": "shared",
    "moneyer": "client",
    "moneyer_local": "deploy/local",
}
PROCESSES = (*SERVICES, "console")
"""The services and the console, which has pages and no API."""


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.splitlines()


# --- the plan of the house ----------------------------------------------------------------


def lint_imports(copy: Path) -> subprocess.CompletedProcess[str]:
    """The contracts, held against a copy of the tree."""
    path = ":".join(str(copy / folder) for folder in PACKAGES.values())
    program = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, "--no-cache"],
        cwd=copy, env={"PYTHONPATH": path, "PATH": "/usr/bin:/bin"}, capture_output=True, text=True,
    )  # fmt: skip


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for package, folder in PACKAGES.items():
        shutil.copytree(
            ROOT / folder / package, tmp_path / folder / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_tree_as_it_is_keeps_its_contracts(copy: Path) -> None:
    ended = lint_imports(copy)
    assert ended.returncode == 0, ended.stdout
    contracts = tomllib.loads((copy / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert f"{len(contracts)} kept, 0 broken" in ended.stdout


@pytest.mark.parametrize(
    ("where", "line", "broken"),
    [
        ("services/policy/moneyer_policy/utils.py", "", "each wing of policy knows only those before it"),
        ("services/policy/moneyer_policy/gate/utils.py", "", "every wing of policy has the same floors"),
        (
            "services/policy/moneyer_policy/gate/rules/gate/__init__.py",
            "import moneyer_lineage.log.rules",
            "services are strangers",
        ),
        ("services/policy/moneyer_policy/gate/rules/gate/__init__.py", "import sqlalchemy", "rules do no I/O"),
        (
            "services/policy/moneyer_policy/budgets/store/budgets.py",
            "import moneyer_policy.budgets.use_cases.budgets",
            "every wing of policy has the same floors",
        ),
        (
            "services/policy/moneyer_policy/reviews/use_cases/reviews.py",
            "import moneyer_policy.charters.store",
            "each wing of policy knows only those before it",
        ),
        ("shared/moneyer_shared/clock.py", "import moneyer_policy.gate.rules.gate", "shared knows no service"),
        ("client/moneyer/calls.py", "import moneyer_policy.gate.rules.gate", "the client speaks HTTP only"),
        (
            "services/lineage/moneyer_lineage/record/rules/graph.py",
            "import moneyer_lineage.models.rules",
            "each wing of lineage knows only those before it",
        ),
        (
            "services/lineage/moneyer_lineage/record/rules/graph.py",
            "import moneyer_lineage.record.store",
            "every wing of lineage has the same floors",
        ),
        ("services/lineage/moneyer_lineage/record/utils.py", "", "every wing of lineage has the same floors"),
        ("services/lineage/moneyer_lineage/record/rules/graph.py", "import sqlalchemy", "rules do no I/O"),
        ("services/lineage/moneyer_lineage/log/use_cases.py", "import fastapi", "use cases answer no HTTP"),
        ("services/lineage/moneyer_lineage/log/routes.py", "import sqlalchemy", "routes know no SQL"),
        (
            "services/lineage/moneyer_lineage/log/routes.py",
            "import moneyer.calls",
            "services know neither the client nor the runner",
        ),
        ("services/evaluation/moneyer_evaluation/utils.py", "", "evaluation's rooms are floors"),
        (
            "services/evaluation/moneyer_evaluation/documents.py",
            "import moneyer_evaluation.store.assays",
            "evaluation's rooms are floors",
        ),
        ("services/evaluation/moneyer_evaluation/rules.py", "import pydantic", "rules do no I/O"),
        (
            "services/evaluation/moneyer_evaluation/use_cases/shares.py",
            "import fastapi.responses",
            "use cases answer no HTTP",
        ),
        (
            "services/evaluation/moneyer_evaluation/routes/__init__.py",
            "import sqlalchemy",
            "routes know no SQL",
        ),
        (
            "services/console/moneyer_console/routes/runs.py",
            "import moneyer_generation.rules.run",
            "services are strangers",
        ),
        (
            "services/console/moneyer_console/routes/runs.py",
            "import moneyer_shared.database",
            "the console knows no database and no runner",
        ),
        (
            "services/console/moneyer_console/views/runs.py",
            "import moneyer_console.visits",
            "the console's rooms are floors",
        ),
        ("services/console/moneyer_console/utils.py", "", "the console's rooms are floors"),
        ("services/console/moneyer_console/views/runs.py", "import fastapi", "views do no I/O"),
    ],
)
def test_a_misplaced_file_or_import_is_refused(copy: Path, where: str, line: str, broken: str) -> None:
    file = copy / where
    file.write_text((file.read_text() if file.exists() else '"""Misplaced."""\n') + f"\n{line}\n")
    ended = lint_imports(copy)
    assert ended.returncode != 0
    assert f"{broken} BROKEN" in ended.stdout


def test_there_is_no_room_for_leftovers() -> None:
    names = {Path(path).stem for path in tracked() if path.endswith(".py")}
    assert not names & {"utils", "helpers", "common", "core", "base"}


# --- documents ----------------------------------------------------------------------------


def test_openapi_documents_are_current_and_complete() -> None:
    sys.path.insert(0, str(ROOT / "openapi"))
    export = import_module("export")
    for path, text in export.rendered().items():
        assert path.read_text() == text, f"{path.name} is not current: make openapi"
        document = json.loads(text)
        if path.name == "events.json":
            continue
        assert document["openapi"].startswith("3.1")
        for route, methods in document["paths"].items():
            for method, operation in methods.items():
                assert re.fullmatch(r"[a-z][A-Za-z]+", operation["operationId"]), (route, method)
                assert operation["summary"]
                public = route in {
                    "/livez",
                    "/readyz",
                    "/metrics",
                    "/v1/log/key",
                    "/facets/1-0-0/{name}.json",
                    "/v1/charters/schema",
                    "/.well-known/authzen-configuration",
                    "/v1/registries/{registry}/mlflow",
                } or route.startswith("/public")
                assert public or operation["security"][0]["BearerScheme"], f"{method} {route} names its scope"
                assert "4XX" in operation["responses"]


def actions_told(path: Path) -> Iterator[ast.expr]:
    """What audit events made in a file say was done."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "AuditEvent":
            yield node.args[1]


def test_every_action_that_is_recorded_is_one_of_the_contract() -> None:
    files = [ROOT / path for path in tracked() if path.startswith(("services/", "shared/")) and path.endswith(".py")]
    told = [(path, action) for path in files for action in actions_told(path)]
    assert len(told) > 60, "they were looked for where they are"
    literal = [
        f"{path.name}: {ast.unparse(action)}"
        for path, action in told
        if isinstance(action, ast.Constant | ast.JoinedStr)
    ]
    assert not literal
    written = " ".join(path.read_text() for path in files if path.name != "events.py")
    built = ("asset.", "charter.", "source.", "population.", "deadline.", "vote.", "committee.")
    idle = {one for one in Action if f"Action.{one.name}" not in written and not one.startswith(built)}
    assert not idle, "an action that nothing records"


def test_the_contract_of_events_reads_what_is_told() -> None:
    schema = json.loads((ROOT / "openapi/events.json").read_text())
    assert set(schema["$defs"]["Action"]["enum"]) == {str(one) for one in Action}
    said = {
        "id": str(uuid4()),
        "at": "2026-01-01T00:00:00+00:00",
        "service": "policy",
        "actor": "sha256:0",
        "outcome": "done",
    }
    leaf = {**said, "action": "glass.break", "subject": "waiver:1", "details": {}}
    validate = jsonschema.Draft202012Validator(schema).is_valid
    assert validate(leaf)
    assert not validate(leaf | {"action": "glass.smash"})
    assert set(schema["facets"]) == set(FACETS)


def test_a_record_has_a_place_for_every_part_that_is_told() -> None:
    """One that the document does not know is an answer past its model: nobody could read the record."""
    assert set(records.FACETS.values()) <= set(Record.model_fields)


HAPPENS_ONCE_WITHOUT_A_KEY = {
    "createSourceKey": "its answer holds a key in clear, which nobody may keep",
    "cancelGeneration": "a run is cancelled once however often it is asked",
    "cancelSearch": "a search is cancelled once however often it is asked",
    "postLineage": "an event has an identity of its own",
    "appendAuditEvent": "an event has an identity of its own",
}


def test_whatever_creates_takes_an_idempotency_key() -> None:
    without = set()
    for path in (ROOT / "openapi" / f"{service}.json" for service in SERVICES):
        for methods in json.loads(path.read_text())["paths"].values():
            operation = methods.get("post", {"responses": {}})
            keyed = any(entry["name"] == "Idempotency-Key" for entry in operation.get("parameters", []))
            if {"201", "202"} & set(operation["responses"]) and not keyed:
                without.add(operation["operationId"])
    assert without == set(HAPPENS_ONCE_WITHOUT_A_KEY)


@pytest.mark.parametrize("service", SERVICES)
async def test_migrations_make_exactly_the_tables(service: str, cluster: Cluster) -> None:
    tables = import_module(f"moneyer_{service}.tables")
    engine = create_async_engine(await cluster.fresh(service))

    def differences(connection: object) -> list[object]:
        options = {"include_name": lambda name, kind, _: not (kind == "table" and str(name).startswith("pgqueuer"))}
        return compare_metadata(MigrationContext.configure(connection, opts=options), tables.metadata)

    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()
    assert found == []


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    for service in PROCESSES:
        settings = import_module(f"moneyer_{service}.settings").Settings
        for name in settings.model_fields:
            assert f"`{name.upper()}`" in text, f"{service}: {name}"


def test_every_word_of_the_design_is_in_the_glossary() -> None:
    glossary = (ROOT / "GLOSSARY.md").read_text()
    for word in (
        "Source", "Population", "Privacy unit", "Charter", "Committee", "Vote", "Assessment", "Configuration", "Plan",
        "Decision", "Permit", "Reservation", "Charge", "Guarantee", "Asset", "Assay", "Release", "Grant", "Record", "Card",
    ):  # fmt: skip
        assert f"**{word}" in glossary, word


NAMED_TEST = re.compile(r"tests/[a-z0-9_/]+\.py(?:::[A-Za-z0-9_]+)?")


def test_every_test_the_threat_model_names_exists() -> None:
    """A claim that no test attacks is no claim."""
    named = sorted(set(NAMED_TEST.findall((ROOT / "docs" / "threat-model.md").read_text())))
    assert named
    missing: list[str] = []
    for one in named:
        path, _, name = one.partition("::")
        file = ROOT / path
        if not file.exists() or (name and not re.search(rf"^(?:async )?def {name}\(", file.read_text(), re.MULTILINE)):
            missing.append(one)
    assert missing == []


def test_nothing_goes_by_the_name_of_somebody_elses_package() -> None:
    former = "mint" + "mark"
    found = subprocess.run(["git", "grep", "-Iil", former], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.stdout.split() == ["CHANGELOG.md"]
    assert not [path for path in tracked() if former in path.lower()]


def test_links_between_documents_lead_somewhere() -> None:
    for path in (name for name in tracked() if name.endswith(".md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / path).read_text()):
            assert (ROOT / path).parent.joinpath(target).exists(), f"{path} -> {target}"


# --- what is committed --------------------------------------------------------------------


def test_every_file_a_document_names_is_there() -> None:
    files = ["/" + path for path in tracked()]
    documents = [path for path in tracked() if path.endswith(".md") and not path.startswith("docs/decisions/")]
    named = {
        (document, path)
        for document in documents
        for path in re.findall(r"`((?:[a-z_]+/)*[a-z_]+\.py)`", (ROOT / document).read_text())
    }
    assert len(named) > 50, "they were looked for where they are"
    assert not {(document, path) for document, path in named if not any(file.endswith("/" + path) for file in files)}


def test_locks_are_hashed_and_name_no_host() -> None:
    for path in [ROOT / "requirements.lock", *(ROOT / "deploy" / "docker").glob("*.lock")]:
        text = path.read_text()
        pins = re.findall(r"^[a-z0-9][a-z0-9._-]*==", text, re.MULTILINE)
        assert len(pins) > (3 if path.name == "build.lock" else 20)
        assert text.count("--hash=sha256:") >= len(pins)
        assert "://" not in text
        assert "--index" not in text
        assert "find-links" not in text


def test_a_service_image_carries_what_it_alone_needs() -> None:
    locks = {service: (ROOT / "deploy" / "docker" / f"{service}.lock").read_text() for service in PROCESSES}
    assert "\ntorch==" in locks["generation"]
    for service in ("policy", "evaluation", "lineage", "console"):
        assert "\ntorch==" not in locks[service]
        assert "\nsynthcity==" not in locks[service]


def test_no_runtime_dependency_is_copyleft() -> None:
    """What the services run on is free of GPL and BUSL; the lock of each service names what that is."""
    from importlib.metadata import PackageNotFoundError, metadata

    for service in PROCESSES:
        text = (ROOT / "deploy" / "docker" / f"{service}.lock").read_text()
        for name in re.findall(r"^([a-z0-9][a-z0-9._-]*)==", text, re.MULTILINE):
            try:
                told = metadata(name)
            except PackageNotFoundError:
                continue
            licence = " ".join([told.get("License-Expression") or "", *told.get_all("Classifier", [])])
            strong = re.search(r"(?<!L)GPL|General Public License|Business Source", licence)
            assert strong is None or "Lesser" in licence or "LGPL" in licence, (service, name, licence)


def test_compose_describes_the_same_stack() -> None:
    import yaml

    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    expected = {"postgres", *PROCESSES, "generation-worker", "evaluation-worker"}
    assert expected <= set(compose["services"])
    for service in PROCESSES:
        settings = import_module(f"moneyer_{service}.settings").Settings
        prefix = settings.model_config["env_prefix"]
        told = set(compose["services"][service]["environment"])
        needed = {prefix + name.upper() for name, field in settings.model_fields.items() if field.is_required()}
        assert needed <= told, needed - told
        known = {prefix + name.upper() for name in settings.model_fields}
        assert {name for name in told if name.startswith(prefix)} <= known
        assert compose["services"][service]["build"]["args"]["SERVICE"] == service
    assert compose["services"]["postgres"]["image"].startswith("postgres:18")


def test_the_project_names_every_package_it_ships() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert sorted(packages) == sorted(f"{folder}/{name}" for name, folder in PACKAGES.items())


NOT_THE_AUDITORS = {"listWebhooks", "listDeliveries", "getHeldVersion", "getArrivals"}
"""What is shown to its owner alone, and where tables lie: for services."""
READ_BY_POST = {"explainDecision", "forecastBudget", "diffCharter", "dryRunCharter"}
"""Questions too long for a URL: nothing is done."""


def test_the_auditor_reads_everything_and_does_nothing() -> None:
    """Every GET takes a scope the auditor has, and whatever does something one that they lack; data take a grant besides."""
    held = set(PEOPLE["auditor"].split())
    for path in (ROOT / "openapi" / f"{service}.json" for service in SERVICES):
        for route, methods in json.loads(path.read_text())["paths"].items():
            for method, operation in methods.items():
                name = operation["operationId"]
                scopes = {scope for entry in operation.get("security", []) for scope in entry.get("BearerScheme", [])}
                reads = (method == "get" or name in READ_BY_POST) and name not in NOT_THE_AUDITORS
                if scopes:
                    assert (scopes <= held) == reads, (route, method, scopes)


@pytest.mark.parametrize("entry", GUARDS, ids=lambda entry: entry.invariant)
def test_every_guard_stands_where_it_is_said_to(entry: Guard) -> None:
    """A guard that moved is one that `make guards` could not take away any more."""
    assert (ROOT / entry.file).read_text().count(entry.guard) == 1
