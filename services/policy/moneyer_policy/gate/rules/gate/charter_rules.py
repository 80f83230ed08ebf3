"""What the charter itself must allow: who asks, from what, for what and how much."""

from moneyer_policy.charters.rules.charter import Charter
from moneyer_policy.gate.rules.facts import Clause, Facts
from moneyer_policy.gate.rules.gate import remedies
from moneyer_policy.gate.rules.gate.rule import of_charter, unwaivable, waivable
from moneyer_policy.library.rules.assessment import latest_of_each

PRIORITIES = ("low", "normal", "high")
STANDING = "whether a charter stands is decided by its committee and by time, not by who needs it"


@unwaivable("charter.in-force", STANDING)
def charter_is_in_force(facts: Facts) -> Clause | None:
    if facts.charter is not None and facts.charter_state == "in_force":
        return None
    return Clause(
        "charter.in-force",
        "a charter in force",
        f"charter {facts.plan.charter_id} is {facts.charter_state}",
        "name a charter in force, or bring this one to a vote",
    )


@unwaivable("charter.revalidated", STANDING, of_text=True)
@of_charter
def charter_is_revalidated(facts: Facts, charter: Charter) -> Clause | None:
    due = charter.revalidation_due(facts.in_force_at)
    if facts.now < due:
        return None
    return Clause(
        "charter.revalidated",
        f"revalidation before {due.isoformat()}",
        f"it is {facts.now.isoformat()}",
        "submit a new version of the charter for a vote",
    )


@unwaivable("charter.approval", STANDING)
def approval_still_holds(facts: Facts) -> Clause | None:
    """Votes grow old: a charter in force needs its quorum at this very moment."""
    if facts.approved_until is None or facts.now < facts.approved_until:
        return None
    return Clause(
        "charter.approval",
        "votes that still count",
        f"the quorum lapsed on {facts.approved_until.isoformat()}",
        "submit a new version of the charter for a vote",
    )


@waivable("use-case.listed", of_text=True, remedy=remedies.another_use_case)
@of_charter
def use_case_is_listed(facts: Facts, charter: Charter) -> Clause | None:
    return _listed("use-case", facts.plan.use_case, charter.use_cases)


@unwaivable(
    "use-case.prohibited",
    "a prohibition changes only by a voted version of the charter",
    of_text=True,
    remedy=remedies.another_use_case,
)
@of_charter
def use_case_is_not_prohibited(facts: Facts, charter: Charter) -> Clause | None:
    if facts.plan.use_case not in charter.prohibited_uses:
        return None
    return Clause(
        "use-case.prohibited",
        "a use the charter does not prohibit",
        f"{facts.plan.use_case} is prohibited",
        "choose a permitted use case; prohibitions change only by a voted version",
    )


@waivable("audience.listed", of_text=True, remedy=remedies.another_audience)
@of_charter
def audience_is_allowed(facts: Facts, charter: Charter) -> Clause | None:
    return _listed("audience", facts.plan.audience, charter.audiences)


@unwaivable(
    "source.listed",
    "which people's data is learned from changes only by a voted version of the charter",
    of_text=True,
    remedy=remedies.another_source,
)
@of_charter
def source_is_listed(facts: Facts, charter: Charter) -> Clause | None:
    return _listed("source", facts.plan.source_id, charter.sources)


def _listed(what: str, asked: str, allowed: frozenset[str]) -> Clause | None:
    if asked in allowed:
        return None
    return Clause(
        f"{what}.listed",
        "one of " + ", ".join(sorted(allowed)),
        asked,
        f"choose a listed {what}, or have the charter list it",
    )


@waivable("rows.allowed", of_text=True, remedy=remedies.fewer_rows)
@of_charter
def rows_are_allowed(facts: Facts, charter: Charter) -> Clause | None:
    if facts.plan.rows <= charter.maximum_rows:
        return None
    return Clause(
        "rows.allowed",
        f"at most {charter.maximum_rows} rows",
        f"{facts.plan.rows} rows",
        "ask for fewer rows",
    )


