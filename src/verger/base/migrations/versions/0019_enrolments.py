"""Enrolments, strangers and what they said, and the secrets of families' devices."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take this step."""
    _enrolments()
    _strangers()
    op.create_table(
        "pairing",
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("dialect", sa.String(length=40), nullable=False),
        sa.Column("identity", sa.String(length=200), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("proven", sa.Boolean(), nullable=False),
        sa.Column("open_until", sa.BigInteger(), nullable=True),
        sa.Column("asked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.id"], name=op.f("fk_pairing_tenant_tenant"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant", "dialect", "identity", name=op.f("pk_pairing")),
    )


def _enrolments() -> None:
    op.create_table(
        "enrolment",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("dialect", sa.String(length=40), nullable=False),
        sa.Column("place", sa.String(length=36), nullable=False),
        sa.Column("open_until", sa.BigInteger(), nullable=False),
        sa.Column("max_devices", sa.Integer(), nullable=False),
        sa.Column("networks", sa.JSON(), nullable=False),
        sa.Column("certificates", sa.JSON(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=True),
        sa.Column("let_in", sa.Integer(), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["place"], ["place.id"], name=op.f("fk_enrolment_place_place"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.id"], name=op.f("fk_enrolment_tenant_tenant"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolment")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_enrolment_key_hash")),
    )
    with op.batch_alter_table("enrolment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_enrolment_tenant"), ["tenant"], unique=False)
        batch_op.create_index(batch_op.f("ix_enrolment_place"), ["place"], unique=False)


def _strangers() -> None:
    op.create_table(
        "stranger",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("enrolment", sa.String(length=36), nullable=False),
        sa.Column("dialect", sa.String(length=40), nullable=False),
        sa.Column("identity", sa.String(length=200), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("gateway", sa.String(length=200), nullable=True),
        sa.Column("path", sa.JSON(), nullable=False),
        sa.Column("channels", sa.JSON(), nullable=False),
        sa.Column("sample", sa.JSON(), nullable=False),
        sa.Column("readings", sa.Integer(), nullable=False),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["enrolment"], ["enrolment.id"], name=op.f("fk_stranger_enrolment_enrolment"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.id"], name=op.f("fk_stranger_tenant_tenant"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stranger")),
        sa.UniqueConstraint("tenant", "dialect", "identity", name=op.f("uq_stranger_tenant")),
    )
    with op.batch_alter_table("stranger", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stranger_tenant"), ["tenant"], unique=False)
        batch_op.create_index(batch_op.f("ix_stranger_enrolment"), ["enrolment"], unique=False)
    op.create_table(
        "stranger_word",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stranger", sa.String(length=36), nullable=False),
        sa.Column("readings", sa.Integer(), nullable=False),
        sa.Column("said", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["stranger"], ["stranger.id"], name=op.f("fk_stranger_word_stranger_stranger"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stranger_word")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("stranger_word", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stranger_word_stranger"), ["stranger"], unique=False)
