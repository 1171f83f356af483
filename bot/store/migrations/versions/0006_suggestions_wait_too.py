"""Questions whose suggestions nobody took wait for an organizer as well."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
_WAITS = sa.text("closed_at IS NULL AND outcome IN ('unknown', 'note', 'suggest')")


def upgrade() -> None:
    """Makes the index of what is open anew."""
    op.drop_index("open_question", "question")
    op.create_index("open_question", "question", ["asked_at"], sqlite_where=_WAITS, postgresql_where=_WAITS)
