"""What an asset's evidence holds, and the same in the words others read: in-toto and SLSA, W3C PROV, Croissant.

Each of those is composed of the record and of policy's dossier, and of nothing else: lineage writes them, and whoever
verifies a bundle composes them anew of what was proven.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]
MEMBERS: Mapping[str, str] = {
    "record.json": "how the asset came about, as the services told it",
    "charter.json": "the charter version it was made under",
    "votes.json": "who approved that version, and what they voted on",
    "assessments.json": "privacy impact assessments of that version",
    "request.json": "the plan, and what the engine offered for it",
    "decision.json": "the gate's answer to the plan",
    "ledger.json": "what it cost, in every account",
    "release.json": "the decision that let it out, or kept it in",
    "reviews.json": "votes on the asset itself",
    "certificates.json": "of its destruction, signed by policy; none while it lives",
    "assays.json": "how it was judged, at its release and after",
    "prov.json": "the same as W3C PROV-JSON",
    "croissant.json": "the same as MLCommons Croissant with RAI",
    "card.json": "its card in full, whatever is published of it",
    "events.json": "every event of the run and of runs under it",
    "proofs.json": "log entries, each with its inclusion proof",
    "salts.json": "by log entry, what opens its digests of people and of what is shown here",
    "checkpoint.txt": "the log's checkpoint that the proofs lead to, with its cosignatures",
    "provenance.dsse.json": "SLSA provenance, in-toto, signed",
}
"""What a bundle lists in its manifest, and nothing else; each with what it is."""
UNLISTED = frozenset({"manifest.dsse.json"})
SALTED = frozenset({
    "opening", "vote", "conditions", "condition", "end", "assessment", "request", "decision", "reserve", "spend",
    "return", "release",
})  # fmt: skip
"""What a bundle shows of policy's that leaves hold under a salt."""
MANIFEST = "application/vnd.moneyer.manifest+json"
BUILD_TYPE = "https://moneyer.dev/build/generation/1"


def statement(record: Mapping[str, Any], dossier: Mapping[str, Any], *, labelled: bool = True) -> Json:
    """The asset's SLSA provenance (v1) as an in-toto statement (v1): of the table in each form it is handed out in.

    Nothing was recorded of an older table but the digest of its sealed bytes, which nobody holds: its subject says so.
    Bundles from before said it without that label; read them with ``labelled`` false.
    """
    asset, made = record["asset"], record["generation"]
    plan = dossier["request"]["plan"]
    began, ended = span_of(record)
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {"name": f"moneyer.asset:{asset}{part}", "digest": {"sha256": sha256}}
            for part, sha256 in _subjects(record, "/sealed" if labelled else "")
        ],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {"plan": plan, "charter": dossier["charter"]["digest"]},
                "internalParameters": {"noise": made.get("noise"), "environment": made.get("environment")},
                "resolvedDependencies": [{"uri": f"moneyer.source:{source}"} for source in record["sources"]],
            },
            "runDetails": {
                "builder": {
                    "id": "https://moneyer.dev/generation",
                    "version": {made["generator"]: made["engine_version"]},
                },
                "metadata": {"invocationId": asset, "startedOn": began, "finishedOn": ended},
            },
        },
    }


def _subjects(record: Mapping[str, Any], sealed: str) -> list[tuple[str, str]]:
    delivered = record.get("delivered")
    if delivered is None:
        return [(sealed, hex_of(record["generation"]["digest"]))]
    return [(f"/table.{form}", delivered[form]["sha256"]) for form in FORMS]


def hex_of(digest: str) -> str:
    """The hexadecimal digits of ``sha256:<hex>``."""
    return digest.removeprefix("sha256:")


def span_of(record: Mapping[str, Any]) -> tuple[str, str]:
    """When the run was first and last told of."""
    times = sorted(entry["at"] for entry in record["history"] if entry["run"] == record["asset"])
    return times[0], times[-1]


def prov(record: Mapping[str, Any], dossier: Mapping[str, Any], *, labelled: bool = True) -> Json:
    """The same as PROV-JSON (W3C member submission, 2013); ``labelled`` as of ``statement``."""
    run, asset = f"moneyer:run/{record['asset']}", f"moneyer:asset/{record['asset']}"
    charter, decision = f"moneyer:charter/{dossier['charter']['id']}", f"moneyer:decision/{dossier['decision']['id']}"
    sources = [f"moneyer:source/{source}" for source in record["sources"]]
    requester, engine = "moneyer:requester", f"moneyer:engine/{record['generation']['generator']}"
    began, ended = span_of(record)
    return {
        "prefix": {"moneyer": "https://moneyer.dev/id/"},
        "entity": {
            asset: {"prov:type": "synthetic table"} | _digests(record, "sealedDigest" if labelled else "digest"),
            charter: {"prov:type": "charter", "moneyer:digest": dossier["charter"]["digest"]},
            decision: {"prov:type": "decision", "moneyer:verdict": dossier["decision"]["verdict"]},
            **{source: {"prov:type": "sensitive source"} for source in sources},
        },
        "activity": {run: {"prov:startTime": began, "prov:endTime": ended, "prov:type": "generation"}},
        "agent": {
            requester: {"prov:type": "prov:Person"},
            engine: {"prov:type": "prov:SoftwareAgent", "moneyer:version": record["generation"]["engine_version"]},
        },
        "wasGeneratedBy": {"_:g": {"prov:entity": asset, "prov:activity": run, "prov:time": ended}},
        "used": {
            f"_:u{number}": {"prov:activity": run, "prov:entity": used}
            for number, used in enumerate([*sources, charter, decision])
        },
        "wasDerivedFrom": {
            f"_:d{number}": {"prov:generatedEntity": asset, "prov:usedEntity": source}
            for number, source in enumerate(sources)
        },
        "wasAssociatedWith": {
            "_:a0": {"prov:activity": run, "prov:agent": requester},
            "_:a1": {"prov:activity": run, "prov:agent": engine},
        },
        "actedOnBehalfOf": {"_:b": {"prov:delegate": engine, "prov:responsible": requester}},
    }


