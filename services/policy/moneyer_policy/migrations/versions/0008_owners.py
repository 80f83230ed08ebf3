"""owners"""

from alembic import op
import sqlalchemy as sa

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('owners',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('owner', sa.Text(), nullable=False),
    sa.Column('given_by', sa.Text(), nullable=False),
    sa.Column('given_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_owners'))
    )
    op.create_index('ix_owners_kind_subject', 'owners', ['kind', 'subject'])
    op.execute('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON owners '
               'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()')


def downgrade() -> None:
    op.drop_table('owners')
