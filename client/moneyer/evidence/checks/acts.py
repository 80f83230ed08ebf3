"""What people and the gate did: charter, assessments, plan, decision, ledger, release, certificates."""

import base64
from typing import Any

from moneyer.audit import NotProven
from moneyer.evidence.bundle import Bundle
from moneyer.evidence.documents import Place, read_line, same
from moneyer.evidence.entries import Entry, moment
from moneyer_shared import leaves
from moneyer_shared.canonical import digest
from moneyer_shared.contracts.actions import Action


def request(bundle: Bundle) -> None:
    """Who asked, the plan, and what the engine offered, are what the gate was asked."""
    shown, entry = bundle.read("request.json"), _decided(bundle)
    if digest(shown["plan"]) != entry.details["plan_digest"]:
        raise NotProven("the plan is not the one that was decided on")
    bundle.prove(("request.json", "plan"))
    bundle.compare(entry, "request", shown, ("request.json",))
    salt = bundle.salt_of(entry)
    if salt is not None and leaves.person(salt, shown["requester"]) != entry.actor:
        raise NotProven("somebody else asked")


def decision(bundle: Bundle) -> None:
    """The gate's answer, clause by clause."""
    shown, entry = bundle.read("decision.json"), _decided(bundle)
    logged = {
        "verdict": entry.outcome,
        "id": entry.details["decision"],
        "plan_digest": entry.details["plan_digest"],
        "charter_digest": entry.details["charter_digest"],
        "run_id": bundle.asset,
    }
    for name, value in logged.items():
        if shown[name] != value:
            raise NotProven(f"its {name} is not the logged one")
        bundle.prove(("decision.json", name))
    bundle.compare(entry, "decision", shown, ("decision.json",))


def charter(bundle: Bundle) -> None:
    """The text that the decision was made under, as it came into force."""
    shown, entry = bundle.read("charter.json"), _decided(bundle)
    if digest(shown["document"]) != shown["digest"] or shown["digest"] != entry.details["charter_digest"]:
        raise NotProven("its text is not the one that the logged decision was made under")
    if shown["id"] != bundle.read("request.json")["plan"]["charter_id"]:
        raise NotProven("it is another charter than the plan names")
    bundle.prove(*(("charter.json", name) for name in ("document", "digest", "id")))
    for begun in bundle.about(Action.CHARTER_IN_FORCE, f"charter:{shown['id']}"):
        if begun.details["digest"] == shown["digest"]:
            _begun(bundle, shown, begun)


def _begun(bundle: Bundle, shown: dict[str, Any], begun: Entry) -> None:
    if not same(shown["version"], begun.details["version"]):
        raise NotProven("it is another version than the one that came into force")
    bundle.prove(("charter.json", "version"))
    since = begun.details.get("in_force_at")
    if since is not None and shown["in_force_at"] != since:
        raise NotProven("it came into force at another time")
    if since is not None:
        bundle.prove(("charter.json", "in_force_at"))


MOVED = {"account", "at", "cost", "delta", "kind", "mechanism", "releases", "renyi"}
CERTIFIED = {"envelope", "issued_at", "status"}
"""All that an item of these holds: what stands beside it would be held to nothing."""


def assessments(bundle: Bundle) -> None:
    """Every assessment of that text that the log knows, with its assessor, verdict and words."""
    charter_id, text = bundle.read("charter.json")["id"], bundle.read("charter.json")["digest"]
    told = bundle.about(Action.CHARTER_ASSESS, f"charter:{charter_id}")
    given = bundle.read("assessments.json")
    shown: dict[Place, Any] = {("assessments.json", number): one for number, one in enumerate(given)}
    bundle.match((entry for entry in told if entry.details["digest"] == text), "assessment", shown)


