"""what waits for one person is found by their name: requests, decisions, grants and dates"""

from alembic import op
import sqlalchemy as sa

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('ix_reviews_opened_by', 'reviews', ['opened_by', 'id'], unique=False)
    op.create_index('ix_grants_subject', 'grants', ['subject', 'valid_until'], unique=False)
    op.create_index(
        'ix_deadlines_to', 'deadlines', [sa.text("(payload ->> 'to')"), 'due_at'], unique=False,
        postgresql_where=sa.text('done_at IS NULL AND cancelled_at IS NULL'),
    )
    op.drop_index('ix_decisions_requester', table_name='decisions')
    op.create_index('ix_decisions_requester', 'decisions', ['requester', 'decided_at', 'id'], unique=False)


def downgrade() -> None:
    op.drop_index('ix_decisions_requester', table_name='decisions')
    op.create_index('ix_decisions_requester', 'decisions', ['requester'], unique=False)
    op.drop_index('ix_deadlines_to', table_name='deadlines')
    op.drop_index('ix_grants_subject', table_name='grants')
    op.drop_index('ix_reviews_opened_by', table_name='reviews')
