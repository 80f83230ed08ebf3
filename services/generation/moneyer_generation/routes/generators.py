"""The catalogue."""

from uuid import UUID

from fastapi import APIRouter

from moneyer_generation.documents import GeneratorShown, WithdrawnShown
from moneyer_generation.generators.catalogue import CATALOGUE, WITHDRAWN
from moneyer_generation.generators.protocol import Engine
from moneyer_shared.auth import Caller, requires
from moneyer_shared.contracts.domains import CategoricalDomain
from moneyer_shared.contracts.generation import Column, SourceDeclaration

router = APIRouter(prefix="/v1/generators", tags=["generators"])

_EXAMPLE = SourceDeclaration(
    name="example",
    description="What a guarantee is stated for in general: one row a unit.",
    population_id=UUID(int=0),
    columns=[Column(name="column", domain=CategoricalDomain(kind="categorical", categories=["a"]))],
)


@router.get("", operation_id="listGenerators", summary="Every engine, what it earns and what it does not")
async def list_generators(_: Caller = requires("generation:read")) -> list[GeneratorShown]:
    return [_show(engine) for engine in CATALOGUE.values()]


@router.get("/withdrawn", operation_id="listWithdrawnGenerators", summary="Engines offered no more, and why")
async def list_withdrawn(_: Caller = requires("generation:read")) -> list[WithdrawnShown]:
    return [WithdrawnShown(name=name, reason=reason) for name, reason in WITHDRAWN.items()]


def _show(engine: Engine) -> GeneratorShown:
    defaults = {name: spec.default for name, spec in engine.parameters.items()}
    guarantee = engine.guarantee(_EXAMPLE, defaults)
    return GeneratorShown(
        name=engine.name,
        version=engine.version,
        description=engine.description,
        guarantee=guarantee.level,
        statement=guarantee.statement,
        unit=guarantee.unit,
        neighbouring=guarantee.neighbouring,
        gaps=guarantee.gaps,
        cost=engine.cost,
        needs=engine.needs,
        conditional=engine.needs != "sequence",
        parameters={
            "type": "object",
            "additionalProperties": False,
            "properties": {name: spec.schema() for name, spec in engine.parameters.items()},
        },
    )
