"""who told it, word by word: events are folded anew, times and run ids that no reader follows are set right"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

# The driver kept the ends of the calendar as infinite, and no reader followed it there. What an event says of its own
# time stays in the event; here it lies at the end of the times that are taken now.
ENDS = (("'-infinity'", "'0100-01-01 00:00:00+00'"), ("'infinity'", "'9899-12-31 23:59:59+00'"))
TIMES = (
    ('asset_changes', 'at'), ('model_versions', 'trained_at'), ('model_metrics', 'measured_at'),
    ('datasets', 'created_at'), ('datasets', 'updated_at'),
)
# What a dataset with tags is until its events are folded again: that it was told of, and when.
SEEN = """
UPDATE datasets SET layers = jsonb_build_object('others', jsonb_build_object(
    'first', jsonb_build_array({0}, NULL, NULL), 'last', jsonb_build_array({1}, NULL, NULL)))
"""
RANK = """to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') || '+00:00 0 '"""
RUN_IDS = """
UPDATE events SET {0} = replace(lower({0}), 'urn:uuid:', '')::uuid::text
WHERE {0} !~ '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$'
  AND {0} ~* '^(urn:uuid:)?[{{]?[0-9a-f]{{8}}(-?[0-9a-f]{{4}}){{3}}-?[0-9a-f]{{12}}[}}]?$'
"""


def moment(name: str) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def words(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=nullable)


def jsonb(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, postgresql.JSONB(astext_type=sa.Text()), nullable=nullable)


def set_right() -> None:
    """Events and figures never change: this once, in columns that they are found by, never in what they say."""
    for table in ('events', 'model_metrics'):
        op.execute(f'ALTER TABLE ONLY {table} DISABLE TRIGGER append_only')
    for end, taken in ENDS:
        op.execute(f'UPDATE events SET event_time = {taken} WHERE event_time = {end}')
    for column in ('run_id', 'parent_run_id'):
        op.execute(RUN_IDS.format(column))
    for end, taken in ENDS:
        for table, column in TIMES:
            op.execute(f'UPDATE {table} SET {column} = {taken} WHERE {column} = {end}')
    for table in ('events', 'model_metrics'):
        op.execute(f'ALTER TABLE ONLY {table} ENABLE TRIGGER append_only')


def create_edges() -> None:
    op.create_table('edges',
    words('digest'), words('run_id'), words('party'), words('direction'), words('namespace'), words('name'),
    words('job_namespace'), words('job_name'), words('told_by', True),
    sa.Column('vouched', sa.Boolean(), nullable=False), moment('first_seen'),
    sa.PrimaryKeyConstraint('digest', name=op.f('pk_edges'))
    )
    op.create_index('ix_edges_run', 'edges', ['run_id', 'direction'])
    op.create_index('ix_edges_dataset', 'edges', ['namespace', 'name', 'direction'])
    op.create_index('ix_edges_job', 'edges', ['job_namespace', 'job_name', 'first_seen'])


def create_runs() -> None:
    op.create_table('runs',
    words('run_id'), words('owner'), sa.Column('vouched', sa.Boolean(), nullable=False), words('job_namespace'),
    words('job_name'), jsonb('layers'), moment('created_at'), moment('updated_at'),
    sa.PrimaryKeyConstraint('run_id', name=op.f('pk_runs'))
    )
    op.create_index('ix_runs_job', 'runs', ['job_namespace', 'job_name', 'created_at'])


def create_others() -> None:
    op.create_table('jobs',
    words('namespace'), words('name'), jsonb('layers'), moment('created_at'), moment('updated_at'),
    sa.PrimaryKeyConstraint('namespace', 'name', name=op.f('pk_jobs'))
    )
    op.create_table('dataset_versions',
    words('version'), words('namespace'), words('name'), words('run_id'), jsonb('layers'),
    moment('created_at'), moment('updated_at'),
    sa.PrimaryKeyConstraint('version', name=op.f('pk_dataset_versions'))
    )
    op.create_index('ix_dataset_versions_dataset', 'dataset_versions', ['namespace', 'name', 'created_at'])


def upgrade() -> None:
    op.add_column('events', words('told_by', True))
    set_right()
    for table in ('edges', 'runs', 'jobs', 'dataset_versions'):
        op.drop_table(table)
    create_edges()
    create_runs()
    create_others()
    # Tags were put there by people, and are in no event.
    op.execute("DELETE FROM datasets WHERE tags = '{}'")
    for column in ('fields', 'current_version', 'description', 'lifecycle_state', 'last_modified_at', 'facets'):
        op.drop_column('datasets', column)
    op.add_column('datasets', jsonb('layers', True))
    op.execute(SEEN.format(RANK.format('created_at'), RANK.format('updated_at')))
    op.alter_column('datasets', 'layers', nullable=False)
    op.execute('DELETE FROM outcomes')
    op.add_column('outcomes', jsonb('ranks'))
    op.create_table('folded',
    sa.Column('is_only', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('written_in', sa.BigInteger(), nullable=False),
    sa.Column('event_id', sa.UUID(), nullable=False),
    sa.Column('is_whole', sa.Boolean(), nullable=False),
    sa.CheckConstraint('is_only', name=op.f('ck_folded_one_row')),
    sa.PrimaryKeyConstraint('is_only', name=op.f('pk_folded'))
    )
    op.execute("INSERT INTO folded (written_in, event_id, is_whole) "
               "SELECT 0, '00000000-0000-0000-0000-000000000000', NOT EXISTS (SELECT FROM events)")


def downgrade() -> None:
    raise NotImplementedError('An earlier version folded events otherwise; restore a backup from before.')
