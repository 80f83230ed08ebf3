"""The graph, and records of assets."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from moneyer_lineage.record.documents.graph import NodeId
from moneyer_lineage.record.use_cases import graph, records
from moneyer_shared.contracts.documents import Moment
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1", tag="lineage")
READ = "lineage:read"
AS_OF = Annotated[Moment | None, Query(alias="asOf", description="As it was known by then.")]
NODE = Annotated[
    NodeId | None,
    Query(description="dataset:<namespace>:<name>, job:… or run:<id>; a colon in a name is written %3A."),
]
RUN = Annotated[UUID | None, Query(description="The graph as this run met it, instead of a node.")]

routes.add(
    "GET", "/graph", graph.get_graph, "What lies upstream or downstream of a node", scope=READ,
    given={"node": NODE, "run": RUN, "as_of": AS_OF},
)  # fmt: skip
routes.add("GET", "/records/{asset}", records.get_record, "How an asset came about", scope=READ)
