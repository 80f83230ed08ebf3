"""withdrawals"""

from alembic import op
import sqlalchemy as sa

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('withdrawals',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('asset_id', sa.UUID(), nullable=False),
    sa.Column('substitute', sa.UUID(), nullable=True),
    sa.Column('because', sa.Text(), nullable=False),
    sa.Column('withdrawn_by', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_withdrawals'))
    )
    op.create_index(op.f('ix_withdrawals_asset_id'), 'withdrawals', ['asset_id'])
    op.execute('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON withdrawals '
               'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()')


def downgrade() -> None:
    op.drop_table('withdrawals')
