"""models and webhooks; what a service of the house told is told apart from what anybody told"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

BACKFILL = """
INSERT INTO asset_changes (asset_id, at, change, announced_at)
SELECT DISTINCT run_id, event_time, told.change, event_time
FROM events, LATERAL (
    SELECT event #>> '{run,facets,moneyer_release,verdict}' AS change
    UNION ALL
    SELECT 'retired' WHERE event #> '{run,facets,moneyer_destruction}' IS NOT NULL
) told
WHERE run_id IS NOT NULL AND told.change IN ('released', 'rejected', 'retired')
"""


def moment(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def words(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=nullable)


def upgrade() -> None:
    # Until now nobody noted who told; what is there keeps its voice.
    op.add_column('events', sa.Column('vouched', sa.Boolean(), server_default='true', nullable=False))
    op.alter_column('events', 'vouched', server_default='false')
    op.create_table('idempotency_keys',
    words('caller'), words('key'), words('fingerprint'),
    sa.Column('status', sa.Integer(), nullable=False),
    sa.Column('body', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('headers', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    moment('created_at'),
    sa.PrimaryKeyConstraint('caller', 'key', name=op.f('pk_idempotency_keys'))
    )
    op.create_table('audit_events',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    moment('at'), words('actor'),
    sa.Column('actor_salt', sa.LargeBinary(), nullable=False),
    sa.Column('leaf', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_events'))
    )
    op.create_table('asset_changes',
    words('asset_id'), moment('at'), words('change'), words('because', True), words('substitute', True),
    moment('announced_at', True), moment('carded_at', True),
    sa.PrimaryKeyConstraint('asset_id', 'at', 'change', name=op.f('pk_asset_changes'))
    )
    op.create_index('ix_asset_changes_unannounced', 'asset_changes', ['at'],
                    postgresql_where=sa.text('announced_at IS NULL'))
    op.create_index('ix_asset_changes_uncarded', 'asset_changes', ['at'],
                    postgresql_where=sa.text('carded_at IS NULL'))
    op.execute(BACKFILL)
    op.create_table('cards',
    words('asset_id'), words('charter_id'), words('level'),
    sa.Column('card', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    moment('composed_at'),
    sa.PrimaryKeyConstraint('asset_id', name=op.f('pk_cards'))
    )
    op.create_index('ix_cards_charter_id', 'cards', ['charter_id'])
    op.create_table('charter_cards',
    words('charter_id'),
    sa.Column('version', sa.Integer(), nullable=False),
    words('level'),
    sa.Column('card', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    moment('composed_at'),
    sa.PrimaryKeyConstraint('charter_id', name=op.f('pk_charter_cards'))
    )
    op.create_table('models',
    words('name'), words('owner'), words('description'), moment('registered_at'),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_models'))
    )
    op.create_index('ix_models_owner', 'models', ['owner'])
    op.create_table('model_versions',
    words('model'), words('version'), words('uri', True), moment('trained_at'), moment('registered_at'),
    sa.ForeignKeyConstraint(['model'], ['models.name'], name=op.f('fk_model_versions_model_models')),
    sa.PrimaryKeyConstraint('model', 'version', name=op.f('pk_model_versions'))
    )
    op.create_table('trainings',
    words('model'), words('version'), words('asset_id'),
    sa.ForeignKeyConstraint(['model', 'version'], ['model_versions.model', 'model_versions.version'],
                            name=op.f('fk_trainings_model_model_versions')),
    sa.PrimaryKeyConstraint('model', 'version', 'asset_id', name=op.f('pk_trainings'))
    )
    op.create_index('ix_trainings_asset_id', 'trainings', ['asset_id'])
    op.create_table('model_metrics',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    words('model'), words('version'), words('metric'),
    sa.Column('subgroup', sa.Text(), server_default='', nullable=False),
    moment('measured_at'),
    sa.Column('value', sa.DOUBLE_PRECISION(), nullable=False),
    sa.Column('lower', sa.DOUBLE_PRECISION(), nullable=True),
    sa.Column('upper', sa.DOUBLE_PRECISION(), nullable=True),
    sa.Column('n', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['model', 'version'], ['model_versions.model', 'model_versions.version'],
                            name=op.f('fk_model_metrics_model_model_versions')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_model_metrics'))
    )
    op.create_index('uq_model_metrics_said', 'model_metrics',
                    ['model', 'version', 'metric', 'subgroup', 'measured_at'], unique=True)
    op.create_index('ix_model_metrics_metric', 'model_metrics', ['metric', 'subgroup'])
    op.create_table('webhooks',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    words('owner'), words('url'),
    sa.Column('generation', sa.Integer(), server_default='1', nullable=False),
    moment('made_at'), moment('rotated_at', True), moment('ended_at', True), words('ended_because', True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhooks'))
    )
    op.create_index('ix_webhooks_owner', 'webhooks', ['owner'])
    op.create_table('deliveries',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('webhook_id', sa.UUID(), nullable=False),
    words('event_id'),
    sa.Column('event', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    moment('made_at'),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    moment('due_at'), moment('delivered_at', True), moment('given_up_at', True), words('answer', True),
    sa.ForeignKeyConstraint(['webhook_id'], ['webhooks.id'], name=op.f('fk_deliveries_webhook_id_webhooks')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_deliveries')),
    sa.UniqueConstraint('webhook_id', 'event_id', name=op.f('uq_deliveries_webhook_id'))
    )
    op.create_index('ix_deliveries_due', 'deliveries', ['due_at'],
                    postgresql_where=sa.text('delivered_at IS NULL AND given_up_at IS NULL'))
    for table in ('audit_events', 'trainings', 'model_metrics'):
        op.execute(f'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} '
                   'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()')


def downgrade() -> None:
    for table in ('deliveries', 'webhooks', 'model_metrics', 'trainings', 'model_versions', 'models',
                  'charter_cards', 'cards', 'asset_changes', 'audit_events', 'idempotency_keys'):
        op.drop_table(table)
    op.drop_column('events', 'vouched')
