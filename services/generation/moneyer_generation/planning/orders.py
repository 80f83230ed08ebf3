"""Whether a table can be ordered as a plan says, rare rows left out and real ones among the rest: before it is paid."""

from collections.abc import Mapping
from uuid import UUID

from moneyer_generation.generators.blending import real_rows
from moneyer_generation.generators.dressing import plain_shape
from moneyer_generation.generators.protocol import Described, check_shapeable, unit_of
from moneyer_generation.generators.suppression import rules_of
from moneyer_generation.planning.satisfiability import Asked
from moneyer_generation.planning.shapes import check_shape
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.contracts.policy import Guarantee, Plan
from moneyer_shared.contracts.shape import Blend, Suppression
from moneyer_shared.errors import Invalid
from moneyer_shared.origins import PUBLIC_DOMAIN, in_short


def check_order(plan: Plan, engine: Described, declaration: SourceDeclaration, guarantee: Guarantee) -> None:
    """That shape, suppression and blend can be asked of this engine and source.

    Raises:
        Invalid: saying what cannot, and what to ask for instead.
    """
    if engine.needs == "unmeasured":
        _check_measurement(plan)
        return
    if plan.shape is not None or plan.suppression is not None or plan.blend is not None:
        check_shapeable(engine)
    if plan.shape is not None:
        check_shape(plan.shape, declaration, guarantee)
    if plan.suppression is not None:
        _check_suppression(plan, plan.suppression, declaration, guarantee)
    if plan.blend is not None:
        _check_blend(plan, plan.blend, declaration)


def _check_measurement(plan: Plan) -> None:
    """A measurement makes no table: nothing is asked of one, and its noise is never seeded."""
    asked = {name: getattr(plan, name) for name in ("seed", "shape", "suppression", "blend")}
    wrong = [name for name, value in asked.items() if value is not None]
    if wrong or plan.rows != 1:
        raise Invalid(
            f"A measurement makes no table: plan with rows 1 and without {', '.join(asked)}.", code="makes-no-table"
        )


def earned_when_blended(declaration: SourceDeclaration) -> Guarantee:
    """What a table with real rows in it earns, whatever engine made the others."""
    return Guarantee(
        level="none",
        unit=unit_of(declaration),
        statement="Real rows stand in the table as they are: whoever they belong to is not protected by any mechanism.",
        gaps=["The real rows can be read, and everything in them is true of somebody."],
    )


def read_from_rows(declaration: SourceDeclaration) -> list[str]:
    """The columns whose domain was read from the rows, and that a run learns over.

    While a domain is to be measured nothing but that is learned, and measuring looks at none that is known.
    """
    return [] if declaration.unmeasured else declaration.columns_from("data")


def earned_over(declaration: SourceDeclaration, guarantee: Guarantee) -> Guarantee:
    """What an engine's guarantee is worth over the source's domain: nothing is proven over one read from the rows."""
    read = read_from_rows(declaration)
    if guarantee.level != "proven" or not read:
        return guarantee
    gap = (
        f"Bounds or categories of {in_short(read)} were read from the real rows, so that one row may show in them. "
        f"{PUBLIC_DOMAIN}"
    )
    statement = f"Claimed, not proven: the domain is not public. The mechanism alone: {guarantee.statement}"
    return guarantee.model_copy(update={"level": "claimed", "statement": statement, "gaps": [gap, *guarantee.gaps]})


def after_measuring(guarantee: Guarantee, measured: Mapping[UUID, Guarantee]) -> Guarantee:
    """The same with what was charged before for the domain it is over: that is part of what a unit pays in all."""
    if guarantee.level == "none" or not measured:
        return guarantee
    runs = "; ".join(f"run {run_id} under ({one.epsilon}, {one.delta})" for run_id, one in measured.items())
    told = (
        f"{guarantee.statement} Its domain was measured before, differentially privately and charged to the same "
        f"population: {runs}. What a unit has paid in all is both, and stands in the population's statement."
    )
    return guarantee.model_copy(update={"statement": told})


