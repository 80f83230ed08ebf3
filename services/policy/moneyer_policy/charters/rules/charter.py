"""A charter as the gate reads it, and the states its versions go through."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from jsonschema import FormatChecker

from moneyer_policy.charters.rules.extra_rules import Expression, check_work, compile_plan_rule
from moneyer_policy.charters.rules.looks import DEFAULT_LOOKS
from moneyer_policy.charters.rules.schema import CHARTER_SCHEMA
from moneyer_policy.reviews.rules.quorum import Quorum, counted, read_quorum
from moneyer_policy.reviews.rules.schema import StrictValidator, schema_faults
from moneyer_shared.clock import in_calendar
from moneyer_shared.errors import Invalid
from moneyer_shared.numbers import canonical_number, is_number, read_decimal

State = Literal[
    "draft", "submitted", "rejected", "approved", "in_force", "suspended", "expired", "superseded", "retired"
]  # fmt: skip
"""``approved`` waits for its first day; the last five are read off the clock and off what happened since."""


_validator = StrictValidator(CHARTER_SCHEMA, format_checker=FormatChecker())


@dataclass(frozen=True)
class ParameterRange:
    """What a charter allows one parameter to be."""

    minimum: Decimal | None = None
    maximum: Decimal | None = None
    one_of: tuple[str | int | bool, ...] = ()

    def allows(self, value: str | int | bool) -> bool:
        if self.one_of:
            return any(_is_same(value, choice) for choice in self.one_of)
        if self.minimum is None or self.maximum is None:
            return False
        try:
            return self.minimum <= read_decimal(value) <= self.maximum
        except ValueError:
            return False

    def nearest(self, value: str | int | bool) -> str | int | bool | None:
        """The allowed value closest to one that is not."""
        if self.one_of:
            return self.one_of[0]
        if self.minimum is None or self.maximum is None or isinstance(value, bool):
            return None
        try:
            return f"{min(max(read_decimal(value), self.minimum), self.maximum):f}"
        except ValueError:
            return f"{self.minimum:f}"

    def __str__(self) -> str:
        if self.one_of:
            return "one of " + ", ".join(map(str, self.one_of))
        return f"from {self.minimum} to {self.maximum}"


def _is_same(value: str | int | bool, choice: str | int | bool) -> bool:
    """Equal and of one kind; numbers as text are compared as numbers, however many zeros they are written with."""
    if isinstance(value, str) and isinstance(choice, str) and is_number(value) and is_number(choice):
        return canonical_number(value) == canonical_number(choice)
    return value == choice and type(value) is type(choice)


@dataclass(frozen=True)
class Configuration:
    """An approved generator set-up: written out, or named as the library has it."""

    generator: str
    parameters: Mapping[str, ParameterRange]
    library: str | None = None


@dataclass(frozen=True)
class Criterion:
    """A demand on an assay's figure, held against its confidence bound."""

    metric: str
    at_most: Decimal | None = None
    at_least: Decimal | None = None


@dataclass(frozen=True)
class Trigger:
    """A bound on an assay's figure and what happens when it is not kept."""

    criterion: Criterion
    action: Literal["review", "reject", "suspend"]