def _digests(record: Mapping[str, Any], sealed: str) -> Json:
    delivered = record.get("delivered")
    if delivered is None:
        return {f"moneyer:{sealed}": record["generation"]["digest"]}
    return {f"moneyer:{form}Digest": f"sha256:{delivered[form]['sha256']}" for form in FORMS}


def croissant(record: Mapping[str, Any], dossier: Mapping[str, Any]) -> Json:
    """The asset as a Croissant 1.0 dataset with its responsible-AI vocabulary (MLCommons)."""
    charter, made = dossier["charter"]["document"], record["generation"]
    guarantee = made["guarantee"]
    figures = (record.get("assay") or {}).get("estimates") or []
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": f"asset-{record['asset']}",
        "description": f"A synthetic table of {made['rows']} rows: {charter['title']}",
        "license": "https://moneyer.dev/licences/charter-bound",
        "url": f"https://moneyer.dev/id/asset/{record['asset']}",
        "version": "1.0.0",
        "datePublished": span_of(record)[1],
        "creator": {"@type": "sc:Organization", "name": charter["owner"]},
        "distribution": distribution(record["asset"], record.get("delivered"), made["digest"]),
        "rai:dataCollection": "Made by a generator that learned from a sensitive source under a charter.",
        "rai:dataLimitations": list(guarantee.get("gaps") or []) or [guarantee["statement"]],
        "rai:personalSensitiveInformation": guarantee["statement"],
        "rai:dataUseCases": [case["description"] for case in charter["use_cases"]],
        "rai:dataSocialImpact": charter.get("risk_assessment") or charter["purpose"],
        "rai:dataReleaseMaintenancePlan": (
            f"Its charter is revalidated by {charter['revalidate_by']} and ends {charter['expires_at']}."
        ),
        "rai:dataBiases": [
            f"{one['metric']}: {one['value']} in [{one['lower']}, {one['upper']}]"
            for one in figures
            if one["metric"] in BIASES
        ],
    }


def distribution(asset: str, delivered: Mapping[str, Any] | None, sealed: str) -> list[Json]:
    """The files of a table as Croissant says them: one a form; of an older table, the ``sealed`` one that its digest
    is of.
    """
    url = f"https://moneyer.dev/id/asset/{asset}/table"
    if delivered is None:
        return [
            {
                "@type": "cr:FileObject",
                "@id": "sealed-table",
                "name": "sealed-table",
                "description": "The table as it is stored, sealed; generation hands it out to holders of a grant.",
                "contentUrl": url,
                "encodingFormat": FORMS["parquet"],
                "sha256": hex_of(sealed),
            }
        ]
    return [_file_object(url, form, delivered[form]) for form in FORMS]


def _file_object(url: str, form: str, delivered: Mapping[str, Any]) -> Json:
    """A table in one form as Croissant says it."""
    return {
        "@type": "cr:FileObject",
        "@id": f"table.{form}",
        "name": f"table.{form}",
        "description": "The table as generation hands it out to holders of a grant, byte for byte.",
        "contentUrl": f"{url}?format={form}",
        "contentSize": f"{delivered['bytes']} B",
        "encodingFormat": FORMS[form],
        "sha256": delivered["sha256"],
    }


FORMS: Mapping[str, str] = {
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
    "csv": "text/csv",
}
"""The forms a table is handed out in, each with its media type."""
BIASES = frozenset({
    "representation-gap-max", "disparate-impact-ratio", "demographic-parity-difference", "equalised-odds-difference",
    "group-calibration-gap-max", "reference-share-gap-max", "subgroup-tvd-excess-max",
})  # fmt: skip
CONTEXT: Json = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The context that readers of Croissant expect to find, member by member (Croissant 1.0, appendix)."""


def written(document: object) -> bytes:
    """A document as it stands in a bundle: sorted and indented, so that people can read and compare it."""
    return (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def manifest(asset: str, made_at: str, items: Mapping[str, bytes]) -> Json:
    """What a bundle holds: each item's digest, and what it is."""
    return {
        "asset": asset,
        "made_at": made_at,
        "items": [
            {"path": path, "sha256": hashlib.sha256(content).hexdigest(), "what": MEMBERS[path]}
            for path, content in sorted(items.items())
        ],
    }


def subjects_of(asset: str, dossier: Mapping[str, Any]) -> Sequence[str]:
    """Whose entries in the log are about the asset."""
    reviews = [dossier["charter_review"], *dossier["reviews"]]
    return [
        f"run:{asset}",
        f"asset:{asset}",
        f"permit:{dossier['permit']['id']}",
        f"charter:{dossier['charter']['id']}",
        *(f"review:{review['id']}" for review in reviews if review is not None),
    ]
