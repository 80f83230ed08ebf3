"""The measures there are, and the suites that charters name."""

from moneyer_evaluation.dependencies import Dependencies
from moneyer_evaluation.documents import Measure, Suite
from moneyer_evaluation.measures import catalogue
from moneyer_shared.work import Workflow


async def list_measures(_: Workflow[Dependencies]) -> list[Measure]:
    """Every measure and attacker; no transaction is needed to know them."""
    return [Measure.model_validate(one) for one in catalogue.measures().values()]


async def list_suites(_: Workflow[Dependencies]) -> list[Suite]:
    """Every suite, and the measures in it."""
    return [Suite(name=name, measures=list(ids)) for name, ids in catalogue.suites().items()]