def after_replacing(guarantee: Guarantee, declaration: SourceDeclaration) -> Guarantee:
    """The same, saying that values outside the domain were replaced by rules that were declared with it.

    Each rule is a function of one value alone, and none is of what owns a row: tables that differ in one unit's rows
    differ in those alone after it, so that what the mechanism earns over them it earns over the real ones (ADR 55).
    """
    replaced = sum(column.replaces for column in declaration.learned)
    if guarantee.level == "none" or not replaced:
        return guarantee
    told = (
        f"{guarantee.statement} Values outside the declared domain of {replaced} column(s) were replaced beforehand, "
        "each by itself, by rules declared with the domain: that is of no other row, and changes nothing of this."
    )
    return guarantee.model_copy(update={"statement": told})


def _check_suppression(
    plan: Plan, suppression: Suppression, declaration: SourceDeclaration, guarantee: Guarantee
) -> None:
    learned = {column.name for column in declaration.learned}
    roles = {column.role for column in declaration.columns}
    if (suppression.k or suppression.l) and "quasi-identifier" not in roles:
        raise Invalid("The source declares no quasi-identifier to count rows by.", code="suppression-needs-roles")
    if suppression.l and "sensitive" not in roles:
        raise Invalid("The source declares no sensitive column to ask variety of.", code="suppression-needs-roles")
    unknown = {name for entry in suppression.rare for name in entry.columns} - learned
    if unknown:
        raise Invalid(f"No engine learns a column {min(unknown)}.", code="column-unknown")
    if suppression.l is not None:
        _check_variety(plan, suppression.l, declaration)
    if suppression.of == "input":
        _check_of_input(plan, guarantee)
        return
    if plan.shape is not None and plan.shape.strata:
        raise Invalid(
            "Strata are met to the row and rare rows left out: both at once cannot be promised. Leave rows out of the "
            "input, or ask for conditions without shares.",
            code="suppression-with-strata",
        )
    least = max(rule.least_rows for rule in rules_of(suppression, declaration))
    if plan.rows < least:
        raise Invalid(f"A table of {plan.rows} rows holds no group of {least}.", code="suppression-impossible")


def _check_variety(plan: Plan, least: int, declaration: SourceDeclaration) -> None:
    """That every sensitive column may hold so many values at all, and under the conditions that rows are chosen by."""
    columns = declaration.plain.learned
    where = plain_shape(plan.shape, declaration).where if plan.shape is not None else ()
    row = Asked(columns, ()).row(where)
    for name in (column.name for column in columns if column.role == "sensitive"):
        values = row[name].listed(least)
        if values is not None and len(values) + row[name].missing < least:
            raise Invalid(
                f"{name} may hold {len(values) + row[name].missing} values, and every group is to hold {least}: ask "
                "for less variety.",
                code="suppression-impossible",
            )


def _check_of_input(plan: Plan, guarantee: Guarantee) -> None:
    if guarantee.level != "none":
        raise Invalid(
            "Which rows are rare depends on the source: leaving them out before a private mechanism is outside its "
            "guarantee. Leave rows out of the output instead, which costs nothing.",
            code="suppression-of-input",
        )
    if plan.model is not None:
        raise Invalid("A kept model has learned already; leave rows out of the output.", code="suppression-of-input")


def _check_blend(plan: Plan, blend: Blend, declaration: SourceDeclaration) -> None:
    if plan.model is not None:
        raise Invalid("A kept model is sampled without the source: no real rows can be had.", code="blend-of-model")
    if blend.provenance_column in {column.name for column in declaration.columns}:
        raise Invalid(f"The source has a column {blend.provenance_column}; name another.", code="column-taken")
    if real_rows(plan.rows, blend) >= plan.rows:
        raise Invalid("So few rows cannot be both real and synthetic; ask for more.", code="blend-impossible")
    if blend.shape is not None:
        check_shape(blend.shape, declaration, earned_when_blended(declaration))
        if plan.suppression is not None and plan.suppression.of == "output" and blend.shape.strata:
            raise Invalid("Rare real rows are left out, so their strata cannot be met.", code="suppression-with-strata")
