"""every account is held to one order, claims' own δ are added up, privacy units are declared"""

from fractions import Fraction

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

# As they were when these accounts were opened; an account's order must not change with the grid.
ORDERS = sorted({1 + Fraction(round(16 * 2 ** (j / 6)), 16) for j in range(-18, 85)})
EXACT, UNITS = sa.Numeric(60, 30), sa.Numeric(40, 0)
accounts = sa.table('accounts', sa.column('id', sa.UUID()), sa.column('caps', postgresql.ARRAY(UNITS)),
                    sa.column('renyi_order', sa.Text()))


def upgrade() -> None:
    for table, column, kind in (
        ('accounts', 'approximate_delta', EXACT),
        ('accounts', 'delta_held', UNITS),
        ('accounts', 'delta_spent', UNITS),
        ('budget_versions', 'approximate_delta', EXACT),
        ('mechanisms', 'delta', UNITS),
    ):
        op.add_column(table, sa.Column(column, kind, nullable=False, server_default='0'))
        op.alter_column(table, column, server_default=None)
    op.add_column('accounts', sa.Column('renyi_order', sa.Text(), nullable=True))
    _fix_orders()
    op.alter_column('accounts', 'renyi_order', nullable=False)
    op.add_column('populations', sa.Column('unit_kind', sa.Text(), nullable=True))
    op.add_column('populations', sa.Column('identified_by', sa.Text(), nullable=True))
    # Words that say it of themselves; what others meant only their steward knows.
    op.execute(r"UPDATE populations SET unit_kind = CASE WHEN lower(trim(privacy_unit)) IN ('row', 'one row', 'a row') "
               "THEN 'row' ELSE 'undeclared' END")
    op.alter_column('populations', 'unit_kind', nullable=False)


def _fix_orders() -> None:
    """The order by (ε, δ) alone, which the caps are made of; one order admits no more than some order did."""
    connection = op.get_bind()
    for account in connection.execute(sa.select(accounts.c.id, accounts.c.caps)).all():
        best = max(range(len(ORDERS)), key=lambda i: Fraction(account.caps[i]) / ORDERS[i])
        connection.execute(
            sa.update(accounts).where(accounts.c.id == account.id).values(renyi_order=str(ORDERS[best]))
        )


def downgrade() -> None:
    for table, columns in (
        ('populations', ('identified_by', 'unit_kind')),
        ('mechanisms', ('delta',)),
        ('budget_versions', ('approximate_delta',)),
        ('accounts', ('renyi_order', 'delta_spent', 'delta_held', 'approximate_delta')),
    ):
        for column in columns:
            op.drop_column(table, column)
