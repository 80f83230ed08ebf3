"""runs are found by time, and by who asked, charter and source"""

from alembic import op
import sqlalchemy as sa

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('ix_runs_requested', 'runs', ['requested_at', 'id'], unique=False)
    op.create_index('ix_runs_requester', 'runs', ['requester', 'requested_at', 'id'], unique=False)
    op.create_index('ix_runs_charter', 'runs', ['charter_id', 'requested_at', 'id'], unique=False)
    op.create_index(
        'ix_runs_source', 'runs', [sa.text("(plan ->> 'source_id')"), 'requested_at', 'id'], unique=False
    )


def downgrade() -> None:
    for name in ('ix_runs_source', 'ix_runs_charter', 'ix_runs_requester', 'ix_runs_requested'):
        op.drop_index(name, table_name='runs')
