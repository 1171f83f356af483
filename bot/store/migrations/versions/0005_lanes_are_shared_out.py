"""Who would like to have a lane: a node that came later asks for its share."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Adds the column."""
    op.add_column("lane", sa.Column("wanted_by", sa.String(), nullable=True))
