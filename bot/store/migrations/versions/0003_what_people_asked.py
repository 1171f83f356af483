"""What people asked: the entry and score of each question, and when it was dealt with."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Widens the questions, which so far were only those that wait for a person."""
    with op.batch_alter_table("question") as question:
        question.add_column(sa.Column("entry", sa.String(), nullable=True))
        question.add_column(sa.Column("score", sa.Float(), nullable=True))
        question.add_column(sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
        question.add_column(sa.Column("answer_id", sa.String(), nullable=True))
    op.create_index("open_question", "question", ["asked_at"], sqlite_where=_OPEN, postgresql_where=_OPEN)


_OPEN = sa.text("closed_at IS NULL AND outcome IN ('unknown', 'note')")
