"""looks"""

from alembic import op
import sqlalchemy as sa

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

# Permits given so far took the looks they would take now; a run that ended without a table took none.
ACCOUNTS = """
    INSERT INTO look_accounts (charter_id, source_id, held)
    SELECT p.charter_id, (d.request->'plan'->>'source_id')::uuid,
           count(*) FILTER (WHERE p.state <> 'returned' AND coalesce(p.outcome, '') NOT IN ('failed', 'cancelled'))
    FROM permits p JOIN decisions d ON d.id = p.decision_id GROUP BY 1, 2
"""
ENTRIES = """
    WITH RECURSIVE asked AS (
        SELECT p.id, p.run_id, p.charter_id, p.state, p.outcome, p.made_at,
               (d.request->'plan'->>'source_id')::uuid AS source_id, (d.request->'plan'->>'model')::uuid AS model
        FROM permits p JOIN decisions d ON d.id = p.decision_id
    ), line AS (
        SELECT run_id, run_id AS root FROM asked WHERE model IS NULL
        UNION ALL
        SELECT asked.run_id, line.root FROM asked JOIN line ON line.run_id = asked.model
    )
    INSERT INTO look_entries (account_id, permit_id, kind, model, at)
    SELECT account.id, asked.id, kind, line.root, asked.made_at
    FROM asked JOIN line USING (run_id)
    JOIN look_accounts account ON (account.charter_id, account.source_id) = (asked.charter_id, asked.source_id)
    CROSS JOIN unnest(ARRAY['reserve', 'return']) WITH ORDINALITY AS k(kind, n)
    WHERE kind = 'reserve' OR asked.state = 'returned' OR asked.outcome IN ('failed', 'cancelled')
    ORDER BY asked.made_at, n
"""


def upgrade() -> None:
    op.create_table('look_accounts',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('charter_id', sa.UUID(), nullable=False),
    sa.Column('source_id', sa.UUID(), nullable=False),
    sa.Column('held', sa.Integer(), server_default='0', nullable=False),
    sa.ForeignKeyConstraint(['charter_id'], ['charters.id'], name=op.f('fk_look_accounts_charter_id_charters')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_look_accounts')),
    sa.UniqueConstraint('charter_id', 'source_id', name=op.f('uq_look_accounts_charter_id'))
    )
    op.create_index(op.f('ix_look_accounts_charter_id'), 'look_accounts', ['charter_id'])
    op.create_table('look_entries',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('account_id', sa.UUID(), nullable=False),
    sa.Column('permit_id', sa.UUID(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('model', sa.UUID(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['look_accounts.id'], name=op.f('fk_look_entries_account_id_look_accounts')),
    sa.ForeignKeyConstraint(['permit_id'], ['permits.id'], name=op.f('fk_look_entries_permit_id_permits')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_look_entries'))
    )
    op.create_index(op.f('ix_look_entries_account_id'), 'look_entries', ['account_id'])
    op.create_index(op.f('ix_look_entries_permit_id'), 'look_entries', ['permit_id'])
    op.create_index('ix_look_entries_model', 'look_entries', ['model'], postgresql_where=sa.text("kind = 'reserve'"))
    op.execute(ACCOUNTS)
    op.execute(ENTRIES)
    op.execute('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON look_entries '
               'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()')


def downgrade() -> None:
    op.drop_table('look_entries')
    op.drop_table('look_accounts')
