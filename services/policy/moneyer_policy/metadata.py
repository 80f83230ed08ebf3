"""The one metadata all of policy's tables belong to, and the column shapes they share."""

from sqlalchemy import Column, ForeignKey, Numeric
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from moneyer_shared.database import service_metadata
from moneyer_shared.idempotency import idempotency_table
from moneyer_shared.journal import journal_tables
from moneyer_shared.ownership import owners_table

metadata = service_metadata()
journal = journal_tables(metadata, "policy")
idempotency_keys = idempotency_table(metadata)
owners = owners_table(metadata)

EXACT = Numeric(60, 30)
UNITS = Numeric(40, 0)
RENYI = ARRAY(UNITS)


def reference(name: str, target: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, UUID(as_uuid=True), ForeignKey(target), nullable=nullable, index=True)
