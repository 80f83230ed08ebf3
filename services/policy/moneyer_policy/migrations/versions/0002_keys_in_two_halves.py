"""keys in two halves"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('keys', sa.Column('shared', sa.Boolean(), server_default='false', nullable=False))
    op.add_column('keys', sa.Column('overwritten_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('keys', sa.Column('shredded_at', sa.DateTime(timezone=True), nullable=True))
    op.create_index('ix_keys_to_shred', 'keys', ['destroyed_at'],
                    postgresql_where=sa.text('destroyed_at IS NOT NULL AND shredded_at IS NULL'))
    op.create_table('certificates',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('asset_id', sa.UUID(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('envelope', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_certificates')),
    sa.UniqueConstraint('asset_id', 'status', name=op.f('uq_certificates_asset_id'))
    )
    op.execute('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON certificates '
               'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()')


def downgrade() -> None:
    op.drop_table('certificates')
    op.drop_index('ix_keys_to_shred', table_name='keys')
    op.drop_column('keys', 'shredded_at')
    op.drop_column('keys', 'overwritten_at')
    op.drop_column('keys', 'shared')
