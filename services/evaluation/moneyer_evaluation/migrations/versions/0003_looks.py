"""looks"""

from alembic import op
import sqlalchemy as sa

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What was assayed before is of a table nobody said was safe to tell figures of: it stays untold.
    op.add_column('assays', sa.Column('figures', sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column('assays', 'figures')
