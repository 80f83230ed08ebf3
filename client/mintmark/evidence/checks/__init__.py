"""Every check of a bundle, in order: each finds what the log says of something, and holds what is shown to that."""

from collections.abc import Callable

from mintmark.evidence.bundle import Bundle
from mintmark.evidence.checks.acts import assessments, certificates, charter, decision, ledger, release, request
from mintmark.evidence.checks.frame import key_inside, manifest, proofs, salts
from mintmark.evidence.checks.telling import assays, card, derived, events, provenance, record
from mintmark.evidence.checks.votes import reviews, votes

CHECKS: tuple[Callable[[Bundle], None], ...] = (
    manifest, key_inside, proofs, events, record, request, decision, charter, votes, assessments, ledger, release,
    reviews, certificates, assays, provenance, derived, card, salts,
)  # fmt: skip
