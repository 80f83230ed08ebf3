"""Cards: what the public is told of an asset and of a charter, no more than the charter discloses.

The fields are those of the Differential Privacy Deployments Registry (registry.opendp.org, transparency tiers):
``summary`` gives tiers 1 and 2, ``full`` tier 3 as well. A charter that does not say discloses nothing. No person is
named on a card.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from moneyer_lineage.record.rules.changes import AssetState, Standing
from moneyer_lineage.record.rules.shapes import Json
from moneyer_shared.provenance import FORMS

Disclosure = Literal["none", "summary", "full"]
SMALLEST_COUNT = 20
"""A figure over fewer people is not published: it tells of so few that it tells of each."""
FLAVORS: Mapping[str, str] = {
    "zcdp": "approximate differential privacy, accounted as zero-concentrated",
    "approximate-zcdp": "approximate differential privacy, accounted as zero-concentrated but for a δ of its own",
    "pure": "pure differential privacy",
    "gaussian": "approximate differential privacy, accounted as Rényi",
    "subsampled-gaussian": "approximate differential privacy with subsampling, accounted as Rényi",
    "claimed": "claimed by the library; not accounted as proven",
    "post-processing": "post-processing of a model that was paid for",
    "none": "none",
}


@dataclass(frozen=True)
class CardSource:
    """What a card is composed of: the record, policy's dossier, and what the asset is by now."""

    record: Json
    dossier: Json
    standing: Standing
    curator: str

    @property
    def charter(self) -> Json:
        document: Json = self.dossier["charter"]["document"]
        return document

    @property
    def disclosure(self) -> Disclosure:
        said = self.charter.get("disclosure")
        return "full" if said == "full" else "summary" if said == "summary" else "none"


def asset_card(source: CardSource, level: Disclosure) -> Json:
    """An asset's card at a level; empty at ``none``."""
    if level == "none":
        return {}
    return _what_it_is(source) | _how_private(source) | (_in_detail(source) if level == "full" else {})


def _what_it_is(source: CardSource) -> Json:
    """Tier 1."""
    plan, charter = source.dossier["request"]["plan"], source.charter
    described = {one["name"]: one["description"] for one in charter["use_cases"]}
    release = source.dossier["release"] or {}
    return {
        "asset": source.record["asset"],
        "charter": source.dossier["charter"]["id"],
        "curator": source.curator,
        "title": charter["title"],
        "intended_use": {"name": plan["use_case"], "description": described.get(plan["use_case"])},
        "purpose": charter["purpose"],
        "data_product": f"A synthetic table of {source.record['generation']['rows']} rows",
        "published_at": release.get("decided_at"),
        "state": source.standing.state,
        "substitute": source.standing.substitute,
    }


def _how_private(source: CardSource) -> Json:
    """Tier 2, and how it was judged."""
    offer, release = source.dossier["request"]["offer"], source.dossier["release"] or {}
    guarantee, charge = offer["guarantee"], source.record.get("charge") or {}
    criteria = release.get("criteria") or []
    votes = (source.dossier["charter_review"] or {}).get("votes") or []
    return {
        "privacy": {
            "guarantee": guarantee["level"],
            "statement": guarantee["statement"],
            "flavor": FLAVORS.get(offer["mechanism"]["kind"], offer["mechanism"]["kind"]),
            "unit": guarantee["unit"],
            "epsilon": charge.get("epsilon"),
            "delta": charge.get("delta"),
            "deployment_model": "central: a trusted curator runs the mechanism",
        },
        "quality": {
            "verdict": release.get("verdict"),
            "criteria": len(criteria),
            "criteria_met": sum(bool(one["met"]) for one in criteria),
        },
        "governance": {
            "charter_version": source.dossier["charter"]["version"],
            "approvals": dict(sorted(Counter(one["function"] for one in votes if one["verdict"] == "approve").items())),
            "assessed": _assessed(source.dossier["assessments"]),
        },
    }


def _assessed(assessments: Sequence[Json]) -> bool:
    """Somebody found the charter acceptable, and nobody's last word is that it is not."""
    found = {one.get("standing") for one in assessments}
    return "acceptable" in found and "refused" not in found


