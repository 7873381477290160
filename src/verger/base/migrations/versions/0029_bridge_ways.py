"""Where devices were heard over bridges."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take this step."""
    op.create_table(
        "bridge_way",
        sa.Column("bridge", sa.String(length=36), nullable=False),
        sa.Column("device", sa.String(length=36), nullable=False),
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("dialect", sa.String(length=40), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("reach", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["bridge"], ["bridge.id"], name=op.f("fk_bridge_way_bridge_bridge"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["device"], ["device.id"], name=op.f("fk_bridge_way_device_device"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenant.id"], name=op.f("fk_bridge_way_tenant_tenant"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("bridge", "device", name=op.f("pk_bridge_way")),
    )
    with op.batch_alter_table("bridge_way", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_bridge_way_device"), ["device"], unique=False)
        batch_op.create_index(batch_op.f("ix_bridge_way_tenant"), ["tenant"], unique=False)
