"""decisions are told by time: their ids are random"""

from alembic import op

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('ix_decisions_decided', 'decisions', ['decided_at', 'id'], unique=False)


def downgrade() -> None:
    op.drop_index('ix_decisions_decided', table_name='decisions')
