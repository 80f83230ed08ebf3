"""Released assets looked at again: with a new attacker, or with a table an attacker may hold."""

from uuid import UUID

from moneyer_evaluation.dependencies import Dependencies
from moneyer_evaluation.documents import ReassayRequest
from moneyer_evaluation.measures.catalogue import chosen
from moneyer_evaluation.store.assays import ReleaseAssay
from moneyer_evaluation.use_cases.assays import queue_assay
from moneyer_evaluation.work import Work
from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.evaluation import Reassays, Register
from moneyer_shared.errors import Invalid
from moneyer_shared.leaves import Word
from moneyer_shared.paging import PAGE
from moneyer_shared.work import Workflow


async def find_register(flow: Workflow[Dependencies], asked: ReassayRequest) -> Register | None:
    """The table that an attacker is taken to hold, if one is named; generation knows it.

    Raises:
        NotFound: there is no such register.
        Invalid: there is no such suite or measure, or the register is a source to learn from.
    """
    chosen(asked.suite)
    if asked.register_id is None:
        return None
    held = await flow.dependencies.generation.latest(asked.register_id)
    if not held.declaration.for_linkage:
        raise Invalid(
            "This source is one to learn from; declare a register with for_linkage.", code="source-not-a-register"
        )
    objects = [held.train_object, held.holdout_object]
    return Register(declaration=held.declaration, key_id=held.key_id, objects=objects)


async def reassay(work: Work, asked: ReassayRequest, *, register: Register | None) -> Reassays:
    """Queue re-assays of those assets, or of all that were released, a page of them at a time.

    An asset that is no longer out is found out when its keys are asked for, and its re-assay ends with that reason.

    Raises:
        NotFound: an asset was never assayed.
    """
    if asked.assets:
        found = [await work.assays.release_assay(asset) for asset in asked.assets]
    else:
        found = await work.assays.judged(asked.after)
    made = {one.asset_id: await _queue(work, one, asked.suite, register) for one in found}
    more = found[-1].id if not asked.assets and len(found) == PAGE else None
    return Reassays(suite=asked.suite, assays=made, after=more)


async def _queue(work: Work, known: ReleaseAssay, suite: str, register: Register | None) -> UUID:
    again = known.request.model_copy(update={"purpose": "re-assay", "suite": suite, "linkage": register})
    return (await queue_assay(work, again, Action.ASSAY_REPEAT, suite=Word(suite))).id
