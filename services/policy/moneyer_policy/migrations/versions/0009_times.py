"""times at the ends of the calendar, which were kept as infinite and never read again, are brought inside it"""

from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

ENDS = (("'-infinity'", "'0100-01-01 00:00:00+00'"), ("'infinity'", "'9899-12-31 23:59:59+00'"))
TIMES = (
    ('assessments', 'valid_until'), ('attestations', 'valid_until'), ('waivers', 'valid_until'),
    ('delegations', 'valid_from'), ('delegations', 'valid_until'), ('grants', 'valid_until'),
    ('incidents', 'discovered_at'), ('duties', 'due_at'), ('corrective_actions', 'due_at'), ('deadlines', 'due_at'),
    ('charter_versions', 'in_force_at'), ('charter_versions', 'approved_until'),
)
NEVER_CHANGED = ('assessments', 'attestations')
"""Once, in the one column that could not be read: what they say stands, that they hold for as long as anybody counts."""


def upgrade() -> None:
    for table in NEVER_CHANGED:
        op.execute(f'ALTER TABLE {table} DISABLE TRIGGER append_only')
    for table, column in TIMES:
        for end, inside in ENDS:
            op.execute(f'UPDATE {table} SET {column} = {inside} WHERE {column} = {end}')
    for table in NEVER_CHANGED:
        op.execute(f'ALTER TABLE {table} ENABLE TRIGGER append_only')


def downgrade() -> None:
    """Nothing to undo: the times are times to every version."""
