"""turns and searches"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('runs', sa.Column('charter_id', sa.UUID(), nullable=True))
    op.add_column('runs', sa.Column('rank', sa.SmallInteger(), server_default='1', nullable=False))
    op.add_column('runs', sa.Column('turn', sa.BigInteger(), server_default='0', nullable=False))
    op.execute("UPDATE runs SET charter_id = (plan->>'charter_id')::uuid")
    op.alter_column('runs', 'charter_id', nullable=False)
    op.alter_column('runs', 'rank', server_default=None)
    op.alter_column('runs', 'turn', server_default=None)
    op.create_index('ix_runs_turns', 'runs', ['charter_id', 'rank', 'turn'])
    op.create_index('ix_runs_begun', 'runs', ['turn'], postgresql_where=sa.text('redeemed'))
    op.create_table('searches',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('requester', sa.Text(), nullable=False),
    sa.Column('request', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('cancel_requested', sa.Boolean(), server_default='false', nullable=False),
    sa.Column('asset_id', sa.UUID(), nullable=True),
    sa.Column('because', sa.Text(), nullable=True),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_searches'))
    )
    op.create_table('trials',
    sa.Column('search_id', sa.UUID(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('run_id', sa.UUID(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('epsilon', sa.Text(), nullable=False),
    sa.Column('charged', sa.Boolean(), server_default='false', nullable=False),
    sa.Column('shortfall', sa.Text(), nullable=True),
    sa.Column('begun_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['run_id'], ['runs.id'], name=op.f('fk_trials_run_id_runs')),
    sa.ForeignKeyConstraint(['search_id'], ['searches.id'], name=op.f('fk_trials_search_id_searches')),
    sa.PrimaryKeyConstraint('search_id', 'number', name=op.f('pk_trials'))
    )


def downgrade() -> None:
    op.drop_table('trials')
    op.drop_table('searches')
    op.drop_index('ix_runs_begun', table_name='runs')
    op.drop_index('ix_runs_turns', table_name='runs')
    op.drop_column('runs', 'turn')
    op.drop_column('runs', 'rank')
    op.drop_column('runs', 'charter_id')
