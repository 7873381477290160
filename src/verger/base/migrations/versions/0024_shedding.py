"""Plans of what is cut off when too much flows."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take this step."""
    op.create_table(
        "shedding",
        sa.Column("device", sa.String(length=36), nullable=False),
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.Column("memory", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_shedding_device_device"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.id"], name=op.f("fk_shedding_tenant_tenant"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_shedding")),
    )
    with op.batch_alter_table("shedding", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_shedding_tenant"), ["tenant"], unique=False)
