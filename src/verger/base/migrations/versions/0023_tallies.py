"""Tallies: how counters of devices stand against what the devices told of."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take this step."""
    op.create_table(
        "tally",
        sa.Column("device", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("tally", sa.JSON(), nullable=False),
        sa.Column("record", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_tally_device_device"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.id"], name=op.f("fk_tally_tenant_tenant")),
        sa.PrimaryKeyConstraint("device", "kind", name=op.f("pk_tally")),
    )
