"""connections and pulls"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('source_versions', sa.Column('pulled', postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.create_table('connections',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('target', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('secret_ref', sa.Text(), nullable=True),
    sa.Column('users', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('registered_by', sa.Text(), nullable=False),
    sa.Column('registered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('tested_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('problem', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_connections')),
    sa.UniqueConstraint('name', name=op.f('uq_connections_name'))
    )
    op.create_table('pulls',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('source_id', sa.UUID(), nullable=False),
    sa.Column('connection_id', sa.UUID(), nullable=False),
    sa.Column('follows', sa.UUID(), nullable=True),
    sa.Column('asked', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('every_seconds', sa.BigInteger(), nullable=True),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('cancel_requested', sa.Boolean(), server_default='false', nullable=False),
    sa.Column('attempt', sa.Integer(), server_default='0', nullable=False),
    sa.Column('holder', sa.UUID(), server_default=sa.text('gen_random_uuid()'), nullable=False),
    sa.Column('received_bytes', sa.BigInteger(), nullable=True),
    sa.Column('rows', sa.BigInteger(), nullable=True),
    sa.Column('digest', sa.Text(), nullable=True),
    sa.Column('salt', sa.LargeBinary(), nullable=False),
    sa.Column('planned_version', sa.UUID(), nullable=True),
    sa.Column('version_id', sa.UUID(), nullable=True),
    sa.Column('problem', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('requested_by', sa.Text(), nullable=False),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['connection_id'], ['connections.id'], name=op.f('fk_pulls_connection_id_connections')),
    sa.ForeignKeyConstraint(['follows'], ['pulls.id'], name=op.f('fk_pulls_follows_pulls')),
    sa.ForeignKeyConstraint(['source_id'], ['sources.id'], name=op.f('fk_pulls_source_id_sources')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pulls'))
    )
    op.create_index(op.f('ix_pulls_source_id'), 'pulls', ['source_id'], unique=False)


def downgrade() -> None:
    op.drop_table('pulls')
    op.drop_table('connections')
    op.drop_column('source_versions', 'pulled')
