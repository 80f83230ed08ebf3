"""A released table's schema in others' words, for whoever may read the table."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

from moneyer_generation.dependencies import Flow
from moneyer_generation.describing.croissant import data_set
from moneyer_generation.describing.description import Description, Granted, Json, Terms
from moneyer_generation.describing.frictionless import data_package
from moneyer_generation.describing.odcs import data_contract
from moneyer_generation.documents.assets import AssetFile
from moneyer_generation.use_cases.assets import open_asset
from moneyer_generation.work import Work

Standard = Literal["odcs", "croissant", "frictionless"]
WRITERS: Mapping[Standard, Callable[[Description], Json]] = {
    "odcs": data_contract,
    "croissant": data_set,
    "frictionless": data_package,
}


async def describe_asset(flow: Flow, asset_id: UUID, standard: Standard = "frictionless") -> Json:
    """The table's columns as they are declared, its digests, and what its reader may use it for.

    It takes the permission that the table itself takes, and is logged as a reading of it.

    Raises:
        NotFound: no such asset, or not decided on yet.
        Forbidden: rejected, or the caller holds no valid grant.
        Gone: its key was destroyed.
    """
    opened = await open_asset(flow, asset_id)
    return WRITERS[standard](await description_of(flow, asset_id, opened.file, flow.by))


async def description_of(flow: Flow, asset_id: UUID, file: AssetFile, reader: str) -> Description:
    """A released table as it is described to somebody who may read it."""
    async with flow.begin(Work, read_only=True) as work:
        run = await work.runs.run(asset_id)
        declaration = (await work.sources.source(run.plan.source_id)).declaration
        now = work.now
    terms = await _terms(flow, asset_id, run.charter_id, reader, now)
    return Description.of(run, file, declaration, terms)


async def _terms(flow: Flow, asset_id: UUID, charter_id: UUID, reader: str, now: datetime) -> Terms:
    """The charter in force, and the reader's own grants that have not ended."""
    policy = flow.dependencies.policy
    charter, grants = await policy.charter_in_force(charter_id), await policy.grants_of(asset_id)
    own = [
        Granted(one["use_case"], datetime.fromisoformat(one["valid_until"]))
        for one in grants
        if one["subject"] == reader
    ]
    prohibited = set(charter["document"]["prohibited_uses"])
    return Terms(charter, [one for one in own if one.valid_until > now and one.use_case not in prohibited])
