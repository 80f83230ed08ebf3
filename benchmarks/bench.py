"""One engine on one table, through the child process that a worker uses, without the services around it."""

import os
import time
from base64 import b64encode
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import obstore
import pyarrow as pa

from moneyer_generation.execution.children import ChildFailed, Children, JobLimits
from moneyer_generation.generators.catalogue import engine_named
from moneyer_generation.generators.protocol import Parameters, complete
from moneyer_shared import custody
from moneyer_shared.contracts.generation import SourceDeclaration


@dataclass(frozen=True)
class Outcome:
    """A table, or why there is none; ``fitted`` says how far it came."""

    table: pa.Table | None
    because: str
    fitted: bool
    seconds: float


class Bench:
    """Seals a table as an upload does, and asks a child for another."""

    def __init__(self, folder: Path, *, seconds: float, mebibytes: int) -> None:
        self._url = folder.as_uri() + "/objects"
        self._store = custody.open_store(self._url)
        self._children = Children(JobLimits(seconds, mebibytes))

    async def make(
        self,
        generator: str,
        table: pa.Table,
        declaration: SourceDeclaration,
        rows: int,
        given: Parameters | None = None,
        shape: dict[str, Any] | None = None,
    ) -> Outcome:
        key, names = os.urandom(custody.KEY_BYTES), {part: f"{part}/{uuid4()}" for part in ("train", "model", "asset")}
        sealed = custody.seal_table(table.to_batches(), table.schema, key, names["train"])
        custody.put_new(self._store, names["train"], sealed)
        text = b64encode(key).decode()
        job = {
            "objects_url": self._url,
            "declaration": declaration.model_dump(mode="json"),
            "generator": generator,
            "parameters": complete(engine_named(generator), given or {}),
            "rows": rows,
            "seed": 0,
            "shape": shape,
            **{f"{part}_object": name for part, name in names.items()},
            **dict.fromkeys(("source_key", "model_key", "asset_key"), text),
        }
        started, fitted, made = time.monotonic(), False, None
        try:
            async with aclosing(self._children.messages(job)) as messages:
                async for message in messages:
                    fitted = fitted or "fitted" in message
            made = custody.read_table(self._store, names["asset"], key)
        except ChildFailed as error:
            return Outcome(None, str(error), fitted, time.monotonic() - started)
        finally:
            await obstore.delete_async(
                self._store, [name for name in names.values() if custody.exists(self._store, name)]
            )
        return Outcome(made, "", fitted, time.monotonic() - started)
