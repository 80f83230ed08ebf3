"""``python -m moneyer_generation.generators.child [generator]``: fit and sample, alone in a process.

Named a generator, it imports what that one needs while it waits.

One JSON job arrives on standard input, keys included, so that they stand in no argument, environment
or file. One JSON line a message leaves on standard output; everything a library prints is dropped, for
it may quote a row.
"""

import hashlib
import json
import os
import resource
import sys
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pyarrow as pa
from obstore.store import ObjectStore

from moneyer_generation.documents.measurements import Measurement
from moneyer_generation.forms import delivered
from moneyer_generation.generators.assembly import Asked, assemble
from moneyer_generation.generators.auditing import scores
from moneyer_generation.generators.catalogue import DISCOVERY, engine_named, offered_named
from moneyer_generation.generators.domain_discovery import to_measure
from moneyer_generation.generators.dressing import dress
from moneyer_generation.generators.environment import environment
from moneyer_generation.generators.protocol import CannotLearn, Fitted
from moneyer_generation.generators.shaping import ShapeUnreachable
from moneyer_generation.generators.suppression import rules_of, without_rare
from moneyer_shared import custody
from moneyer_shared.canonical import digest
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.exact import plain_table
from moneyer_shared.telemetry import place_of

Say = Callable[[dict[str, Any]], None]


def _because(error: BaseException) -> dict[str, str]:
    """Words for what we know the reason of; they hold counts and names of the plan, never a value."""
    match error:
        case custody.SealBroken():
            return {"because": "an object did not open under its seal: it was changed, or is not ours."}
        case ShapeUnreachable() | ModelMissing() | CannotLearn():
            return {"because": f"{error}."}
        case _:
            return {}


class ModelMissing(Exception):
    """A run that samples a kept model found none; it has no key to fit another."""


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    say = _speak_alone()
    for generator in sys.argv[1:]:
        offered_named(generator).warm()
    line = sys.stdin.buffer.readline()
    if not line:
        return
    job = json.loads(line)
    try:
        _kind_of(job)(job, say)
    except BaseException as error:  # noqa: BLE001 - the parent is told what and where, never the values
        say({"failed": place_of(error) | _because(error)})
        raise SystemExit(1) from None


def _kind_of(job: dict[str, Any]) -> Callable[[dict[str, Any], Say], None]:
    if "audit" in job:
        return audit
    return measure if job["generator"] == DISCOVERY.name else make


