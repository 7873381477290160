"""Calls of other programs by rules, whom they fail at, and what signs them; nobody wrote the table that goes."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take this step."""
    op.drop_table("callout")
    _callout()
    _callout_trouble()
    _signing_secret()


def _callout() -> None:
    op.create_table(
        "callout",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("run", sa.String(length=36), nullable=False),
        sa.Column("target", sa.String(length=300), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["run"],
            ["rule_run.id"],
            name=op.f("fk_callout_run_rule_run"),
            ondelete="CASCADE",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.id"], name=op.f("fk_callout_tenant_tenant"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callout")),
    )
    with op.batch_alter_table("callout", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_callout_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_callout_due_at"), ["due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_callout_run"), ["run"], unique=False)
        batch_op.create_index("ix_callout_tenant_target", ["tenant", "target"], unique=False)


def _callout_trouble() -> None:
    op.create_table(
        "callout_trouble",
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("target", sa.String(length=300), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("rests_until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenant.id"], name=op.f("fk_callout_trouble_tenant_tenant"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant", "target", name=op.f("pk_callout_trouble")),
    )


def _signing_secret() -> None:
    op.create_table(
        "signing_secret",
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("secrets", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("previous_until", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenant.id"], name=op.f("fk_signing_secret_tenant_tenant"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_signing_secret")),
    )
