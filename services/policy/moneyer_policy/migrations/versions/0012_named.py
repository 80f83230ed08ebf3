"""whom only a proposal's own words concern; of reviews opened before, everybody stays barred from any vote"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        'reviews', sa.Column('named', postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False)
    )
    op.alter_column('reviews', 'named', server_default=None)


def downgrade() -> None:
    """Whoever is named is barred, as before: no approval counts that did not."""
    op.execute('UPDATE reviews SET barred = ARRAY(SELECT DISTINCT unnest(barred || named) ORDER BY 1)')
    op.drop_column('reviews', 'named')
