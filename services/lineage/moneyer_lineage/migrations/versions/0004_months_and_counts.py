"""events by month, and what is counted of them"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

COLUMNS = "id, digest, event, run_id, parent_run_id, event_time, received_at, vouched, written_in"
NEVER_CHANGED = (
    "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {} "
    "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
)
# A trigger on the whole is not asked when a month is written to by its own name, so each month has one.
OPEN_MONTH = f"""
CREATE FUNCTION open_month(begins timestamptz) RETURNS boolean LANGUAGE plpgsql
SET timezone = 'UTC' SET lock_timeout = '2s' AS $$
DECLARE
    ends timestamptz := begins + interval '1 month';
    month text := to_char(begins, 'YYYY_MM');
BEGIN
    IF begins <> date_trunc('month', begins) THEN
        RAISE EXCEPTION '% does not begin a month', begins;
    END IF;
    IF to_regclass(format('months.%I', month)) IS NOT NULL THEN
        RETURN false;
    END IF;
    LOCK TABLE events IN ACCESS EXCLUSIVE MODE;
    IF to_regclass(format('months.%I', month)) IS NOT NULL
       OR EXISTS (SELECT FROM months.others WHERE event_time >= begins AND event_time < ends) THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE months.%I PARTITION OF events FOR VALUES FROM (%L) TO (%L)', month, begins, ends);
    EXECUTE format('{NEVER_CHANGED.format("months.%I")}', month);
    RETURN true;
END $$
"""
# Those that events of the last ten years are of, for times are said by whoever tells; this one, and the next.
MONTHS = """
SELECT DISTINCT date_trunc('month', event_time, 'UTC') AS month FROM told
WHERE event_time BETWEEN now() - interval '10 years' AND now()
UNION
SELECT date_trunc('month', now(), 'UTC') + CAST(further || ' month' AS interval) FROM generate_series(0, 1) AS further
"""


def moment(name: str) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def words(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=nullable)


def create_events(**options: str) -> None:
    op.create_table('events',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    words('digest'),
    sa.Column('event', sa.dialects.postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    words('run_id', True), words('parent_run_id', True), moment('event_time'), moment('received_at'),
    sa.Column('vouched', sa.Boolean(), server_default='false', nullable=False),
    sa.Column('written_in', sa.BigInteger(), server_default=sa.text('pg_current_xact_id()::text::bigint'), nullable=False),
    **options
    )


def take_over() -> None:
    """Bring the events over from the table they were in; what is unique and sorted is so afterwards."""
    op.execute(f"INSERT INTO events ({COLUMNS}) SELECT {COLUMNS} FROM told")
    op.drop_table('told')
    op.create_index(op.f('ix_events_run_id'), 'events', ['run_id'])
    op.create_index(op.f('ix_events_parent_run_id'), 'events', ['parent_run_id'])
    op.create_index('ix_events_written', 'events', ['written_in', 'id'])


def upgrade() -> None:
    op.rename_table('events', 'told')
    create_events(postgresql_partition_by='RANGE (event_time)')
    op.execute('CREATE SCHEMA months')
    op.execute('CREATE TABLE months.others PARTITION OF events DEFAULT')
    op.execute(NEVER_CHANGED.format('events'))
    op.execute(NEVER_CHANGED.format('months.others'))
    op.execute(OPEN_MONTH)
    op.execute(f'SELECT open_month(month) FROM ({MONTHS}) AS months')
    take_over()
    op.create_primary_key(op.f('pk_events'), 'events', ['id', 'event_time'])
    op.create_unique_constraint(op.f('uq_events_digest'), 'events', ['digest', 'event_time'])
    op.create_index('ix_events_event_time', 'events', ['event_time', 'id'])
    op.create_table('counts',
    words('measure'), moment('hour'), words('label'),
    sa.Column('count', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('measure', 'hour', 'label', name=op.f('pk_counts'))
    )
    op.create_table('asset_states',
    words('asset_id'), words('state'),
    sa.PrimaryKeyConstraint('asset_id', name=op.f('pk_asset_states'))
    )
    op.create_index('ix_asset_states_state', 'asset_states', ['state'])
    counted = op.create_table('counted',
    sa.Column('is_only', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('written_in', sa.BigInteger(), nullable=False),
    sa.Column('event_id', sa.UUID(), nullable=False),
    moment('at'),
    sa.CheckConstraint('is_only', name=op.f('ck_counted_one_row')),
    sa.PrimaryKeyConstraint('is_only', name=op.f('pk_counted'))
    )
    nothing = {'written_in': 0, 'event_id': '00000000-0000-0000-0000-000000000000'}
    op.bulk_insert(counted, [nothing | {'at': datetime.now(UTC)}])


def downgrade() -> None:
    for table in ('counted', 'asset_states', 'counts'):
        op.drop_table(table)
    op.rename_table('events', 'told')
    create_events()
    take_over()
    op.execute('DROP SCHEMA months')
    op.execute('DROP FUNCTION open_month')
    op.create_primary_key(op.f('pk_events'), 'events', ['id'])
    op.create_unique_constraint(op.f('uq_events_digest'), 'events', ['digest'])
    op.create_index(op.f('ix_events_event_time'), 'events', ['event_time'])
    op.execute(NEVER_CHANGED.format('events'))