def _in_detail(source: CardSource) -> Json:
    """Tier 3."""
    plan, offer, made = (
        source.dossier["request"]["plan"],
        source.dossier["request"]["offer"],
        source.record["generation"],
    )
    guarantee, charter = offer["guarantee"], source.charter
    return {
        "privacy_detail": {
            "neighbouring": guarantee["neighbouring"],
            "group_size": offer["mechanism"].get("group_size", 1),
            "domain": "bounds and categories are declared in public, never read from the data",
            "not_protected": list(guarantee.get("gaps") or []),
            "mechanism": {name: value for name, value in offer["mechanism"].items() if value is not None},
        },
        "accounting": {
            "composition": "a Rényi filter per population, valid for budgets chosen in turn (Feldman & Zrnic 2021)",
            "post_processing": "drawing rows from the fitted model is charged once, with the fit",
        },
        "implementation": {
            "generator": made["generator"],
            "version": made["engine_version"],
            "noise": made["noise"],
            "transformations": list(made["transformations"]),
            "parameters": dict(plan["parameters"]),
            "rationale": plan["rationale"],
            "trade_offs": list(charter.get("trade_offs") or []),
        },
        "limits": {
            "audiences": list(charter["audiences"]),
            "prohibited_uses": list(charter["prohibited_uses"]),
            "risk_assessment": charter.get("risk_assessment"),
        },
        "figures": published(source.record.get("assay") or {}),
        "evidence": {"charter_digest": source.dossier["charter"]["digest"]} | _digests(source.record),
    }


def _digests(record: Json) -> dict[str, str]:
    """Of the table as it is handed out, form by form; of an older one, of its sealed bytes alone."""
    delivered = record.get("delivered")
    if delivered is None:
        return {"sealed_digest": record["generation"]["digest"]}
    return {f"{form}_digest": f"sha256:{delivered[form]['sha256']}" for form in FORMS}


def published(assay: Json) -> list[Json]:
    """Figures with their intervals; those over too few are named and withheld, and counts are given roughly.

    Only what evaluation said it rounded: nothing computed from real rows is published to the last digit.
    """
    figures = assay.get("estimates") if assay.get("figures") == "rounded" else None
    return [
        {"metric": one["metric"], "withheld": f"over fewer than {SMALLEST_COUNT}"}
        if one["n"] < SMALLEST_COUNT
        else {name: one[name] for name in ("metric", "value", "lower", "upper", "confidence")} | {"n": about(one["n"])}
        for one in figures or []
    ]


def about(count: int) -> str:
    """A count to two figures: two assays of one source must not tell by their difference who left it."""
    unit = 10 ** max(0, len(str(count)) - 2)
    return f"about {round(count / unit) * unit}"


def charter_card(source: CardSource) -> Json:
    """The card of the charter an asset was made under, at the charter's own level."""
    charter, of = source.charter, source.dossier["charter"]
    if source.disclosure == "none":
        return {}
    card = {
        "charter": of["id"],
        "version": of["version"],
        "curator": source.curator,
        "title": charter["title"],
        "purpose": charter["purpose"],
        "use_cases": [{"name": one["name"], "description": one["description"]} for one in charter["use_cases"]],
        "audiences": list(charter["audiences"]),
        "prohibited_uses": list(charter["prohibited_uses"]),
        "minimum_guarantee": charter["minimum_guarantee"],
        "in_force_at": of["in_force_at"],
        "expires_at": charter["expires_at"],
    }
    if source.disclosure == "summary":
        return card
    more = ("benefits", "trade_offs", "performance_goals", "legal_basis", "risk_assessment", "error_margins")
    return card | {name: charter.get(name) for name in more} | {
        "acceptance": list(charter["acceptance"]),
        "review_triggers": list(charter.get("review_triggers") or []),
        "quorum": dict(charter["quorum"]),
        "digest": of["digest"],
    }  # fmt: skip


def has_card(changes: Sequence[AssetState]) -> bool:
    """Only what was out once has a card: what never left quarantine is nobody's business."""
    return "released" in changes
