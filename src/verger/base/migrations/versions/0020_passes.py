"""Passes of devices that sign in."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take this step."""
    op.create_table(
        "pass_turn",
        sa.Column("line", sa.String(length=36), nullable=False),
        sa.Column("device", sa.String(length=36), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_pass_turn_device_device"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("line", name=op.f("pk_pass_turn")),
    )
    with op.batch_alter_table("pass_turn", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_pass_turn_device"), ["device"], unique=False)
        batch_op.create_index(batch_op.f("ix_pass_turn_expires_at"), ["expires_at"], unique=False)
