"""the log goes out"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('ix_edges_job', 'edges', ['job', 'first_seen'])
    op.create_table('cosignatures',
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('witness', sa.Text(), nullable=False),
    sa.Column('line', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['size'], ['checkpoints.size'], name=op.f('fk_cosignatures_size_checkpoints')),
    sa.PrimaryKeyConstraint('size', 'witness', name=op.f('pk_cosignatures'))
    )
    op.create_table('outposts',
    sa.Column('place', sa.Text(), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('place', name=op.f('pk_outposts'))
    )
    op.create_index(op.f('ix_events_event_time'), 'events', ['event_time'])
    op.add_column(
        'events',
        sa.Column('written_in', sa.BigInteger(), server_default=sa.text('pg_current_xact_id()::text::bigint'), nullable=False),
    )
    op.create_index('ix_events_written', 'events', ['written_in', 'id'])
    op.create_table('forwards',
    sa.Column('sink', sa.Text(), nullable=False),
    sa.Column('written_in', sa.BigInteger(), nullable=False),
    sa.Column('event_id', sa.UUID(), nullable=False),
    sa.Column('refused', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('sink', name=op.f('pk_forwards'))
    )
    op.create_table('runs',
    sa.Column('run_id', sa.Text(), nullable=False),
    sa.Column('job_namespace', sa.Text(), nullable=False),
    sa.Column('job_name', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=True),
    sa.Column('state_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('nominal_start', sa.Text(), nullable=True),
    sa.Column('nominal_end', sa.Text(), nullable=True),
    sa.Column('facets', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('job_facets', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('run_id', name=op.f('pk_runs'))
    )
    op.create_index('ix_runs_job', 'runs', ['job_namespace', 'job_name', 'created_at'])
    op.create_table('jobs',
    sa.Column('namespace', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('type', sa.Text(), nullable=True),
    sa.Column('description', sa.Text(), nullable=True),
    sa.Column('location', sa.Text(), nullable=True),
    sa.Column('latest_run', sa.Text(), nullable=True),
    sa.Column('inputs', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('outputs', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('facets', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('namespace', 'name', name=op.f('pk_jobs'))
    )
    op.create_table('datasets',
    sa.Column('namespace', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('fields', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('current_version', sa.Text(), nullable=True),
    sa.Column('description', sa.Text(), nullable=True),
    sa.Column('lifecycle_state', sa.Text(), nullable=True),
    sa.Column('last_modified_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('facets', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('tags', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('namespace', 'name', name=op.f('pk_datasets'))
    )
    op.create_table('dataset_versions',
    sa.Column('version', sa.Text(), nullable=False),
    sa.Column('namespace', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('run_id', sa.Text(), nullable=False),
    sa.Column('fields', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('lifecycle_state', sa.Text(), nullable=True),
    sa.Column('facets', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('version', name=op.f('pk_dataset_versions'))
    )
    op.create_index('ix_dataset_versions_dataset', 'dataset_versions', ['namespace', 'name', 'created_at'])
    op.create_table('outcomes',
    sa.Column('asset_id', sa.Text(), nullable=False),
    *(sa.Column(name, sa.Text(), nullable=True) for name in ('source_id', 'charter_id', 'use_case', 'generator')),
    sa.Column('parameters', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('guarantee', sa.Text(), nullable=True),
    sa.Column('rows', sa.BigInteger(), nullable=True),
    *(sa.Column(name, sa.Text(), nullable=True) for name in ('rationale', 'decision')),
    sa.Column('failed', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    *(sa.Column(name, sa.Text(), nullable=True) for name in ('epsilon', 'verdict', 'failure')),
    sa.Column('figures', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('asset_id', name=op.f('pk_outcomes'))
    )
    for name in ('source_id', 'charter_id', 'generator'):
        op.create_index(op.f(f'ix_outcomes_{name}'), 'outcomes', [name])
    op.create_index('ix_outcomes_created', 'outcomes', ['created_at', 'asset_id'])
    op.create_table('tags',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), nullable=True),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_tags'))
    )


def downgrade() -> None:
    op.drop_index('ix_events_written', 'events')
    op.drop_column('events', 'written_in')
    for table in ('tags', 'dataset_versions', 'datasets', 'jobs', 'runs', 'forwards', 'outcomes'):
        op.drop_table(table)
    op.drop_index(op.f('ix_events_event_time'), 'events')
    op.drop_table('outposts')
    op.drop_table('cosignatures')
    op.drop_index('ix_edges_job', 'edges')
