"""From which run on a rule's runs count towards how often it may fire."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take this step."""
    with op.batch_alter_table("rule", schema=None) as batch_op:
        batch_op.add_column(sa.Column("counted_after", sa.String(length=36), nullable=True))
