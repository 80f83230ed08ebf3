"""What the services told of an asset, and what lineage composes of it: events, record, assays, card, provenance."""

from collections.abc import Callable

from moneyer.audit import NotProven
from moneyer.evidence.bundle import Bundle, Json
from moneyer.evidence.documents import read_strictly, same
from moneyer.evidence.entries import moment
from moneyer_shared.canonical import digest
from moneyer_shared.contracts.actions import Action
from moneyer_shared.dsse import STATEMENT
from moneyer_shared.provenance import croissant, prov, statement
from moneyer_shared.records import DELIVERY, FACETS, compose_record


def events(bundle: Bundle) -> None:
    """Each event was told with an entry of the log, and none that was told is left out."""
    shown = bundle.read("events.json")
    told = {one for entry in bundle.entries for one in entry.details.get("told", [])}
    digests = [digest(event) for event in shown]
    for number, event in enumerate(shown):
        run, parent = (
            event["run"]["runId"],
            event["run"].get("facets", {}).get("parent", {}).get("run", {}).get("runId"),
        )
        if bundle.asset not in {run, parent}:
            raise NotProven("it holds an event of another run")
        if digests[number] in told:
            bundle.prove(("events.json", number))
    if told - set(digests) or len(set(digests)) != len(digests):
        raise NotProven("the log speaks of an event that is not shown, or one is shown twice")
    if [moment(event["eventTime"]) for event in shown] != sorted(moment(event["eventTime"]) for event in shown):
        raise NotProven("the events are not in the order of their times")


def record(bundle: Bundle) -> None:
    """The record is what the events say, and no more."""
    shown, told = bundle.read("record.json"), bundle.read("events.json")
    charge = shown.get("charge", {})
    about = {f"run:{bundle.asset}", f"asset:{bundle.asset}", f"permit:{bundle.permit}"}
    entries = [entry.index for entry in bundle.entries if entry.subject in about]
    if not same(shown, compose_record(bundle.asset, told) | {"log_entries": entries}):
        raise NotProven("it is not what the events and proofs say")
    proven = [bundle.is_part_proven(("events.json", number)) for number in range(len(told))]
    bundle.prove(("record.json", "asset"), ("record.json", "log_entries"))
    bundle.prove(*(("record.json", "history", number) for number, holds in enumerate(proven) if holds))
    for facet, part in FACETS.items():
        said = [number for number, event in enumerate(told) if facet in event["run"].get("facets", {})]
        if said and proven[said[-1]]:
            bundle.prove(("record.json", part))
    delivered = [number for number, event in enumerate(told) if DELIVERY in event["run"].get("facets", {})]
    bundle.prove(*(("record.json", "deliveries", place) for place, number in enumerate(delivered) if proven[number]))
    if all(proven):
        bundle.prove(("record.json",))
    for entry in bundle.about(Action.PERMIT_REDEEM, f"permit:{bundle.permit}"):
        said_of = {"permit": bundle.permit} | {name: entry.details[name] for name in ("epsilon", "delta", "releases")}
        if charge and not same(charge, said_of):
            raise NotProven("its charge is not the one that was redeemed")


def assays(bundle: Bundle) -> None:
    """Each assay is, figure by figure, what was told when it was finished."""
    shown = bundle.read("assays.json")
    digests = {digest(one): number for number, one in enumerate(shown)}
    finished = bundle.about(Action.ASSAY_FINISH, f"asset:{bundle.asset}", service="evaluation")
    told = {entry.details["digest"] for entry in finished if "digest" in entry.details}
    if told - digests.keys():
        raise NotProven("the log speaks of an assay with other figures than are shown")
    bundle.prove(*(("assays.json", digests[one]) for one in told))
    released = bundle.read("release.json")
    if released is not None and released["assay_id"] not in {one["id"] for one in shown}:
        raise NotProven("the assay that the release cites is not here")


def provenance(bundle: Bundle) -> None:
    """The signed SLSA provenance says what the proven record and request say."""
    name = "provenance.dsse.json"
    told = read_strictly(name, bundle.opened(name, STATEMENT))
    if not any(same(told, one) for one in _composed(bundle, statement)):
        raise NotProven("it says another thing than the record and the request")
    if bundle.is_proven("record.json", "request.json"):
        bundle.prove((name,))


def _composed(bundle: Bundle, compose: Callable[..., Json]) -> list[Json]:
    """What lineage composes; of a table without digests of what is handed out, also as it was composed before."""
    shown = bundle.read("record.json")
    ways = [True] if "delivered" in shown else [True, False]
    return [compose(shown, bundle.dossier, labelled=labelled) for labelled in ways]


def derived(bundle: Bundle) -> None:
    """The same in others' words says the same."""
    alike = {"prov.json": _composed(bundle, prov)}
    alike["croissant.json"] = [croissant(bundle.read("record.json"), bundle.dossier)]
    for name, composed in alike.items():
        if not any(same(bundle.read(name), one) for one in composed):
            raise NotProven(f"{name} says another thing than the record, the charter and the decision")
        if bundle.is_proven("record.json", "request.json", "decision.json") and bundle.is_part_proven(
            ("charter.json", "document")
        ):
            bundle.prove((name,))


def card(bundle: Bundle) -> None:
    """The full card is one that was published, or composed beside the one that was."""
    shown = bundle.read("card.json")
    published = bundle.about(Action.CARD_PUBLISH, f"asset:{bundle.asset}", service="lineage")
    if published and digest(shown) in {published[-1].details.get(name) for name in ("digest", "full")}:
        bundle.prove(("card.json",))
