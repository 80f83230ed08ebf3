"""cards are told by when they were first published: their assets' ids are random"""

from alembic import op
import sqlalchemy as sa

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('cards', sa.Column('published_at', sa.DateTime(timezone=True), nullable=True))
    # Of cards composed anew, the first is not known; it followed the first thing that became of the asset.
    op.execute(
        "UPDATE cards SET published_at = least(composed_at, ("
        "SELECT min(at) FROM asset_changes WHERE asset_changes.asset_id = cards.asset_id))"
    )
    op.alter_column('cards', 'published_at', nullable=False)
    op.create_index('ix_cards_published', 'cards', ['published_at', 'asset_id'], unique=False)


def downgrade() -> None:
    op.drop_index('ix_cards_published', table_name='cards')
    op.drop_column('cards', 'published_at')
