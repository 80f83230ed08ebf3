"""A charter as the gate reads it, and how its versions come into force."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from jsonschema import Draft202012Validator, FormatChecker

from mintmark_policy.domain.charter_schema import CHARTER_SCHEMA
from mintmark_shared.errors import Conflict, Forbidden, Invalid

State = Literal["draft", "submitted", "in_force", "rejected", "superseded", "expired"]
Verdict = Literal["approve", "reject"]

_validator = Draft202012Validator(CHARTER_SCHEMA, format_checker=FormatChecker())


@dataclass(frozen=True)
class ParameterRange:
    """What a charter allows one parameter to be."""

    minimum: Decimal | None = None
    maximum: Decimal | None = None
    one_of: tuple[str | int | bool, ...] = ()

    def allows(self, value: str | int | bool) -> bool:
        if self.one_of:
            return any(value == choice and type(value) is type(choice) for choice in self.one_of)
        if isinstance(value, bool) or self.minimum is None or self.maximum is None:
            return False
        try:
            number = Decimal(value)
        except ArithmeticError:
            return False
        return number.is_finite() and self.minimum <= number <= self.maximum

    def __str__(self) -> str:
        if self.one_of:
            return "one of " + ", ".join(map(str, self.one_of))
        return f"from {self.minimum} to {self.maximum}"


@dataclass(frozen=True)
class Configuration:
    """An approved generator set-up."""

    generator: str
    parameters: Mapping[str, ParameterRange]


@dataclass(frozen=True)
class Criterion:
    """A demand on an assay's figure, held against its confidence bound."""

    metric: str
    at_most: Decimal | None = None
    at_least: Decimal | None = None


@dataclass(frozen=True)
class Charter:
    """One immutable version of a charter."""

    digest: str
    owner: str
    use_cases: frozenset[str]
    prohibited_uses: frozenset[str]
    audiences: frozenset[str]
    sources: frozenset[str]
    minimum_guarantee: str
    configurations: tuple[Configuration, ...]
    maximum_rows: int
    acceptance: tuple[Criterion, ...]
    quorum: Mapping[str, int]
    revalidate_by: datetime
    expires_at: datetime


def check_document(document: Any) -> None:
    """Hold a charter document against the published schema.

    Raises:
        Invalid: with one reason per fault, each naming its place.
    """
    faults = sorted(_validator.iter_errors(document), key=lambda fault: list(map(str, fault.path)))
    if faults:
        reasons = [
            {"code": str(fault.validator), "where": "/".join(map(str, fault.path)), "message": fault.message}
            for fault in faults
        ]
        raise Invalid("The charter does not fit its schema.", code="charter-invalid", reasons=reasons)
    _check_dates(document)


def _check_dates(document: Mapping[str, Any]) -> None:
    try:
        revalidate_by = datetime.fromisoformat(document["revalidate_by"])
        expires_at = datetime.fromisoformat(document["expires_at"])
    except ValueError as error:
        raise Invalid("A date in the charter does not exist in the calendar.", code="charter-invalid") from error
    if revalidate_by > expires_at:
        raise Invalid("revalidate_by must not lie after expires_at.", code="charter-invalid")


def read_charter(document: Mapping[str, Any], digest: str) -> Charter:
    """The charter a checked document states."""
    return Charter(
        digest=digest,
        owner=document["owner"],
        use_cases=frozenset(case["name"] for case in document["use_cases"]),
        prohibited_uses=frozenset(document["prohibited_uses"]),
        audiences=frozenset(document["audiences"]),
        sources=frozenset(document["sources"]),
        minimum_guarantee=document["minimum_guarantee"],
        configurations=tuple(_configuration(entry) for entry in document["configurations"]),
        maximum_rows=document["maximum_rows"],
        acceptance=tuple(_criterion(entry) for entry in document["acceptance"]),
        quorum=dict(document["quorum"]),
        revalidate_by=datetime.fromisoformat(document["revalidate_by"]),
        expires_at=datetime.fromisoformat(document["expires_at"]),
    )


def _configuration(entry: Mapping[str, Any]) -> Configuration:
    ranges = {
        name: ParameterRange(one_of=tuple(allowed["one_of"]))
        if "one_of" in allowed
        else ParameterRange(Decimal(allowed["minimum"]), Decimal(allowed["maximum"]))
        for name, allowed in entry["parameters"].items()
    }
    return Configuration(entry["generator"], ranges)


def _criterion(entry: Mapping[str, Any]) -> Criterion:
    return Criterion(
        entry["metric"],
        Decimal(entry["at_most"]) if "at_most" in entry else None,
        Decimal(entry["at_least"]) if "at_least" in entry else None,
    )


def state_now(stored: State, expires_at: datetime, now: datetime) -> State:
    """A version in force expires by the clock alone."""
    return "expired" if stored == "in_force" and now >= expires_at else stored


@dataclass(frozen=True)
class Vote:
    """One member's verdict on exactly one digest."""

    voter: str
    function: str
    verdict: Verdict
    digest: str


@dataclass(frozen=True)
class Ballot:
    """A version up for votes: who made it and who handed it in."""

    charter: Charter
    state: State
    author: str
    submitter: str | None


def check_vote(ballot: Ballot, vote: Vote, functions_held: frozenset[str], votes: Iterable[Vote]) -> None:
    """Whether this vote may be cast.

    Raises:
        Conflict: the version is not up for votes, its digest is another, or the member voted before.
        Forbidden: the voter's own matter (I9), or a function the voter does not hold.
    """
    if ballot.state != "submitted":
        raise Conflict("Only a submitted charter can be voted on.", code="not-submitted")
    if vote.digest != ballot.charter.digest:
        raise Conflict("The charter changed since it was read; vote on its present digest.", code="digest-changed")
    if vote.voter in {ballot.author, ballot.submitter, ballot.charter.owner}:
        raise Forbidden("Nobody votes on their own charter or submission.", code="own-matter")
    if vote.function not in functions_held:
        raise Forbidden(f"You do not hold the function {vote.function}.", code="function-not-held")
    if any(cast.voter == vote.voter for cast in votes):
        raise Conflict("You have voted on this version.", code="already-voted")


def standing(charter: Charter, votes: Sequence[Vote]) -> State:
    """What the votes so far make of a submitted version: one rejection sends it back to its author."""
    valid = [vote for vote in votes if vote.digest == charter.digest]
    if any(vote.verdict == "reject" for vote in valid):
        return "rejected"
    approvals = {(vote.voter, vote.function) for vote in valid}
    reached = all(
        sum(function == needed for _, function in approvals) >= count for needed, count in charter.quorum.items()
    )
    return "in_force" if charter.quorum and reached else "submitted"
