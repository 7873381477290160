"""Rules, what they remember, their runs, and facts that wait for them."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take this step."""
    _rule()
    _rule_memory()
    _rule_run()
    _rule_fact()


def _rule() -> None:
    op.create_table(
        "rule",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("place", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("paused_at", sa.BigInteger(), nullable=True),
        sa.Column("paused_because", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["place"], ["place.id"], name=op.f("fk_rule_place_place"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.id"], name=op.f("fk_rule_tenant_tenant"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule")),
    )
    with op.batch_alter_table("rule", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rule_place"), ["place"], unique=False)
        batch_op.create_index("ix_rule_tenant_created_at", ["tenant", "created_at"], unique=False)


def _rule_memory() -> None:
    op.create_table(
        "rule_memory",
        sa.Column("rule", sa.String(length=36), nullable=False),
        sa.Column("subject", sa.String(length=36), nullable=False),
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["rule"], ["rule.id"], name=op.f("fk_rule_memory_rule_rule"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenant.id"], name=op.f("fk_rule_memory_tenant_tenant"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("rule", "subject", name=op.f("pk_rule_memory")),
    )
    with op.batch_alter_table("rule_memory", schema=None) as batch_op:
        batch_op.create_index("ix_rule_memory_due", ["due"], unique=False)
    op.create_table(
        "rule_judged",
        sa.Column("block", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("block", name=op.f("pk_rule_judged")),
    )


def _rule_run() -> None:
    op.create_table(
        "rule_run",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("rule", sa.String(length=36), nullable=False),
        sa.Column("device", sa.String(length=36), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("because", sa.JSON(), nullable=False),
        sa.Column("then", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["rule"], ["rule.id"], name=op.f("fk_rule_run_rule_rule"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.id"], name=op.f("fk_rule_run_tenant_tenant"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_run")),
    )
    with op.batch_alter_table("rule_run", schema=None) as batch_op:
        batch_op.create_index("ix_rule_run_at", ["at"], unique=False)
        batch_op.create_index("ix_rule_run_rule_at", ["rule", "at"], unique=False)


def _rule_fact() -> None:
    op.create_table(
        "rule_fact",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("fact", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.id"], name=op.f("fk_rule_fact_tenant_tenant"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_fact")),
    )
