"""An asset's page: verdict first, then why, how it was made, and who may read it."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moneyer_console.views.absent import Absent
from moneyer_console.views.facts import Fact, facts_of
from moneyer_console.views.figures import Figure, criteria_of, estimates_of
from moneyer_console.views.names import Names
from moneyer_console.views.runs import RunRow, plan_facts, run_row
from moneyer_console.views.words import State, short_id, state_of

Json = Mapping[str, Any]
MOST_ROWS = 20
VERDICTS: Mapping[str, str] = {
    "quarantined": "It lies in quarantine: nobody can read it before it was assayed and decided on.",
    "assaying": "It lies in quarantine while evaluation looks at it.",
    "released": "It met what its charter asks; holders of a grant can read it.",
    "rejected": "It missed what its charter asks, and stays in quarantine.",
    "suspended": "It is stopped: nobody can read it until a vote lifts that.",
    "withdrawn": "It is read no more. Whoever built on it was told.",
    "retired": "Its key was destroyed: nobody can read it again.",
}
PRECISIONS: Mapping[str, str] = {
    "raw": "",
    "rounded": "Figures are rounded to what their intervals support.",
    "withheld": "Figures are not shown to you: the table is too small, or whoever asked for it chose what it holds.",
}


@dataclass(frozen=True)
class Preview:
    """The first rows of a table; no more of them is fetched than these need."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class AssetView:
    """An asset as its page shows it; parts that could not be fetched say why in ``absent``."""

    row: RunRow
    verdict: str
    substitute: str | None
    made: Sequence[Fact]
    plan: Sequence[Fact]
    criteria: Sequence[Figure]
    release: Sequence[Fact]
    review_id: str | None
    precision: str
    figures: Sequence[tuple[str, Sequence[Figure]]]
    not_estimable: Sequence[Json]
    provenance: Sequence[Fact]
    votes: Sequence[Json]
    budgets: Sequence[Json]
    grants: Sequence[Json]
    card: Sequence[Fact]
    preview: Preview | None
    why_no_preview: str
    can_be_read: bool
    guarantee: Json
    guarantee_state: State
    absent: Sequence[str]


@dataclass(frozen=True)
class AssetParts:
    """What the API told of an asset, each part or why it is not there."""

    run: Json
    asset: Json | Absent
    release: Any
    assays: Any
    provenance: Json | Absent
    grants: Sequence[Json] | Absent
    card: Json | Absent
    preview: str | Absent


def asset_view(told: AssetParts, names: Names, reader: str) -> AssetView:
    run, release, assay = told.run, _release_of(told.release), _assay_of(told.assays)
    provenance = {} if isinstance(told.provenance, Absent) else told.provenance
    grants = [] if isinstance(told.grants, Absent) else told.grants
    preview = None if isinstance(told.preview, Absent) else preview_of(told.preview)
    notes = {note["metric"]: note["note"] for note in assay.get("power_notes", [])}
    return AssetView(
        row=run_row(run, names),
        verdict=VERDICTS.get(run["state"], ""),
        substitute=None if isinstance(told.asset, Absent) else told.asset.get("substitute"),
        made=_made(run),
        plan=plan_facts(run["plan"], names),
        criteria=criteria_of(release.get("criteria", []), notes),
        release=_release_facts(release),
        review_id=release.get("review_id"),
        precision=PRECISIONS.get(assay.get("figures", "raw"), ""),
        figures=estimates_of(assay.get("estimates", [])),
        not_estimable=assay.get("not_estimable", []),
        provenance=_provenance_facts(provenance),
        votes=provenance.get("votes", []),
        budgets=provenance.get("budgets", []),
        grants=grants,
        card=[] if isinstance(told.card, Absent) else facts_of(told.card),
        preview=preview,
        why_no_preview=told.preview.because if isinstance(told.preview, Absent) else "",
        can_be_read=run["state"] == "released" and any(one["subject"] == reader for one in grants),
        guarantee=run["offer"]["guarantee"],
        guarantee_state=state_of(run["offer"]["guarantee"]["level"]),
        absent=_absent(told),
    )


def _absent(told: AssetParts) -> list[str]:
    """What is not shown because a service is away or refused; what there simply is not is no fault."""
    parts = {
        "The decision on it": told.release,
        "Its figures": told.assays,
        "How it came about": told.provenance,
        "Who may read it": told.grants,
        "Its card": told.card,
    }
    return [
        f"{name}: {part.because}"
        for name, part in parts.items()
        if isinstance(part, Absent) and not part.is_nothing
    ]  # fmt: skip


def _release_of(told: Any) -> Json:
    return {} if isinstance(told, Absent) else told.model_dump(mode="json")


def _assay_of(told: Any) -> Json:
    """The assay it was released by, which comes first."""
    return {} if isinstance(told, Absent) or not told else told[0].model_dump(mode="json")


def _made(run: Json) -> list[Fact]:
    made = run["asset"] or {}
    given = {
        "rows": made.get("rows"),
        "sealed bytes": made.get("bytes"),
        "digest of the sealed bytes": made.get("digest"),
        "suppression": made.get("suppression"),
        "strata": made.get("strata"),
        "blend": made.get("blend"),
    }
    given |= {"delivered": made["delivered"]} if made.get("delivered") else {}
    return facts_of({name: value for name, value in given.items() if value not in (None, [], {})})


def _release_facts(release: Json) -> list[Fact]:
    shown = ("verdict", "triggered", "decided_at", "charter_digest", "assay_id")
    return facts_of({name: release[name] for name in shown if release.get(name)})


def _provenance_facts(told: Json) -> list[Fact]:
    if not told:
        return []
    charter, decision = told["charter"], told["decision"]
    return facts_of({
        "permitted at": told["at"],
        "charter": f"{charter['title']}, version {charter['version']}",
        "charter digest": charter["digest"],
        "asked for by": decision["requester"],
        "decision": decision["id"],
        "permit": decision["permit"],
        "assessments": [f"{one['assessor']}: {'acceptable' if one['acceptable'] else 'not acceptable'}"
                        for one in told["assessments"]],
        "log entries": [str(one) if not isinstance(one, Mapping) else str(one.get("index", ""))
                        for one in told.get("log_entries", [])],
    })  # fmt: skip


def preview_of(text: str) -> Preview | None:
    """The whole lines of the beginning of a CSV; the last one may be cut short, and is left out."""
    lines = list(csv.reader(io.StringIO(text)))
    ends_within_quotes = text.count('"') % 2 == 1
    if ends_within_quotes or not text.endswith("\n"):
        lines = lines[:-1]
    return Preview(lines[0], lines[1 : MOST_ROWS + 1]) if lines else None


def title_of(told: Json) -> str:
    return f"Table {short_id(told['id'])}"