def ledger(bundle: Bundle) -> None:
    """What was set aside, spent and returned, in every account, as exact numbers."""
    shown = bundle.read("ledger.json")
    for action, subject, kind in (
        (Action.PLAN_DECIDE, f"run:{bundle.asset}", "reserve"),
        (Action.PERMIT_REDEEM, f"permit:{bundle.permit}", "spend"),
        (Action.PERMIT_RETURN, f"permit:{bundle.permit}", "return"),
    ):
        logged = [entry for entry in bundle.about(action, subject) if kind in entry.details.get("shown", {})]
        if logged:
            _moved(bundle, shown, kind, logged[-1])
    if bundle.about(Action.PERMIT_REDEEM, f"permit:{bundle.permit}") and not _of_kind(shown, "spend"):
        raise NotProven("the log speaks of a charge that is not shown")


def _moved(bundle: Bundle, shown: Any, kind: str, entry: Entry) -> None:
    moved = _of_kind(shown, kind)
    if not moved:
        raise NotProven(f"the log speaks of what was moved ({kind}) that is not shown")
    (_, first), *_ = moved
    if any(set(one) != MOVED for _, one in moved):
        raise NotProven("something stands beside a charge that no entry speaks of")
    told = {name: first[name] for name in sorted(MOVED - {"account", "cost", "renyi"})}
    for _, one in moved:
        if not same([one[name] for name in (*told, "renyi")], [first[name] for name in (*told, "renyi")]):
            raise NotProven("accounts of one permit moved differently")
        if digest(one["cost"]) != one["mechanism"]:
            raise NotProven("a charge's mechanism has another digest")
    exact = {"orders": shown["orders"], "scale": str(shown["scale"]), "renyi": [str(one) for one in first["renyi"]]}
    if not all(type(one) is int for one in (shown["scale"], first["releases"], *first["renyi"])):
        raise NotProven("what was moved is no exact number")
    accounts = sorted(one["account"] for _, one in moved)
    compared = [("ledger.json", "entries", number) for number, _ in moved]
    bundle.compare(
        entry,
        kind,
        told | exact | {"accounts": accounts},
        *compared,
        ("ledger.json", "orders"),
        ("ledger.json", "scale"),
    )


def _of_kind(shown: Any, kind: str) -> list[tuple[int, Any]]:
    return [(number, one) for number, one in enumerate(shown["entries"]) if one["kind"] == kind]


def release(bundle: Bundle) -> None:
    """The decision that let it out or kept it in, criterion by criterion."""
    shown, told = bundle.read("release.json"), bundle.about(Action.ASSET_DECIDE, f"asset:{bundle.asset}")
    if not told:
        return
    entry = told[-1]
    if shown is None or (shown["verdict"], shown["assay_id"]) != (entry.outcome, entry.details["assay"]):
        raise NotProven("the log speaks of another decision on the asset")
    if shown["charter_digest"] != bundle.read("charter.json")["digest"]:
        raise NotProven("it was decided under another charter")
    missed = [one["metric"] for one in shown["criteria"] if not one["met"]]
    if missed != entry.details["missed"] or (missed and shown["verdict"] == "released"):
        raise NotProven("other criteria were met")
    bundle.compare(entry, "release", shown, ("release.json",))


def certificates(bundle: Bundle) -> None:
    """Certificates of destruction, each with its digest in the log."""
    shown = {digest(one["envelope"]): number for number, one in enumerate(bundle.read("certificates.json"))}
    for entry in bundle.about(Action.CERTIFICATE_ISSUE, f"asset:{bundle.asset}"):
        number = shown.get(entry.details["certificate"])
        if number is None:
            raise NotProven("the log speaks of a certificate of destruction that is not shown")
        one = bundle.read("certificates.json")[number]
        if set(one) != CERTIFIED:
            raise NotProven("something stands beside a certificate that no entry speaks of")
        told = read_line(base64.b64decode(one["envelope"]["payload"], validate=True).decode())["predicate"]
        if (one["status"], moment(one["issued_at"]), told["asset"]) != (entry.outcome, entry.at, bundle.asset):
            raise NotProven("a certificate of destruction is another's, or says another thing")
        bundle.prove(("certificates.json", number))


def _decided(bundle: Bundle) -> Entry:
    """The last decision on the run.

    Raises:
        NotProven: the log proves none, so nothing here can be held to one.
    """
    found = bundle.about(Action.PLAN_DECIDE, f"run:{bundle.asset}")
    if not found:
        raise NotProven("the log proves no decision on this run")
    return found[-1]
