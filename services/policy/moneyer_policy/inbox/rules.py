"""What an entry of the inbox is called, why it is somebody's, and where it is found: in words, from what is kept."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from moneyer_policy.reviews.rules.review import Missing, Power, Review

ENDINGS: Mapping[str, str] = {
    "charter.revalidation": "must be revalidated",
    "charter.expiry": "expires",
    "assessment.expiry": "its assessment expires",
    "training.expiry": "the attestation of your training expires",
    "exception.expiry": "an exception ends",
    "glass.end": "the broken glass is closed",
}
"""Deadlines that are the end of something; other kinds stand in the inbox for themselves, or remind of these."""


@dataclass(frozen=True)
class Names:
    """What charters and populations are called; one that is not there is called by its id."""

    charters: Mapping[UUID, str]
    populations: Mapping[UUID, str]

    def charter(self, charter_id: UUID | None) -> str:
        return "no charter" if charter_id is None else f"“{self.charters.get(charter_id, str(charter_id))}”"

    def population(self, population_id: str) -> str:
        return self.populations.get(UUID(population_id), population_id)


def _subject(said: Mapping[str, Any], charter: str) -> str:
    if said["kind"] == "charter":
        return f"charter {charter}"
    return f"an asset under {charter}" if said["kind"] == "asset" else f"{said['kind']} {said['subject']}"


def _budget(said: Mapping[str, Any], charter: str, names: Names) -> str:
    whose = "" if said.get("charter_id") is None else f" for {charter}"
    return f"Budget of ε {said['epsilon']} of {names.population(said['population_id'])}{whose}"


Words = Callable[[Mapping[str, Any], str, Names], str]
_TITLES: Mapping[str, Words] = {
    "charter": lambda said, charter, _: f"Charter {charter}, version {said['version']}",
    "plan": lambda said, charter, _: f"Plan for {said['plan']['use_case']} under {charter}",
    "configuration": lambda said, _charter, _: f"Configuration {said['name']}",
    "grant": lambda said, charter, _: f"Grant to {said['subject']} for {said['use_case']} under {charter}",
    "release": lambda _, charter, __: f"Release of an asset under {charter}",
    "blended-release": lambda _, charter, __: f"Release of an asset with real rows under {charter}",
    "retirement": lambda said, charter, _: f"Retirement of {_subject(said, charter)}",
    "resumption": lambda said, charter, _: f"Resumption of {_subject(said, charter)}",
    "exception": lambda said, charter, _: f"Exception to {said['rule']} under {charter}",
    "break-glass": lambda said, charter, _: f"Glass broken for {said['requester']} under {charter}",
    "budget": _budget,
    "transfer": lambda said, _, names: f"Transfer of ε {said['epsilon']} of {names.population(said['population_id'])}",
    "model": lambda said, _charter, _: f"Model {said['model']}",
    "finding": lambda said, charter, _: f"Finding ({said['cause']}) about an asset under {charter}",
    "withdrawal": lambda _, charter, __: f"Withdrawal of an asset under {charter}",
    "incident": lambda said, _charter, _: f"Closing of the incident “{said['title']}”",
}


def title_of_review(kind: str, document: Mapping[str, Any], charter_id: UUID | None, names: Names) -> str:
    """What a review is about; of a kind that is not known here, its kind."""
    words = _TITLES.get(kind)
    return words(document, names.charter(charter_id), names) if words is not None else kind


def populations_in(documents: Iterable[Mapping[str, Any]]) -> frozenset[UUID]:
    """The populations that proposals speak of."""
    return frozenset(UUID(said["population_id"]) for said in documents if "population_id" in said)


def powers_left(review: Review, powers: Iterable[Power]) -> list[Power]:
    """The functions of somebody that still vote on a review: nobody's who is barred, or whose vote is cast."""
    cast = {person for vote in review.votes for person in (vote.voter, vote.principal)}
    return [power for power in powers if not {power.holder, power.principal} & (cast | review.barred)]


def why_to_vote(powers: Iterable[Power], missing: Missing, *, named: bool) -> str:
    """By which functions somebody may vote, and whether the stage still asks for one of them."""
    held = sorted(powers, key=lambda power: (power.function not in missing.counts, power.function))
    told = " and ".join(_power(power) for power in held)
    wanted = [power.function for power in held if power.function in missing.counts]
    if named:
        return f"{told}; the proposal names you, so you may only say no."
    if wanted:
        return f"{told}; {wanted[0]} is still missing."
    return f"{told}; {_further(missing)}."


def _power(power: Power) -> str:
    if power.principal == power.holder:
        return f"you hold {power.function}"
    return f"{power.principal} lent you {power.function}"


def _further(missing: Missing) -> str:
    if missing.approvals:
        return f"{missing.approvals} further approval{'s are' if missing.approvals > 1 else ' is'} missing"
    return "its votes are there, and conditions are still to be met"


def what_is_missing(missing: Missing) -> str:
    """For who asked: what their request waits for."""
    if not missing.approvals:
        return f"You asked for it; {missing.conditions} of its conditions are still to be met."
    functions = ", ".join(f"{name} {count}" for name, count in sorted(missing.counts.items()))
    return f"You asked for it; missing: {functions or f'{missing.approvals} of any function'}."
