"""epochs never repeat"""

from alembic import op
import sqlalchemy as sa

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column('governance', 'epoch', type_=sa.UUID(), postgresql_using='uuidv7()')


def downgrade() -> None:
    # Whoever remembers rules under a number remembers a small one.
    op.alter_column('governance', 'epoch', type_=sa.BigInteger(),
                    postgresql_using='extract(epoch FROM clock_timestamp())::bigint')
