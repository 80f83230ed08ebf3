"""What is put up for votes, kind by kind: each fills what its page shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from moneyer_console.charts import share_chart
from moneyer_console.views.differences import Change, changes_between
from moneyer_console.views.facts import Fact, facts_of
from moneyer_console.views.figures import Figure, criteria_of
from moneyer_console.views.names import Names
from moneyer_console.views.words import figure, percent

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Budget:
    """What a plan costs and what is left; shares of the whole are drawn."""

    title: str
    of: str
    epsilon: str
    held: str
    chart: Markup
    in_words: str


@dataclass(frozen=True)
class Matter:
    """What is put up, in words first; each kind fills what it has."""

    facts: Sequence[Fact] = field(default_factory=list[Fact])
    before: str | None = None
    changes: Sequence[Change] = field(default_factory=list[Change])
    unchanged: Sequence[Change] = field(default_factory=list[Change])
    guarantee: Json | None = None
    cautions: Sequence[str] = field(default_factory=list[str])
    budgets: Sequence[Budget] = field(default_factory=list[Budget])
    criteria: Sequence[Figure] = field(default_factory=list[Figure])
    withheld: bool = False
    cost: str = ""
    links: Sequence[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    absent: Sequence[str] = field(default_factory=list[str])


def charter_matter(version: Json | None, in_force: Json | None, absent: Sequence[str]) -> Matter:
    """A version of a charter beside the one in force."""
    if version is None:
        return Matter(absent=absent)
    before = in_force if in_force is not None and in_force["version"] != version["version"] else None
    differences = changes_between(before["document"] if before else {}, version["document"])
    return Matter(
        before=f"version {before['version']}, in force" if before else None,
        changes=[one for one in differences if one.is_changed],
        unchanged=[one for one in differences if not one.is_changed],
        absent=absent,
    )


PLAN_FACTS = (
    "use_case", "audience", "generator", "configuration", "rows", "requested_guarantee", "parameters", "seed", "shape",
    "suppression", "blend", "priority", "model", "rationale",
)  # fmt: skip


def cost_of(forecast: Json | None) -> str:
    """What one such run takes of the budget, and how many more of them fit."""
    if forecast is None:
        return ""
    if forecast["runs"] is None:
        return "It costs nothing of the budget."
    takes = f"One such run costs ε {figure(forecast['epsilon_of_one'])} at the order the budget is held to"
    return f"{takes}; {forecast['runs']:,} of them fit into what is left."


def plan_matter(
    document: Json, population: Json | None, forecast: Json | None, names: Names, absent: Sequence[str]
) -> Matter:
    """A plan: what is asked and why, what it earns, what it costs, and what is left to pay it with."""
    plan, offer = document["plan"], document["offer"]
    asked = {"asked for by": document["requester"], "source": names.source(plan["source_id"])}
    asked |= {name: plan[name] for name in PLAN_FACTS if plan.get(name) not in (None, {}, "")}
    return Matter(
        facts=facts_of(asked),
        guarantee=offer["guarantee"],
        cautions=[
            *offer.get("cautions", []),
            *(f"Read from the rows: {name}" for name in offer.get("data_domains", [])),
        ],
        budgets=budgets_of(population, plan["charter_id"]) if population else [],
        cost=cost_of(forecast),
        links=[("The run that waits for this", f"/runs/{document['run_id']}")],
        absent=absent,
    )


def cautions_of(offer: Json) -> list[str]:
    """What the table will not keep, and over which columns nothing is proven."""
    from_rows = [f"The bounds of {name} were read from the rows: over them nothing is proven."
                 for name in offer.get("data_domains", [])]  # fmt: skip
    return [*offer.get("cautions", []), *from_rows]


def budgets_of(population: Json, charter_id: str) -> list[Budget]:
    """What is left of the charter's allocation, and of the whole population's budget."""
    own = [one for one in population["allocations"] if one["charter_id"] == charter_id]
    return [
        *(_budget(f"This charter's part of {population['name']}", one) for one in own),
        _budget(f"All of {population['name']}", population["budget"]),
    ]


def _budget(title: str, account: Json) -> Budget:
    share = float(account["share_held"])
    left = max(0.0, 1 - share)
    words = f"{percent(share)} spent or set aside, {percent(left)} left"
    return Budget(
        title=title,
        of=f"ε {account['epsilon']}, δ {account['delta']}",
        epsilon=account["epsilon"],
        held=account["epsilon_held"],
        chart=share_chart(title, [("spent or set aside", share)]),
        in_words=words,
    )


RELEASE_HIDDEN = {"criteria", "figures", "id", "round"}


def figures_matter(document: Json) -> Matter:
    """A release or a finding: what was found, against what the charter asks."""
    facts = {name: value for name, value in document.items() if name not in RELEASE_HIDDEN and value not in (None, [])}
    return Matter(
        facts=facts_of(facts),
        criteria=criteria_of(document.get("criteria", [])),
        withheld=document.get("figures") == "withheld",
        links=[("The table, all its figures, and how it came about", f"/assets/{document['asset_id']}")],
    )


def other_matter(document: Json) -> Matter:
    """Any other kind: what its document says, word by word."""
    return Matter(facts=facts_of(document))
