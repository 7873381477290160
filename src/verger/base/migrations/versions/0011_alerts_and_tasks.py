"""Alerts with what was said of them, whom to tell, and tasks."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take this step."""
    _alert()
    _alert_comment()
    _alert_policy()
    _task()


def _alert() -> None:
    op.create_table(
        "alert",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("place", sa.String(length=36), nullable=True),
        sa.Column("device", sa.String(length=36), nullable=True),
        sa.Column("rule", sa.String(length=80), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("acknowledged_by", sa.String(length=36), nullable=True),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("assignee", sa.String(length=36), nullable=True),
        sa.Column("cleared_at", sa.BigInteger(), nullable=True),
        sa.Column("resolved_by", sa.String(length=36), nullable=True),
        sa.Column("resolved_at", sa.BigInteger(), nullable=True),
        sa.Column("within", sa.String(length=36), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("holds", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["assignee"], ["user.id"], name=op.f("fk_alert_assignee_user"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.id"], name=op.f("fk_alert_tenant_tenant"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
        sa.UniqueConstraint("tenant", "holds", name=op.f("uq_alert_tenant")),
    )
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.create_index("ix_alert_tenant_opened_at", ["tenant", "opened_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_alert_within"), ["within"], unique=False)


def _alert_comment() -> None:
    op.create_table(
        "alert_comment",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("alert", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(length=36), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["alert"], ["alert.id"], name=op.f("fk_alert_comment_alert_alert"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenant.id"], name=op.f("fk_alert_comment_tenant_tenant"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_comment")),
    )
    with op.batch_alter_table("alert_comment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_alert_comment_alert"), ["alert"], unique=False)


def _alert_policy() -> None:
    op.create_table(
        "alert_policy",
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("chains", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenant.id"], name=op.f("fk_alert_policy_tenant_tenant"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_alert_policy")),
    )


def _task() -> None:
    op.create_table(
        "task",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("place", sa.String(length=36), nullable=True),
        sa.Column("device", sa.String(length=36), nullable=True),
        sa.Column("priority", sa.String(length=10), nullable=False),
        sa.Column("assignee", sa.String(length=36), nullable=True),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("alert", sa.String(length=36), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("done_by", sa.String(length=80), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["alert"], ["alert.id"], name=op.f("fk_task_alert_alert"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["assignee"], ["user.id"], name=op.f("fk_task_assignee_user"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["place"], ["place.id"], name=op.f("fk_task_place_place"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.id"], name=op.f("fk_task_tenant_tenant"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
    )
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_task_alert"), ["alert"], unique=False)
        batch_op.create_index("ix_task_tenant_state", ["tenant", "state"], unique=False)
