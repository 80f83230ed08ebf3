"""The library of past configurations and what became of them."""

from moneyer_lineage.dependencies import Work
from moneyer_lineage.record.documents.library import Group, Outcome, OutcomeSearch, OutcomeSummary
from moneyer_lineage.record.rules.changes import standing
from moneyer_lineage.record.store.changes import ChangeStore
from moneyer_lineage.record.store.library import OutcomeStore
from moneyer_shared.errors import Invalid


async def search_outcomes(work: Work, sought: OutcomeSearch) -> list[Outcome]:
    """Past configurations and what became of them, the latest first.

    Raises:
        Invalid: a bound is given without the metric it is about.
    """
    if sought.metric is None and (sought.at_most is not None or sought.at_least is not None):
        raise Invalid("Say which metric at_most or at_least is about.", code="bound-of-nothing")
    bounds = [(sought.metric, sought.at_most, sought.at_least)] if sought.metric is not None else []
    after = str(sought.after) if sought.after else None
    found = await OutcomeStore(work.connection).search(sought.columns(), bounds, after)
    changes = await ChangeStore(work.connection).changes([str(one.asset_id) for one in found], None)
    states = {asset: standing(its).state for asset, its in changes.items()}
    return [one.model_copy(update={"state": states.get(str(one.asset_id))}) for one in found]


async def summarise_outcomes(work: Work, sought: OutcomeSummary) -> list[Group]:
    """By generator: how often it worked, and one figure."""
    return await OutcomeStore(work.connection).summary(sought.columns(), sought.metric)
