"""Registrations as JSON lines, CSV or an Excel file, for people and scripts."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select
from sqlmodel import Session, col

from bot.conversation.arrival import is_hashed
from bot.registration.register import COLUMNS
from bot.store.tables import Contact, Registration, Status

FIELDS = (
    "reference", "status", "category", "programme", "organization", "name", "title", "phone", "email", "language",
    "channel", "user_id", "registered_by", "source", "consent_version", "created_at", "decided_at", "checked_in_at",
)  # fmt: skip
BYTE_ORDER_MARK = "\ufeff".encode()  # by which Excel knows UTF-8
_SLICE = 1000
_DANGEROUS = ("=", "@", "\t", "\r")  # a spreadsheet would run it: OWASP, CSV injection


def own_columns(session: Session, condition: ColumnElement[bool], asked: Iterable[str]) -> tuple[str, ...]:
    """The organizer's own questions, for a table's columns: as the form asks them, then those that it asked before."""
    stored: set[str] = set()
    statement = select(col(Registration.more)).where(condition).execution_options(yield_per=_SLICE)
    for answers in session.scalars(statement):
        stored.update(answers)
    now = [name for name in asked if name not in (*COLUMNS, "consent")]
    return (*now, *sorted(stored.difference(now)))


def rows(session: Session, condition: ColumnElement[bool], zone: ZoneInfo) -> Iterator[dict[str, Any]]:
    """The registrations that meet a condition, in the order they were made; times in the event's zone."""
    statement = (
        select(Registration, col(Contact.user_id))
        .join(Contact, col(Contact.id) == col(Registration.contact_id), isouter=True)
        .where(condition)
        .order_by(col(Registration.id))
        .execution_options(yield_per=_SLICE)
    )
    for registration, user_id in session.execute(statement):
        record = {name: getattr(registration, name, None) for name in FIELDS}
        record["user_id"] = None if user_id is None or is_hashed(user_id) else user_id
        yield {name: _shown(value, zone) if value != "" else None for name, value in record.items()} | registration.more


def by_status(session: Session) -> dict[str, int]:
    """How many registrations stand in each status, every status named."""
    statement = select(col(Registration.status), func.count()).group_by(col(Registration.status))
    return {status.value: 0 for status in Status} | {str(status): count for status, count in session.execute(statement)}


def as_jsonl(records: Iterator[dict[str, Any]], _: Iterable[str] = ()) -> Iterator[bytes]:
    """One JSON object a line; each names the organizer's own questions itself."""
    for record in records:
        yield json.dumps(record, ensure_ascii=False).encode() + b"\n"


def as_csv(records: Iterator[dict[str, Any]], more: Iterable[str] = ()) -> Iterator[bytes]:
    """Comma separated, with a header and a mark by which Excel knows UTF-8. Nothing in it runs as a formula.

    `more` names the columns behind the contract's own.
    """
    columns = (*FIELDS, *more)
    yield BYTE_ORDER_MARK + csv_line(columns)
    for record in records:
        yield csv_line(record.get(name) for name in columns)


def csv_line(values: Iterable[Any]) -> bytes:
    """One line of a CSV file; nothing in it runs as a formula."""
    out = io.StringIO()
    csv.writer(out).writerow(map(_harmless, values))
    return out.getvalue().encode()


def as_xlsx(records: Iterator[dict[str, Any]], more: Iterable[str] = ()) -> Iterator[bytes]:
    """An Excel file; every cell is text, so that phones keep their plus and nothing runs. `more` as in `as_csv`."""
    import xlsxwriter  # here, for only a command needs it: 2 MiB of every `serve`

    columns = (*FIELDS, *more)
    file = io.BytesIO()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}

    with xlsxwriter.Workbook(file, options) as book:
        sheet = book.add_worksheet("registrations")
        sheet.freeze_panes(1, 0)
        for column, name in enumerate(columns):
            sheet.write_string(0, column, name, book.add_format({"bold": True}))
        for number, record in enumerate(records, 1):
            for column, name in enumerate(columns):
                sheet.write_string(number, column, str(record.get(name) or ""))
    yield file.getvalue()


def _shown(value: Any, zone: ZoneInfo) -> Any:
    return value.astimezone(zone).isoformat(timespec="seconds") if isinstance(value, datetime) else value


def _harmless(value: Any) -> str:
    text = str(value or "")
    signed = text.startswith(("+", "-")) and not text[1:].isdigit()
    return f"'{text}" if signed or text.startswith(_DANGEROUS) else text
