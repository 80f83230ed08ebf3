"""Tables at rest, opened in memory with the keys that policy hands out."""

from base64 import b64decode
from collections.abc import Sequence

import pyarrow as pa
from obstore.store import ObjectStore

from moneyer_evaluation.measures.reference import External, Shares, Tables
from moneyer_shared import custody
from moneyer_shared.contracts.evaluation import AssayRequest
from moneyer_shared.contracts.generation import HeldVersion
from moneyer_shared.contracts.policy import AssayKeys, AssayKeysRequest


def keys_for(request: AssayRequest) -> AssayKeysRequest:
    """The keys an assay takes: of the source, the asset, and the register it is linked with."""
    others = [request.linkage.key_id] if request.linkage else []
    return AssayKeysRequest(asset_id=request.asset_id, purpose=request.purpose, others=others)


def open_tables(objects: ObjectStore, request: AssayRequest, keys: AssayKeys, shares: Shares) -> Tables:
    """Train, holdout and asset, and the register if one is linked with, in memory."""
    source_key, asset_key = b64decode(keys.source_key), b64decode(keys.asset_key)
    external = None
    if request.linkage is not None:
        key = b64decode(keys.others[str(request.linkage.key_id)])
        external = External(request.linkage.declaration, _joined(objects, key, request.linkage.objects))
    return Tables.of(
        request.declaration,
        custody.read_table(objects, request.train_object, source_key),
        custody.read_table(objects, request.holdout_object, source_key),
        custody.read_table(objects, request.asset_object, asset_key),
        request.seed,
        external=external,
        shares=shares,
    )


def open_uploads(objects: ObjectStore, request: AssayRequest, keys: AssayKeys, held: HeldVersion) -> Tables:
    """The upload an asset was made from, as ``train``, and another of the same source, as ``asset``."""
    source_key, held_key = b64decode(keys.source_key), b64decode(keys.others[str(held.key_id)])
    before = _joined(objects, source_key, (request.train_object, request.holdout_object))
    after = _joined(objects, held_key, (held.train_object, held.holdout_object))
    return Tables.of(request.declaration, before, before.slice(0, 0), after, request.seed)


def _joined(objects: ObjectStore, key: bytes, names: Sequence[str]) -> pa.Table:
    return pa.concat_tables([custody.read_table(objects, name, key) for name in names])
