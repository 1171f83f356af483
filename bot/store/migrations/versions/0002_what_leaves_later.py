"""What leaves later: announcements, deliveries, lanes, reports on template messages; the calendar's sequence."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def _moment(name: str, *, nullable: bool = True) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.String(), nullable=nullable)


def upgrade() -> None:
    """Makes the tables of what is sent later."""
    op.create_table(
        "announcement",
        _text("id"),
        _text("kind"),
        _text("audience"),
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.Column("more", sa.JSON(), nullable=False),
        _moment("due_at", nullable=False),
        _moment("latest_at"),
        _moment("created_at", nullable=False),
        _text("state"),
        sa.Column("planned_to", sa.Integer(), nullable=False),
        _text("digest"),
        _text("by"),
        sa.PrimaryKeyConstraint("id"),
    )
    for name in ("digest", "due_at", "state"):
        op.create_index(f"ix_announcement_{name}", "announcement", [name])
    op.create_table(
        "lane",
        _text("account"),
        _text("holder"),
        sa.Column("epoch", sa.Integer(), nullable=False),
        _moment("until", nullable=False),
        _moment("paused_until"),
        _text("reason"),
        sa.Column("off", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("account"),
    )
    op.create_table(
        "template_end",
        _text("receipt"),
        _text("status"),
        _moment("at", nullable=False),
        sa.PrimaryKeyConstraint("receipt"),
    )
    _deliveries()
    _partial("draft_touched", "conversation", ["draft_at"], "draft_at IS NOT NULL")
    op.add_column("event", sa.Column("sequence", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("event", _text("digest", nullable=True))


def _deliveries() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        _text("announcement_id"),
        _text("person"),
        sa.Column("contact_id", sa.Integer(), nullable=True),
        sa.Column("registration_id", sa.Integer(), nullable=True),
        _text("way"),
        _text("lane", nullable=True),
        _text("route", nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        _text("status"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("tried", sa.JSON(), nullable=False),
        _text("error"),
        _moment("due_at", nullable=False),
        _moment("available_at"),
        _moment("sent_at"),
        sa.Column("epoch", sa.Integer(), nullable=False),
        _text("receipt", nullable=True),
        sa.ForeignKeyConstraint(["announcement_id"], ["announcement.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["registration_id"], ["registration.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("announcement_id", "person", "way"),
    )
    op.create_index("delivery_status", "delivery", ["status", "lane"])
    _partial("due_in_lane", "delivery", ["lane", "priority", "available_at", "id"], "status = 'queued'")
    _partial("waiting_for_person", "delivery", ["contact_id"], "status = 'waiting'")
    _partial("template_receipt", "delivery", ["receipt"], "receipt IS NOT NULL")
    op.create_index("ix_delivery_contact_id", "delivery", ["contact_id"])
    op.create_index("ix_delivery_registration_id", "delivery", ["registration_id"])


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
