"""shared models"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        'models', sa.Column('shared_with', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False)
    )
    # Who registered a model for somebody else is known to the audit trail alone, and may go on telling of it.
    op.execute(
        "UPDATE models SET shared_with = ARRAY[told.actor] FROM ("
        "SELECT DISTINCT ON (leaf ->> 'subject') leaf ->> 'subject' AS subject, actor FROM audit_events "
        "WHERE leaf ->> 'action' = 'model.register' ORDER BY leaf ->> 'subject', id"
        ") AS told WHERE told.subject = 'model:' || models.name AND told.actor <> models.owner "
        "AND told.actor NOT LIKE 'registry:%'"
    )


def downgrade() -> None:
    op.drop_column('models', 'shared_with')
