"""owners"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('owners',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('owner', sa.Text(), nullable=False),
    sa.Column('given_by', sa.Text(), nullable=False),
    sa.Column('given_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_owners'))
    )
    op.create_index('ix_owners_kind_subject', 'owners', ['kind', 'subject'])
    op.add_column(
        'monitors', sa.Column('scorers', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False)
    )
    # Whoever posted scores so far goes on: what a monitor compares would else end with the upgrade.
    op.execute(
        'UPDATE monitors SET scorers = found.people FROM ('
        'SELECT monitor_id, array_agg(DISTINCT posted_by ORDER BY posted_by) AS people FROM score_batches GROUP BY monitor_id'
        ') AS found WHERE found.monitor_id = monitors.id'
    )


def downgrade() -> None:
    op.drop_column('monitors', 'scorers')
    op.drop_table('owners')
