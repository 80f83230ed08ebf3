"""The JSON Schemas of our facets."""

from typing import Annotated

from pydantic import Field

from moneyer_lineage.dependencies import Dependencies
from moneyer_lineage.record.rules.shapes import Json
from moneyer_shared.contracts.events import FACETS, schema_of
from moneyer_shared.errors import NotFound
from moneyer_shared.work import Workflow


async def get_facet_schema(flow: Workflow[Dependencies], name: Annotated[str, Field(max_length=100)]) -> Json:
    """The JSON Schema of a facet.

    Raises:
        NotFound: there is none of that name.
    """
    del flow
    if name not in FACETS:
        raise NotFound(f"There is no facet {name}; there are {', '.join(sorted(FACETS))}.")
    return schema_of(name)
