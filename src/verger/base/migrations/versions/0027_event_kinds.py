"""Counting events by kind reads nothing but their index."""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take this step."""
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index("ix_event_tenant_device_at")
        batch_op.create_index("ix_event_tenant_device_at_kind", ["tenant", "device", "at", "kind"], unique=False)
