"""A charter: its published JSON Schema (2020-12), its value as the gate reads it, and how one becomes the other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from jsonschema import FormatChecker

from moneyer_policy.charters.rules.extra_rules import check_work, compile_plan_rule
from moneyer_policy.charters.rules.looks import DEFAULT_LOOKS
from moneyer_policy.charters.rules.terms import (
    AMOUNT,
    BOUND,
    CRITERION,
    RANGES,
    Configuration,
    Criterion,
    ExtraRule,
    Trigger,
    read_configuration,
    read_criteria,
    read_criterion,
)
from moneyer_policy.reviews.rules.quorum import Quorum, counted, read_quorum
from moneyer_policy.reviews.rules.schema import (
    FUNCTIONS,
    NAME,
    QUORUM_SCHEMA,
    Schema,
    StrictValidator,
    list_of,
    object_of,
    schema_faults,
)
from moneyer_shared.clock import in_calendar
from moneyer_shared.errors import Invalid

MOST_RULES = 50
GUARANTEES = ("none", "claimed", "proven")

_TEXT = {"type": "string", "minLength": 1, "maxLength": 4000, "pattern": "^[^\\u0000]*$"}
_SHARE = {"type": "string", "pattern": "^0\\.[0-9]{1,9}$"}
_MOMENT = {
    "type": "string",
    "format": "date-time",
    "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$",
}
REVIEWABLE = ("plan", "release", "blended-release", "grant", "retirement", "exception", "finding", "withdrawal")

CHARTER_SCHEMA: Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://moneyer.dev/schemas/charter/1-0-0.json",
    "title": "Charter",
    "description": "The written purpose that every generation request is held against.",
    **object_of(
        {
            "title": _TEXT,
            "purpose": _TEXT,
            "owner": _TEXT,
            "use_cases": list_of(
                object_of({"name": NAME, "description": _TEXT}, {"acceptance": list_of(CRITERION)}), at_least=1
            ),
            "prohibited_uses": list_of(NAME),
            "audiences": list_of(NAME, at_least=1),
            "sources": list_of({"type": "string", "format": "uuid", "pattern": "^[0-9a-f-]{36}$"}, at_least=1),
            "minimum_guarantee": {"enum": list(GUARANTEES)},
            "configurations": list_of(
                {
                    "type": "object",
                    "if": {"required": ["library"]},
                    "then": object_of({"library": NAME}),
                    "else": object_of({"generator": NAME, "parameters": RANGES}),
                },
                at_least=1,
            ),
            "maximum_rows": {"type": "integer", "minimum": 1, "maximum": 10_000_000},
            "acceptance": list_of(CRITERION, at_least=1),
            "quorum": {
                "type": "object",
                "additionalProperties": False,
                "minProperties": 1,
                "properties": {name: {"type": "integer", "minimum": 1, "maximum": 50} for name in FUNCTIONS},
            },
            "revalidate_by": _MOMENT,
            "expires_at": _MOMENT,
            "retention_days": {"type": "integer", "minimum": 1, "maximum": 36_500},
        },
        {
            "benefits": list_of(_TEXT),
            "trade_offs": list_of(_TEXT),
            "performance_goals": list_of(_TEXT),
            "risk_assessment": _TEXT,
            "legal_basis": _TEXT,
            "stakeholders": list_of(object_of({"name": _TEXT, "interest": _TEXT})),
            "error_margins": list_of(object_of({"metric": NAME, "margin": AMOUNT})),
            "review_triggers": list_of(
                object_of(
                    {"metric": NAME, "action": {"enum": ["review", "reject", "suspend"]}},
                    {"at_most": AMOUNT, "at_least": AMOUNT},
                )
                | BOUND
            ),
            "escalation": list_of(
                object_of({"after_hours": {"type": "integer", "minimum": 1, "maximum": 8760}, "to": _TEXT})
            ),
            "blending": object_of({"maximum_share": _SHARE}),
            "maximum_priority": {"enum": ["low", "normal", "high"]},
            "in_force_from": _MOMENT,
            "revalidation_days": {"type": "integer", "minimum": 1, "maximum": 3650},
            "suite": NAME,
            "looks": {"type": "integer", "minimum": 1, "maximum": 1_000_000},
            "disclosure": {"enum": ["none", "summary", "full"]},
            "required_training": list_of(NAME),
            "assessment_template": NAME,
            "extra_rules": list_of(
                object_of({"name": NAME, "expression": {"type": "string", "maxLength": 2000}, "remedy": _TEXT}),
                # Each is asked of every plan while whoever stops something waits.
                at_most=MOST_RULES,
            ),
            "reviews": {
                "type": "object",
                "additionalProperties": False,
                "properties": dict.fromkeys(REVIEWABLE, QUORUM_SCHEMA),
            },
        },
    ),
}

_validator = StrictValidator(CHARTER_SCHEMA, format_checker=FormatChecker())


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
        configurations=tuple(read_configuration(entry) for entry in document["configurations"]),
        maximum_rows=document["maximum_rows"],
        acceptance=read_criteria(document["acceptance"]),
        quorum=dict(document["quorum"]),
        revalidate_by=datetime.fromisoformat(document["revalidate_by"]),
        expires_at=datetime.fromisoformat(document["expires_at"]),
        use_case_acceptance={case["name"]: read_criteria(case.get("acceptance", [])) for case in document["use_cases"]},
        triggers=tuple(
            Trigger(read_criterion(entry), entry["action"]) for entry in document.get("review_triggers", [])
        ),
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
