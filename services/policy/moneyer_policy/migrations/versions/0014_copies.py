"""copies of assets that deliveries may have put outside custody"""

from alembic import op
import sqlalchemy as sa

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('copies',
    sa.Column('delivery_id', sa.UUID(), nullable=False),
    sa.Column('asset_id', sa.UUID(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('void_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('delivery_id', name=op.f('pk_copies'))
    )
    op.create_index(op.f('ix_copies_asset_id'), 'copies', ['asset_id'], unique=False)


def downgrade() -> None:
    op.drop_table('copies')
