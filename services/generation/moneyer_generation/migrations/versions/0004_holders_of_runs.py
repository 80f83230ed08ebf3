"""holders of runs"""

from alembic import op
import sqlalchemy as sa

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('runs', sa.Column('holder', sa.UUID(), server_default=sa.text('gen_random_uuid()'), nullable=False))


def downgrade() -> None:
    op.drop_column('runs', 'holder')
