"""values that rules replaced, and uploads that were begun"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        'source_versions',
        sa.Column(
            'replaced', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
    )
    op.add_column('pulls', sa.Column('replaced', postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.create_table('begun_versions',
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('source_id', sa.UUID(), nullable=False),
    sa.Column('abandoned', sa.Boolean(), server_default='false', nullable=False),
    sa.Column('alive_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['source_id'], ['sources.id'], name=op.f('fk_begun_versions_source_id_sources')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_begun_versions'))
    )


def downgrade() -> None:
    op.drop_table('begun_versions')
    op.drop_column('pulls', 'replaced')
    op.drop_column('source_versions', 'replaced')