@dataclass(frozen=True)
class ExtraRule:
    """A condition of this charter's own."""

    name: str
    holds: Expression
    remedy: str


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
    use_case_acceptance: Mapping[str, tuple[Criterion, ...]] = field(default_factory=dict[str, tuple[Criterion, ...]])
    triggers: tuple[Trigger, ...] = ()
    required_training: frozenset[str] = frozenset()
    assessment_template: str | None = None
    extra_rules: tuple[ExtraRule, ...] = ()
    reviews: Mapping[str, Quorum] = field(default_factory=dict[str, Quorum])
    in_force_from: datetime | None = None
    revalidation_days: int | None = None
    escalation: tuple[tuple[int, str], ...] = ()
    blending: Decimal | None = None
    """The largest share of a table that may be real rows; None for no table with any."""
    maximum_priority: str = "normal"
    suite: str | None = None
    """The suite of measures that assets are judged by; None for evaluation's standard one."""
    looks: int = DEFAULT_LOOKS
    """How many tables made from each source may be held against its real rows."""

    def criteria_for(self, use_case: str) -> tuple[Criterion, ...]:
        """What an asset must meet: the charter's criteria and the use case's own."""
        return (*self.acceptance, *self.use_case_acceptance.get(use_case, ()))

    def lets(self, use_case: str) -> bool:
        """Whether a use is listed and not prohibited."""
        return use_case in self.use_cases and use_case not in self.prohibited_uses

    def quorum_for(self, kind: str, subject: str = "") -> Quorum | None:
        """What this version asks of the committee on a matter; None where it says nothing."""
        if kind == "charter" or (kind == "resumption" and subject.startswith("charter:")):
            return counted(self.quorum)
        return self.reviews.get(kind)

    def revalidation_due(self, in_force_at: datetime | None) -> datetime:
        """The written date, or the end of the period since it came into force, whichever is sooner."""
        if in_force_at is None or self.revalidation_days is None:
            return self.revalidate_by
        return min(self.revalidate_by, in_force_at + timedelta(days=self.revalidation_days))


def check_document(document: Mapping[str, Any]) -> None:
    """Hold a charter document against the published schema, and compile its rules.

    Raises:
        Invalid: with a reason for each of the first faults, naming its place.
    """
    reasons = schema_faults(_validator, document)
    if reasons:
        raise Invalid("The charter does not fit its schema.", code="charter-invalid", reasons=reasons)
    _check_dates(document)
    for quorum in document.get("reviews", {}).values():
        read_quorum(quorum)
    _check_rules(document.get("extra_rules", []))


def _check_rules(rules: list[Mapping[str, Any]]) -> None:
    reasons: list[dict[str, str]] = []
    for number, rule in enumerate(rules):
        try:
            compile_plan_rule(rule["expression"])
            check_work(rule["expression"])
        except Invalid as fault:
            where = f"extra_rules/{number}/expression"
            reasons.append({"code": fault.problem_code, "where": where, "message": str(fault)})
    if reasons:
        raise Invalid("A rule of the charter does not compile.", code="charter-invalid", reasons=reasons)


def _check_dates(document: Mapping[str, Any]) -> None:
    revalidate_by, expires_at, begins = (
        _date(document, name) for name in ("revalidate_by", "expires_at", "in_force_from")
    )
    assert revalidate_by is not None
    assert expires_at is not None
    if revalidate_by > expires_at:
        raise Invalid("revalidate_by must not lie after expires_at.", code="charter-invalid")
    if begins is not None and begins >= expires_at:
        raise Invalid("in_force_from must lie before expires_at.", code="charter-invalid")


def _date(document: Mapping[str, Any], name: str) -> datetime | None:
    try:
        return in_calendar(datetime.fromisoformat(document[name])) if name in document else None
    except ValueError as error:
        # Python's own words on a day that no month has are of no use to who wrote the charter.
        why = str(error) if "years 100" in str(error) else "there is no such time in the calendar"
        reasons = [{"code": "time", "where": name, "message": why}]
        raise Invalid(f"{name} is no time to count with: {why}.", code="charter-invalid", reasons=reasons) from error


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
        acceptance=_criteria(document["acceptance"]),
        quorum=dict(document["quorum"]),
        revalidate_by=datetime.fromisoformat(document["revalidate_by"]),
        expires_at=datetime.fromisoformat(document["expires_at"]),
        use_case_acceptance={case["name"]: _criteria(case.get("acceptance", [])) for case in document["use_cases"]},
        triggers=tuple(Trigger(_criterion(entry), entry["action"]) for entry in document.get("review_triggers", [])),
        required_training=frozenset(document.get("required_training", [])),
        assessment_template=document.get("assessment_template"),
        extra_rules=tuple(
            ExtraRule(rule["name"], compile_plan_rule(rule["expression"]), rule["remedy"])
            for rule in document.get("extra_rules", [])
        ),
        reviews={kind: read_quorum(quorum) for kind, quorum in document.get("reviews", {}).items()},
        in_force_from=datetime.fromisoformat(document["in_force_from"]) if "in_force_from" in document else None,
        revalidation_days=document.get("revalidation_days"),
        blending=Decimal(document["blending"]["maximum_share"]) if "blending" in document else None,
        suite=document.get("suite"),
        looks=document.get("looks", DEFAULT_LOOKS),
        maximum_priority=document.get("maximum_priority", "normal"),
        escalation=tuple((step["after_hours"], step["to"]) for step in document.get("escalation", [])),
    )


