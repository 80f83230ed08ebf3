"""after the release"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('assays', sa.Column('purpose', sa.Text(), server_default='release', nullable=False))
    op.add_column('assays', sa.Column('suite', sa.Text(), nullable=True))
    op.drop_constraint('uq_assays_asset_id', 'assays')
    op.create_index(op.f('ix_assays_asset_id'), 'assays', ['asset_id'])
    op.create_index(
        'uq_assays_release', 'assays', ['asset_id'], unique=True, postgresql_where=sa.text("purpose = 'release'")
    )
    op.create_table('reference_shares',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('population_id', sa.UUID(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('as_of', sa.Date(), nullable=False),
    sa.Column('shares', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('made_by', sa.Text(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reference_shares')),
    sa.UniqueConstraint('population_id', 'version', name=op.f('uq_reference_shares_population_id'))
    )
    op.create_table('monitors',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('asset_id', sa.UUID(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('terms', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('every_hours', sa.Integer(), nullable=False),
    sa.Column('looks', sa.Integer(), server_default='0', nullable=False),
    sa.Column('seen', sa.Text(), nullable=True),
    sa.Column('made_by', sa.Text(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('next_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_monitors'))
    )
    op.create_index('ix_monitors_due', 'monitors', ['next_at'], postgresql_where=sa.text("state = 'active'"))
    op.create_index(op.f('ix_monitors_asset_id'), 'monitors', ['asset_id'])
    op.create_table('looks',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('monitor_id', sa.UUID(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('seen', sa.Text(), nullable=False),
    sa.Column('estimates', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('breaches', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('finding', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['monitor_id'], ['monitors.id'], name=op.f('fk_looks_monitor_id_monitors')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_looks')),
    sa.UniqueConstraint('monitor_id', 'number', name=op.f('uq_looks_monitor_id'))
    )
    op.create_table('score_batches',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('monitor_id', sa.UUID(), nullable=False),
    sa.Column('counts', sa.ARRAY(sa.BigInteger()), nullable=False),
    sa.Column('posted_by', sa.Text(), nullable=False),
    sa.Column('posted_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['monitor_id'], ['monitors.id'], name=op.f('fk_score_batches_monitor_id_monitors')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_score_batches'))
    )
    op.create_index(op.f('ix_score_batches_monitor_id'), 'score_batches', ['monitor_id'])
    op.create_table('guarantee_audits',
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('generator', sa.Text(), nullable=False),
    sa.Column('request', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('estimate', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('verdict', sa.Text(), nullable=False),
    sa.Column('reported_by', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_guarantee_audits'))
    )
    op.create_index(op.f('ix_guarantee_audits_generator'), 'guarantee_audits', ['generator'])


def downgrade() -> None:
    for table in ('guarantee_audits', 'score_batches', 'looks', 'monitors', 'reference_shares'):
        op.drop_table(table)
    op.drop_index('uq_assays_release', 'assays')
    op.drop_index(op.f('ix_assays_asset_id'), 'assays')
    op.execute("DELETE FROM assays WHERE purpose <> 'release'")
    op.create_unique_constraint('uq_assays_asset_id', 'assays', ['asset_id'])
    op.drop_column('assays', 'suite')
    op.drop_column('assays', 'purpose')