@unwaivable(
    "blend.allowed",
    "real rows leave only as far as a voted version of the charter says",
    of_text=True,
    remedy=remedies.fewer_real_rows,
)
@of_charter
def blend_is_allowed(facts: Facts, charter: Charter) -> Clause | None:
    """Real rows among synthetic ones: only where the charter says so, and never under a guarantee."""
    share, most = facts.plan.blend_share, charter.blending
    if share is None or (most is not None and share <= most and facts.offered_guarantee == "none"):
        return None
    allowed = "no real rows" if most is None else f"at most {most} of the table real rows, under no guarantee"
    return Clause(
        "blend.allowed",
        allowed,
        f"{share} of the table real rows, labelled {facts.offered_guarantee}",
        "ask for synthetic rows alone, or have the charter allow real ones",
    )


@waivable("priority.allowed", of_text=True, remedy=remedies.lower_priority)
@of_charter
def priority_is_allowed(facts: Facts, charter: Charter) -> Clause | None:
    if PRIORITIES.index(facts.plan.priority) <= PRIORITIES.index(charter.maximum_priority):
        return None
    return Clause(
        "priority.allowed",
        f"priority {charter.maximum_priority} at most",
        f"priority {facts.plan.priority}",
        "ask with a lower priority, or have the charter allow a higher one",
    )


@unwaivable(
    "charter.extra-rules", "a charter's own rule may be a prohibition; it changes only by a voted version", of_text=True
)
@of_charter
def extra_rules_hold(facts: Facts, charter: Charter) -> Clause | None:
    """The charter's own rules in CEL; anything but true is a deny."""
    values = facts.values() if charter.extra_rules else {}
    faults = [(rule, why) for rule in charter.extra_rules for held, why in [rule.holds(values)] if not held]
    if not faults:
        return None
    return Clause(
        "charter.extra-rules",
        "; ".join(f"{rule.name}: {rule.holds.source}" for rule, _ in faults),
        "; ".join(f"{rule.name}: {why}" for rule, why in faults),
        "; ".join(rule.remedy for rule, _ in faults),
    )


@waivable("training.attested", of_text=True)
@of_charter
def requester_is_trained(facts: Facts, charter: Charter) -> Clause | None:
    missing = charter.required_training - facts.trained_in
    if not missing:
        return None
    return Clause(
        "training.attested",
        "attested training in " + ", ".join(sorted(charter.required_training)),
        "none that is valid in " + ", ".join(sorted(missing)),
        "take the training and have it attested",
    )


@waivable("assessment.valid")
@of_charter
def assessment_is_valid(facts: Facts, charter: Charter) -> Clause | None:
    valid = any(
        entry.acceptable
        and facts.now < entry.valid_until
        and entry.assessor not in {charter.owner, facts.requester}
        and charter.assessment_template in {None, entry.template}
        for entry in latest_of_each(facts.assessments, charter.digest)
    )
    if valid:
        return None
    return Clause(
        "assessment.valid",
        "a valid, acceptable assessment of this charter version by somebody who neither owns it nor asks"
        + (f", by questionnaire {charter.assessment_template}" if charter.assessment_template else ""),
        "there is none",
        "have an independent person assess this version of the charter",
    )


@unwaivable("assessment.refused", "an assessor's no stands until they take it back or the text is another")
@of_charter
def no_assessor_refuses(facts: Facts, charter: Charter) -> Clause | None:
    """One assessor's latest word is enough; it does not expire, or waiting would be an answer to it."""
    words = latest_of_each(facts.assessments, charter.digest)
    refusing = sum(not entry.acceptable for entry in words)
    if not refusing:
        return None
    return Clause(
        "assessment.refused",
        "no assessor who found this charter version unacceptable",
        f"{refusing} of {len(words)} did last",
        "have the charter changed, or whoever refused it assess it again",
    )
