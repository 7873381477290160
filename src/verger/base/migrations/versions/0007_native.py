"""Gateways, claims, and keys with which devices get in by themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take this step."""
    with op.batch_alter_table("device", schema=None) as batch_op:
        batch_op.add_column(sa.Column("called", sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column("is_gateway", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.create_index("ix_device_gateway_called", ["gateway", "called"], unique=True)
    _policy()
    _claim()
    _joining()
    _joined()


def _policy() -> None:
    op.create_table(
        "device_policy",
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("made_by_gateways", sa.Boolean(), nullable=False),
        sa.Column("claimed_by_others", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.id"], name=op.f("fk_device_policy_tenant_tenant")),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_device_policy")),
    )


def _claim() -> None:
    op.create_table(
        "claim",
        sa.Column("device", sa.String(length=36), nullable=False),
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.Column("secret", sa.Boolean(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_claim_device_device")),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.id"], name=op.f("fk_claim_tenant_tenant")),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_claim")),
    )


def _joining() -> None:
    op.create_table(
        "joining",
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("type", sa.String(length=120), nullable=False),
        sa.Column("strategy", sa.String(length=10), nullable=False),
        sa.Column("place", sa.String(length=36), nullable=True),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "type"],
            ["device_type.tenant", "device_type.key"],
            name=op.f("fk_joining_tenant_device_type"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.id"], name=op.f("fk_joining_tenant_tenant")),
        sa.PrimaryKeyConstraint("tenant", "type", name=op.f("pk_joining")),
        sa.UniqueConstraint("key", name=op.f("uq_joining_key")),
    )


def _joined() -> None:
    op.create_table(
        "joined",
        sa.Column("device", sa.String(length=36), nullable=False),
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_joined_device_device")),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.id"], name=op.f("fk_joined_tenant_tenant")),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_joined")),
    )