def _configuration(entry: Mapping[str, Any]) -> Configuration:
    if "library" in entry:
        return Configuration("", {}, entry["library"])
    return Configuration(entry["generator"], read_ranges(entry["parameters"]))


def read_ranges(parameters: Mapping[str, Any]) -> dict[str, ParameterRange]:
    """Parameter ranges as a document states them."""
    return {
        name: ParameterRange(one_of=tuple(allowed["one_of"]))
        if "one_of" in allowed
        else ParameterRange(Decimal(allowed["minimum"]), Decimal(allowed["maximum"]))
        for name, allowed in parameters.items()
    }


def _criteria(entries: list[Mapping[str, Any]]) -> tuple[Criterion, ...]:
    return tuple(_criterion(entry) for entry in entries)


def _criterion(entry: Mapping[str, Any]) -> Criterion:
    return Criterion(
        entry["metric"],
        Decimal(entry["at_most"]) if "at_most" in entry else None,
        Decimal(entry["at_least"]) if "at_least" in entry else None,
    )


@dataclass(frozen=True)
class Standing:
    """What is recorded of a version that its state is read off."""

    stored: State
    in_force_at: datetime | None
    expires_at: datetime
    superseded_at: datetime | None = None
    suspended: bool = False
    retired_at: datetime | None = None


def state_at(version: Standing, moment: datetime) -> State:
    """A version's state at a moment: by its own dates, a successor's first day, a suspension, a retirement."""
    if version.in_force_at is None:
        return version.stored
    if version.retired_at is not None and moment >= version.retired_at:
        return "retired"
    if version.superseded_at is not None and moment >= version.superseded_at:
        return "superseded"
    if moment < version.in_force_at:
        return "approved"
    if moment >= version.expires_at:
        return "expired"
    return "suspended" if version.suspended else "in_force"


@dataclass(frozen=True)
class VersionRecord:
    """A version of a charter as it is kept, and what its state depends on, read at the moment ``seen_at``."""

    charter_id: UUID
    version: int
    revision: int
    document: dict[str, Any]
    digest: str
    stored: State
    author: str
    authors: list[str]
    submitter: str | None
    changed_at: datetime
    in_force_at: datetime | None
    approved_until: datetime | None
    retired_at: datetime | None
    superseded_at: datetime | None
    suspended: bool
    seen_at: datetime

    @property
    def id(self) -> UUID:
        """The charter's."""
        return self.charter_id

    @property
    def standing(self) -> Standing:
        return Standing(
            stored=self.stored,
            in_force_at=self.in_force_at,
            expires_at=datetime.fromisoformat(self.document["expires_at"]),
            superseded_at=self.superseded_at,
            suspended=self.suspended,
            retired_at=self.retired_at,
        )

    @property
    def state(self) -> State:
        """At the moment it was read."""
        return state_at(self.standing, self.seen_at)

    def read(self) -> Charter:
        """The charter that its document states."""
        return read_charter(self.document, self.digest)
