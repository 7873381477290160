"""Growing cycles, and what happened in them."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take this step."""
    op.create_table(
        "cycle",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("place", sa.String(length=36), nullable=False),
        sa.Column("crop", sa.String(length=120), nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("stages", sa.JSON(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("expected_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("runs_at", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(["place"], ["place.id"], name=op.f("fk_cycle_place_place"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.id"], name=op.f("fk_cycle_tenant_tenant"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cycle")),
        sa.UniqueConstraint("runs_at", name=op.f("uq_cycle_runs_at")),
    )
    with op.batch_alter_table("cycle", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cycle_place"), ["place"], unique=False)
        batch_op.create_index("ix_cycle_tenant_started_at", ["tenant", "started_at"], unique=False)
    op.create_table(
        "cycle_event",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("cycle", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("weight_kg", sa.Float(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["cycle"], ["cycle.id"], name=op.f("fk_cycle_event_cycle_cycle"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenant.id"], name=op.f("fk_cycle_event_tenant_tenant"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cycle_event")),
    )
    with op.batch_alter_table("cycle_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cycle_event_cycle"), ["cycle"], unique=False)
