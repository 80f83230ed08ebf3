"""The measures there are, and the suites charters name."""

from fastapi import APIRouter

from moneyer_evaluation.api.words import READ, MeasureShown, SuiteShown
from moneyer_evaluation.measures import catalogue
from moneyer_shared.auth import Caller

router = APIRouter(prefix="/v1", tags=["measures"])


@router.get("/measures", operation_id="listMeasures", summary="Every measure and attacker, with its version")
async def measures(_: Caller = READ) -> list[MeasureShown]:
    return [
        MeasureShown(id=one.id, name=one.name, version=one.version, family=one.family, does=one.does, knows=one.knows)
        for one in catalogue.measures().values()
    ]


@router.get("/suites", operation_id="listSuites", summary="Named sets of measures")
async def suites(_: Caller = READ) -> list[SuiteShown]:
    return [SuiteShown(name=name, measures=list(ids)) for name, ids in catalogue.suites().items()]
