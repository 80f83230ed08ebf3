"""Lineage's collaborators, which every use case is handed."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from moneyer_lineage.domain.notes import CheckpointSigner
from moneyer_shared.clients.evidence import Tellers
from moneyer_shared.clock import Clock
from moneyer_shared.database import Database


@dataclass(frozen=True)
class Archive:
    """Where events are kept and leaves sequenced."""

    database: Database
    clock: Clock
    signer: CheckpointSigner
    tellers: Tellers
    webhook_key: bytes
    """32 bytes that the secrets of all webhooks are derived from."""
    curator: str
    """Who answers for the data, by the name that stands on cards."""
    registries: Collection[str] = ()
    """Model registries that are heard, by their names: namespaces of models that are theirs."""
    speakers: Mapping[str, str] = field(default_factory=dict[str, str])
    """The service that each client at the issuer speaks for."""