def _speak_alone() -> Say:
    """Keep standard output for our messages; whatever else writes there or to stderr writes nowhere."""
    channel = os.fdopen(os.dup(1), "w", buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    return lambda message: print(json.dumps(message), file=channel, flush=True)


def make(job: dict[str, Any], say: Say) -> None:
    """Fit, or open the model that was sealed before; then sample, and seal the asset."""
    os.environ.update(job.get("store_environment") or {})
    store = custody.open_store(job["objects_url"])
    declaration = SourceDeclaration.model_validate(job["declaration"])
    asset_key = b64decode(job["asset_key"])
    asked, source = Asked.of(job, declaration), Source(job, store, declaration)
    learned, left_out = _learned(source, asked)
    fitted = _sealed_model(job, store, declaration) or _fit(job, store, declaration, learned, asset_key, say)
    say({"fitted": True})
    table, report = assemble(fitted, asked, source.rows)
    report["suppression"] = [*left_out, *report["suppression"]]
    if table.num_rows != job["rows"]:
        message = "the engine made another number of rows"
        raise ValueError(message)
    table = dress(table, declaration, job["seed"], asked.blend.provenance_column if asked.blend else None)
    sealed = custody.seal_table(table.to_batches(), table.schema, asset_key, job["asset_object"])
    try:
        custody.put_new(store, job["asset_object"], sealed)
    except FileExistsError:
        # Sealed by this run before it was interrupted: whole, or it would not be there.
        sealed = custody.get(store, job["asset_object"])
    of_bytes = "sha256:" + hashlib.sha256(sealed).hexdigest()
    done = {"rows": job["rows"], "bytes": len(sealed), "digest": of_bytes, **report}
    handed_out = delivered(custody.unseal_table(sealed, asset_key, job["asset_object"])).model_dump(mode="json")
    say({"done": done | {"environment": environment(), "delivered": handed_out}})


def measure(job: dict[str, Any], say: Say) -> None:
    """Measure the columns whose domain nobody knows, or open the measurement that was sealed before."""
    os.environ.update(job.get("store_environment") or {})
    store = custody.open_store(job["objects_url"])
    measured = _sealed(job, store) or _measure(job, store, say)
    say({"fitted": True})
    told = Measurement.model_validate_json(measured).model_dump(mode="json")
    say({"measured": told | {"digest": digest(told), "environment": environment()}})


def _measure(job: dict[str, Any], store: ObjectStore, say: Say) -> bytes:
    declaration, key = SourceDeclaration.model_validate(job["declaration"]), b64decode(job["asset_key"])
    table = custody.read_table(store, job["train_object"], b64decode(job["source_key"]))
    found = DISCOVERY.measure(
        to_measure(table, declaration), declaration, job["parameters"], lambda share: say({"progress": share})
    )
    content = found.model_dump_json().encode()
    custody.put_new(store, job["model_object"], custody.seal_blob(content, key, job["model_object"]))
    return content


def audit(job: dict[str, Any], say: Say) -> None:
    """Fit a public table again and again, with a record and without, and tell how surely each showed it."""
    told: dict[str, list[float]] = {"inside": [], "outside": []}
    for number, (present, score) in enumerate(
        scores(offered_named(job["generator"]), job["parameters"], job["audit"]), 1
    ):
        told["inside" if present else "outside"].append(score)
        say({"progress": number / job["audit"]})
    say({"done": told})


class Source:
    """The rows to learn from, read once and only if they are needed."""

    def __init__(self, job: dict[str, Any], store: ObjectStore, declaration: SourceDeclaration) -> None:
        self._job = job
        self._store = store
        self._declaration = declaration
        self._rows: pa.Table | None = None

    def rows(self) -> pa.Table:
        """The columns an engine may see; which rows form a sequence is told by numbers that mean nothing else.

        Raises:
            ModelMissing: the run has no key to it, for it samples a kept model.
        """
        if self._job["source_key"] is None:
            raise ModelMissing("the model is gone")
        if self._rows is None:
            table = custody.read_table(self._store, self._job["train_object"], b64decode(self._job["source_key"]))
            self._rows = _with_sequences(plain_table(table, self._declaration), table, self._declaration)
        return self._rows


def _with_sequences(plain: pa.Table, table: pa.Table, declaration: SourceDeclaration) -> pa.Table:
    if declaration.sequence is None:
        return plain
    named = table[declaration.sequence.column].combine_chunks().dictionary_encode()
    return plain.append_column(declaration.sequence.column, named.indices.cast(pa.int64()))


Learned = Callable[[], pa.Table]


def _learned(source: Source, asked: Asked) -> tuple[Learned, list[dict[str, Any]]]:
    """How to read what the engine learns from, and what was left out of it."""
    if asked.suppression is None or asked.suppression.of == "output":
        return source.rows, []
    kept, report = without_rare(source.rows(), rules_of(asked.suppression, asked.declaration))
    if not kept.num_rows:
        raise ShapeUnreachable("no row of the source keeps every rule of suppression")
    return lambda: kept, [report]


def _sealed_model(job: dict[str, Any], store: ObjectStore, declaration: SourceDeclaration) -> Fitted | None:
    """The model that was fitted before, if it opens under its own seal: nothing else is ever read as one."""
    model = _sealed(job, store)
    return None if model is None else engine_named(job["generator"]).load(model, declaration.plain)


def _sealed(job: dict[str, Any], store: ObjectStore) -> bytes | None:
    """What this run, or the one whose model it samples, sealed before."""
    try:
        sealed = bytes(custody.get(store, job["model_object"]))
    except FileNotFoundError:
        return None
    return custody.unseal_blob(sealed, b64decode(job["model_key"]), job["model_object"])


def _fit(
    job: dict[str, Any], store: ObjectStore, declaration: SourceDeclaration, learned: Learned, key: bytes, say: Say
) -> Fitted:
    fitted = engine_named(job["generator"]).fit(
        learned(),
        declaration.plain,
        job["parameters"],
        job["seed"],
        lambda share: say({"progress": share}),
    )
    custody.put_new(store, job["model_object"], custody.seal_blob(fitted.dump(), key, job["model_object"]))
    return fitted


if __name__ == "__main__":
    main()
