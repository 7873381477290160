"""Presence: who is silent and since when, how devices speak, and how they are listened to."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take this step."""
    op.create_table(
        "listening",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("listened", sa.BigInteger(), nullable=False),
        sa.Column("record", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listening")),
    )
    for column in (
        sa.Column("silence", sa.JSON(), nullable=False, server_default="{}"),
        sa.Column("silent_since", sa.BigInteger(), nullable=True),
        sa.Column("alerted", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("heard", sa.BigInteger(), nullable=True),
        sa.Column("back", sa.BigInteger(), nullable=True),
        sa.Column("gaps", sa.LargeBinary(), nullable=True),
        sa.Column("record", sa.BigInteger(), nullable=False, server_default="0"),
    ):
        op.add_column("device", column)
    op.add_column("device_type", sa.Column("silence", sa.JSON(), nullable=False, server_default="{}"))
