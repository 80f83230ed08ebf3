"""What a caller may read of figures computed from real rows: raw, rounded, or none at all."""

from collections.abc import Sequence

from moneyer_evaluation.documents import KeptAssay, KeptLook
from moneyer_evaluation.measures.catalogue import flawless
from moneyer_evaluation.rules import can_tell
from moneyer_shared.contracts.evaluation import Assay, CriterionResult, Estimate, Look, PowerNote
from moneyer_shared.figures import Precision, criterion_at, rounded

ADVICE = "Assay more rows, or ask for less."


def assay_for(kept: KeptAssay, *, raw: bool) -> Assay:
    """An assay as it is read with the right to raw figures, or without."""
    precision = precision_of(kept.figures, raw=raw)
    criteria = kept.release.criteria if kept.release else []
    return Assay(
        id=kept.id,
        asset_id=kept.asset_id,
        purpose=kept.purpose,
        suite=kept.suite,
        state=kept.state,
        requested_at=kept.requested_at,
        finished_at=kept.finished_at,
        figures=precision,
        estimates=estimates_for(kept.estimates, precision),
        not_estimable=kept.not_estimable if precision != "withheld" else [],
        power_notes=power_notes(kept.estimates, criteria, precision),
        verdict=kept.release.verdict if kept.release else None,
        failure=kept.failure,
    )


def criteria_for(kept: KeptAssay, *, raw: bool) -> list[CriterionResult]:
    """What policy held an assay against, as it is read with the right to raw figures, or without."""
    criteria = kept.release.criteria if kept.release else []
    return _criteria(criteria, precision_of(kept.figures, raw=raw))


def look_for(kept: KeptLook, *, raw: bool) -> Look:
    """What a monitor saw, as it is read with the right to raw figures, or without."""
    precision: Precision = "raw" if raw else "rounded"
    return Look(
        id=kept.id,
        monitor_id=kept.monitor_id,
        number=kept.number,
        seen=kept.seen,
        figures=precision,
        estimates=estimates_for(kept.estimates, precision),
        breaches=_criteria(kept.breaches, precision),
        review_id=kept.finding.review_id if kept.finding else None,
        at=kept.at,
    )


def precision_of(kept: Precision | None, *, raw: bool) -> Precision:
    """How figures are told; where nothing is kept about it, to nobody without the right."""
    return "raw" if raw else "rounded" if kept == "rounded" else "withheld"


def estimates_for(estimates: Sequence[Estimate], precision: Precision) -> list[Estimate]:
    """Estimates as they are told. Rounded ones carry no histograms, curves and groups, which are counts; those that
    nothing supports are left out.
    """
    if precision == "raw":
        return list(estimates)
    told = (_rounded(one) for one in (estimates if precision == "rounded" else ()))
    return [one for one in told if one is not None]


def _rounded(one: Estimate) -> Estimate | None:
    figure = rounded(one.value, one.lower, one.upper, one.n)
    if figure is None:
        return None
    ends = {"value": figure.value, "lower": figure.lower, "upper": figure.upper}
    return one.model_copy(update={**ends, "n": figure.n, "details": {}})


def _criteria(criteria: Sequence[CriterionResult], precision: Precision) -> list[CriterionResult]:
    """What the charter asked, and whether it was met."""
    return [CriterionResult.model_validate(criterion_at(one.model_dump(mode="json"), precision)) for one in criteria]


def power_notes(
    estimates: Sequence[Estimate], criteria: Sequence[CriterionResult], precision: Precision
) -> list[PowerNote]:
    """Which criteria no table of this size could meet: intervals narrow with the root of the rows."""
    if precision == "withheld":
        return []
    known = {one.metric: one for one in estimates}
    notes: list[PowerNote] = []
    for criterion in criteria:
        found = known.get(criterion.metric)
        if found is None or limit_of(criterion) is None:
            continue
        value, lower, upper = float(found.value), float(found.lower), float(found.upper)
        at_most, at_least = _number(criterion.at_most), _number(criterion.at_least)
        best = flawless(criterion.metric)
        if best is None or can_tell(best, value, lower, upper, at_most=at_most, at_least=at_least):
            continue
        distance = upper - value if at_most is not None else value - lower
        why = f": with n = {found.n} the bound lies {distance:.4f} from the estimate." if precision == "raw" else "."
        notes.append(PowerNote(metric=criterion.metric, note=f"Even a flawless table would miss this{why} {ADVICE}"))
    return notes


def limit_of(criterion: CriterionResult) -> float | None:
    """The number that a criterion's bound is held against."""
    return _number(criterion.at_most or criterion.at_least)


def _number(text: str | None) -> float | None:
    return float(text) if text is not None else None
