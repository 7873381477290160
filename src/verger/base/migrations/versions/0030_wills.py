"""Wills of clients of MQTT, which outlive a crash."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take this step."""
    op.create_table(
        "message_will",
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("client_id", sa.String(length=256), nullable=False),
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("will", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenant.id"], name=op.f("fk_message_will_tenant_tenant"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("owner", "client_id", name=op.f("pk_message_will")),
    )
