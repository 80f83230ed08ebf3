"""Every check of a bundle, in order: each finds what the log says of something, and holds what is shown to that."""

from collections.abc import Callable

from moneyer.evidence.bundle import Bundle
from moneyer.evidence.checks.acts import assessments, certificates, charter, decision, ledger, release, request
from moneyer.evidence.checks.frame import key_inside, manifest, proofs, salts
from moneyer.evidence.checks.telling import assays, card, derived, events, provenance, record
from moneyer.evidence.checks.votes import reviews, votes

CHECKS: tuple[Callable[[Bundle], None], ...] = (
    manifest, key_inside, proofs, events, record, request, decision, charter, votes, assessments, ledger, release,
    reviews, certificates, assays, provenance, derived, card, salts,
)  # fmt: skip
