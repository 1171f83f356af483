"""What the talks share: people, what they say and are shown, and what stands in the database afterwards."""

from __future__ import annotations

import itertools
import re
import uuid
from typing import TypeVar

from sqlalchemy import ColumnElement
from sqlmodel import Session, SQLModel, col, select

from bot.sandbox.telegram_phone import Phone as Writer
from bot.sandbox.wechat_phone import Phone as Follower
from bot.store.database import Database
from bot.store.tables import Asked, Contact, Kept, Outcome, Registration
from tests.served import House, Platforms

Phone = Follower | Writer
Row = TypeVar("Row", bound=SQLModel)

REFERENCE = re.compile(r"FFS-[0-9A-HJKMNP-TV-Z]{6}")
FORM = ("报名", "同意", "4", "1", "东莞市欢乐玩具厂", "王芳", "人事经理", "13800138000", "wangfang@example.com")
"""What a factory's HR manager says, up to the review."""
FORM_EN = ("register", "agree", "2", "1", "Happy Toys Ltd", "Ann Lee", "skip", "+85261234567", "ann@example.com")
"""What a brand's CSR officer says, up to the review."""

_people = itertools.count(70_000_001)


def follower(home: House | Platforms) -> Follower:
    """Somebody on WeChat whom nobody has seen before."""
    return home.wechat.phone(f"o{uuid.uuid4().hex[:27]}")


def writer(home: House | Platforms, language_code: str = "") -> Writer:
    """Somebody on Telegram whom nobody has seen before."""
    return home.telegram.phone(next(_people), language_code=language_code)


async def act(phone: Phone, said: str) -> str:
    """Says it, or taps it where it stands in brackets: `[确认]`. What is shown then."""
    if said.startswith("[") and said.endswith("]"):
        return await phone.taps(said[1:-1])
    return await phone.says(said)


async def talk(phone: Phone, *turns: tuple[str, str]) -> str:
    """A conversation: what is said or tapped, and a piece of what has to come back. The last reply."""
    reply = ""
    for said, expected in turns:
        reply = await act(phone, said)
        assert expected in reply, f"{said!r} was answered {reply!r}, without {expected!r}"
    return reply


async def says(phone: Phone, *texts: str) -> str:
    """Says or taps one after the other; the last reply."""
    reply = ""
    for text in texts:
        reply = await act(phone, text)
    return reply


async def registers(phone: Phone, *form: str) -> str:
    """Goes through the form and confirms; the reference."""
    return reference_in(await says(phone, *(form or FORM), "确认"))


def reference_in(reply: str) -> str:
    """The reference that a reply names."""
    found = REFERENCE.search(reply)
    assert found, f"no reference in {reply!r}"
    return found[0]


def options(phone: Phone) -> list[str]:
    """The labels of what the last line of the bot offers, numbers left out."""
    line = next(line for line in reversed(phone.transcript.lines) if line.who == "bot")
    return [option.label.lstrip("0123456789 ") for option in line.choices]


def lines(phone: Phone, who: str = "bot") -> list[str]:
    """Everything that one side said, in order."""
    return [line.text for line in phone.transcript.lines if line.who == who]


def whose(phone: Phone) -> str:
    """The person's id as we store it."""
    return phone.openid if isinstance(phone, Follower) else str(phone.user_id)


async def contact(database: Database, phone: Phone) -> Contact | None:
    """The person's row."""
    rows = await _rows(database, Contact, col(Contact.user_id) == whose(phone))
    return rows[0] if rows else None


async def registrations(database: Database, phone: Phone) -> list[Registration]:
    """What is registered under that person's chat, in order."""
    mine = select(col(Contact.id)).where(col(Contact.user_id) == whose(phone))
    return await _rows(database, Registration, col(Registration.contact_id).in_(mine))


async def questions(database: Database, phone: Phone) -> list[str]:
    """The questions and notes that wait for an organizer."""
    mine = select(col(Contact.id)).where(col(Contact.user_id) == whose(phone))
    waiting = col(Asked.outcome).in_((Outcome.UNKNOWN, Outcome.NOTE)), col(Asked.closed_at).is_(None)
    return [row.text for row in await _rows(database, Asked, col(Asked.contact_id).in_(mine), *waiting)]


async def kept(database: Database, phone: Phone) -> list[Kept]:
    """The bodies of that person which nobody understood."""
    return await _rows(database, Kept, col(Kept.user_id) == whose(phone))


async def everything(database: Database) -> str:
    """Every row of every table, as text: to look for what must not be there any more."""

    def read(session: Session) -> str:
        return "\n".join(
            str(tuple(row)) for table in SQLModel.metadata.sorted_tables for row in session.execute(table.select())
        )

    return await database.read(read)


async def _rows(database: Database, table: type[Row], *conditions: ColumnElement[bool]) -> list[Row]:
    statement = select(table).where(*conditions).order_by("id")
    return await database.read(lambda session: list(session.scalars(statement)))


def content_with(home: House | Platforms) -> None:
    """Neither platform has anything to complain about, and nobody waits for an answer."""
    found = (home.wechat.violations, home.wechat.faults, home.telegram.violations, home.telegram.unanswered)
    provoked(home)
    assert found == ([], 0, [], [])


def provoked(home: House | Platforms) -> list[str]:
    """What the platforms complain about, where a test made them; afterwards they have forgotten it."""
    found = [*home.wechat.violations, *home.telegram.violations]
    home.wechat.violations, home.wechat.faults, home.telegram.violations = [], 0, []
    for number in home.telegram.unanswered:
        home.telegram.presses[number].answered = True
    return found
