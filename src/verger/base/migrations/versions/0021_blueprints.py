"""Blueprints: which lie on which places, and which of their parts were laid."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take this step."""
    op.create_table(
        "blueprint",
        sa.Column("place", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["place"], ["place.id"], name=op.f("fk_blueprint_place_place"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.id"], name=op.f("fk_blueprint_tenant_tenant"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("place", "name", name=op.f("pk_blueprint")),
    )
    with op.batch_alter_table("blueprint", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_blueprint_tenant"), ["tenant"], unique=False)
    op.create_table(
        "blueprint_mark",
        sa.Column("place", sa.String(length=36), nullable=False),
        sa.Column("blueprint", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("made", sa.String(length=120), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["place", "blueprint"],
            ["blueprint.place", "blueprint.name"],
            name=op.f("fk_blueprint_mark_place_blueprint"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenant.id"], name=op.f("fk_blueprint_mark_tenant_tenant"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("place", "blueprint", "kind", "key", name=op.f("pk_blueprint_mark")),
    )
    with op.batch_alter_table("blueprint_mark", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_blueprint_mark_tenant"), ["tenant"], unique=False)
