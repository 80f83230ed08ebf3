"""The catalogue of engines, as it stands in the code: nothing is read for it."""

from uuid import UUID

from moneyer_generation.dependencies import Flow
from moneyer_generation.documents.generators import Generator, GeneratorCapacity, WithdrawnGenerator
from moneyer_generation.generators.catalogue import OFFERED, WITHDRAWN
from moneyer_generation.generators.protocol import Described
from moneyer_shared.contracts.domains import CategoricalDomain
from moneyer_shared.contracts.generation import Column, SourceDeclaration

EXAMPLE = SourceDeclaration(
    name="example",
    description="What a guarantee is stated for in general: one row a unit.",
    population_id=UUID(int=0),
    columns=[Column(name="column", domain=CategoricalDomain(kind="categorical", categories=["a"]))],
)


async def list_generators(_: Flow) -> list[Generator]:
    return [_described(engine) for engine in OFFERED.values()]


async def list_withdrawn_generators(_: Flow) -> list[WithdrawnGenerator]:
    return [WithdrawnGenerator(name=name, reason=reason) for name, reason in WITHDRAWN.items()]


def _described(engine: Described) -> Generator:
    guarantee = engine.guarantee(EXAMPLE, {name: spec.default for name, spec in engine.parameters.items()})
    return Generator(
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
        conditional=engine.needs not in {"sequence", "unmeasured"},
        capacity=GeneratorCapacity.model_validate(engine.capacity),
        parameters={
            "type": "object",
            "additionalProperties": False,
            "properties": {name: spec.schema() for name, spec in engine.parameters.items()},
        },
    )
