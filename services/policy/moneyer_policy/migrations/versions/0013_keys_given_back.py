"""when a key was first opened, and keys given back before they were made"""

from alembic import op
import sqlalchemy as sa

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('keys', sa.Column('opened_at', sa.DateTime(timezone=True), nullable=True))
    # Of what was opened before nobody kept a note: it is taken for so of every key but those of versions under way.
    op.execute(
        "UPDATE keys SET opened_at = created_at WHERE resource NOT LIKE 'asset:%' AND destroyed_at IS NULL "
        "AND created_at < now() - interval '1 day'"
    )
    op.create_table('returned_keys',
    sa.Column('resource', sa.Text(), nullable=False),
    sa.Column('returned_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('resource', name=op.f('pk_returned_keys'))
    )


def downgrade() -> None:
    op.drop_table('returned_keys')
    op.drop_column('keys', 'opened_at')
