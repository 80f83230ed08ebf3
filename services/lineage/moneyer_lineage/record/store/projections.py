"""Words of new events joined with what is known of their runs, jobs, datasets and assets.

Rows are taken in one order of tables and of keys: two batches that tell of the same things never wait in a ring.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Table, bindparam, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_lineage.record.rules.pictures import chosen, chosen_of_run
from moneyer_lineage.record.rules.projection import Projection
from moneyer_lineage.record.rules.shapes import Json
from moneyer_lineage.record.rules.statements import Layer, Layers, Statement, join, join_layer, layers_of
from moneyer_lineage.record.tables.assets import outcomes
from moneyer_lineage.record.tables.events import dataset_versions, datasets, jobs, runs

TOGETHER = 1000
"""Rows a statement takes: a message to the server holds 32,767 values."""
Row = Json


class ProjectionStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def join(self, made: Projection) -> None:
        """Join what events say with what is known: the same in whatever order they come."""
        told = [_run_row(run, next(iter(layers)), layers) for run, layers in made.runs.items()]
        await self._join(runs, told, _both_of_run)
        await self._join(jobs, [_named_row(*key, layers) for key, layers in made.jobs.items()], _both)
        await self._join(datasets, [_named_row(*key, layers) for key, layers in made.datasets.items()], _both)
        versions = [
            _named_row(space, name, layers) | {"version": version, "run_id": run}
            for (version, space, name, run), layers in made.versions.items()
        ]
        await self._join(dataset_versions, versions, _both)
        planned = [_outcome_row(asset, layer) for asset, layer in made.outcomes.items()]
        await self._join(outcomes, planned, _both_of_outcome)

    async def _join(self, table: Table, rows: Sequence[Row], both: Callable[[Row, Row], Row]) -> None:
        keys = [column.name for column in table.primary_key]
        fresh = {tuple(row[key] for key in keys): row for row in rows}
        ordered = sorted(fresh)
        for start in range(0, len(ordered), TOGETHER):
            some = ordered[start : start + TOGETHER]
            known = await self._take(table, keys, [fresh[key] for key in some])
            joined = [(row, both(row, fresh[tuple(row[key] for key in keys)])) for row in known]
            await self._put(table, keys, [new for old, new in joined if _ranks(new) != _ranks(old)])

    async def _take(self, table: Table, keys: Sequence[str], rows: Sequence[Row]) -> Sequence[Row]:
        """Put new rows in and lock those that are there; all of them as they are now."""
        added = upsert(table).values(list(rows))
        taken = added.on_conflict_do_update(index_elements=list(keys), set_={keys[0]: table.c[keys[0]]})
        return [dict(row) for row in (await self._connection.execute(taken.returning(table))).mappings()]

    async def _put(self, table: Table, keys: Sequence[str], rows: Sequence[Row]) -> None:
        if not rows:
            return
        which = [table.c[key] == bindparam(f"key_{key}") for key in keys]
        changed = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in rows[0] if name not in keys}
        given = [{(f"key_{name}" if name in keys else f"new_{name}"): row[name] for name in row} for row in rows]
        await self._connection.execute(update(table).where(*which).values(changed), given)


def _ranks(row: Row) -> Any:
    """Which words a row holds: of the same words it says the same."""
    if "ranks" in row:
        return row["ranks"]
    return {name: {key: list(word[:2]) for key, word in layer.items()} for name, layer in row["layers"].items()}


# --- runs, jobs, datasets --------------------------------------------------------------------


def _run_row(run_id: str, owner: str, layers: Layers) -> Row:
    found = chosen_of_run(layers, owner)
    namespace, name = found.layer["job"].value
    return {
        "run_id": run_id, "owner": owner, "vouched": found.vouched, "job_namespace": namespace, "job_name": name,
        "layers": layers, "created_at": found.first.at, "updated_at": found.last.at,
    }  # fmt: skip


def _named_row(namespace: str, name: str, layers: Layers) -> Row:
    found = chosen(namespace, layers)
    return {
        "namespace": namespace, "name": name, "layers": layers,
        "created_at": found.first.at, "updated_at": found.last.at,
    }  # fmt: skip


def _both_of_run(known: Row, fresh: Row) -> Row:
    return _run_row(known["run_id"], known["owner"], join(layers_of(known["layers"]), fresh["layers"]))


def _both(known: Row, fresh: Row) -> Row:
    layers = join(layers_of(known["layers"]), fresh["layers"])
    return fresh | _named_row(known["namespace"], known["name"], layers)


# --- assets ----------------------------------------------------------------------------------

_TOLD = [
    column.name for column in outcomes.columns if column.name not in {"asset_id", "ranks", "created_at", "updated_at"}
]


def _outcome_row(asset: str, layer: Layer) -> Row:
    told: Json = {name: layer[name].value if name in layer else None for name in _TOLD}
    ranks = {name: [word.rank, word.by] for name, word in layer.items()}
    times = {"created_at": layer["first"].at, "updated_at": layer["last"].at}
    return {"asset_id": asset, "ranks": ranks, **told, **times}


def _both_of_outcome(known: Row, fresh: Row) -> Row:
    layers = [
        {name: Statement(rank, by, row.get(name)) for name, (rank, by) in row["ranks"].items()}
        for row in (known, fresh)
    ]
    return _outcome_row(known["asset_id"], join_layer(*layers))
