"""a stop says which finding's review lifts it; those from before are lifted by a resumption that names them"""

import sqlalchemy as sa
from alembic import op

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('suspensions', sa.Column('review_id', sa.UUID(), nullable=True))


def downgrade() -> None:
    op.drop_column('suspensions', 'review_id')
