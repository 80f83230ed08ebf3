"""the log goes out"""

from alembic import op
import sqlalchemy as sa

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('ix_edges_job', 'edges', ['job', 'first_seen'])
    op.create_table('cosignatures',
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('witness', sa.Text(), nullable=False),
    sa.Column('line', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['size'], ['checkpoints.size'], name=op.f('fk_cosignatures_size_checkpoints')),
    sa.PrimaryKeyConstraint('size', 'witness', name=op.f('pk_cosignatures'))
    )
    op.create_table('outposts',
    sa.Column('place', sa.Text(), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('place', name=op.f('pk_outposts'))
    )


def downgrade() -> None:
    op.drop_table('outposts')
    op.drop_table('cosignatures')
    op.drop_index('ix_edges_job', 'edges')
