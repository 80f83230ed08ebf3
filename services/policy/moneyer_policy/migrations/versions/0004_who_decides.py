"""everybody who wrote on a version, the order of assessments, and the rules the house takes no exceptions from"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('charter_versions', sa.Column('authors', postgresql.ARRAY(sa.Text()), nullable=True))
    # Of earlier hands only the last was written down.
    op.execute('UPDATE charter_versions SET authors = ARRAY[author]')
    op.alter_column('charter_versions', 'authors', nullable=False)
    # Rows of a table that is only appended to lie in the order they came in.
    op.add_column('assessments', sa.Column('number', sa.BigInteger(), sa.Identity(always=True), nullable=False))
    op.create_table('house_rules',
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('waivable', sa.Boolean(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('set_by', sa.Text(), nullable=False),
    sa.Column('set_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('code', 'version', name=op.f('pk_house_rules'))
    )
    op.execute('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON house_rules '
               'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()')


def downgrade() -> None:
    op.drop_table('house_rules')
    op.drop_column('assessments', 'number')
    op.drop_column('charter_versions', 'authors')
