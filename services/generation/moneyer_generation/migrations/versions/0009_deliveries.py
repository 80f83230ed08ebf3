"""deliveries; connections from before are for pulling alone"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        'connections',
        sa.Column('uses', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[\"pull\"]'"), nullable=False),
    )
    op.alter_column('connections', 'uses', server_default=None)
    op.create_table('deliveries',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('asset_id', sa.UUID(), nullable=False),
    sa.Column('connection_id', sa.UUID(), nullable=False),
    sa.Column('wanted', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('form', sa.Text(), nullable=False),
    sa.Column('digest', sa.Text(), nullable=False),
    sa.Column('bytes', sa.BigInteger(), nullable=False),
    sa.Column('rows', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('cancel_requested', sa.Boolean(), server_default='false', nullable=False),
    sa.Column('attempt', sa.Integer(), server_default='0', nullable=False),
    sa.Column('opened', sa.Boolean(), server_default='false', nullable=False),
    sa.Column('begun_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('holder', sa.UUID(), server_default=sa.text('gen_random_uuid()'), nullable=False),
    sa.Column('sent_bytes', sa.BigInteger(), nullable=True),
    sa.Column('salt', sa.LargeBinary(), nullable=False),
    sa.Column('problem', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('requested_by', sa.Text(), nullable=False),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['asset_id'], ['runs.id'], name=op.f('fk_deliveries_asset_id_runs')),
    sa.ForeignKeyConstraint(['connection_id'], ['connections.id'], name=op.f('fk_deliveries_connection_id_connections')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_deliveries'))
    )
    op.create_index(op.f('ix_deliveries_asset_id'), 'deliveries', ['asset_id'], unique=False)


def downgrade() -> None:
    op.drop_table('deliveries')
    op.drop_column('connections', 'uses')
