"""What every table of lineage belongs to, and the tables every service has."""

from moneyer_shared.database import service_metadata
from moneyer_shared.idempotency import idempotency_table
from moneyer_shared.journal import audit_table

metadata = service_metadata()
idempotency_keys = idempotency_table(metadata)
audit_events = audit_table(metadata)
"""What was done here itself; its leaves go into the log in the same transaction, so there is no outbox."""
