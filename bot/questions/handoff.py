"""人工: hands a person to the organizers, in their chats on Telegram, and brings back what they reply there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlmodel import col

from bot.adapters.wechat.text import LIMIT, clean
from bot.conversation.state import Held
from bot.conversation.turn import Turn
from bot.delivery.batch import Batch, stored
from bot.delivery.named import Fate, people, tell
from bot.delivery.people import Person
from bot.delivery.routes import Step
from bot.delivery.whom import CHATS, chatting
from bot.questions.masked import masked
from bot.store.outbox import CLOSE, Announcement, Delivery, Kind, State, about_chat
from bot.store.statement import Statement
from bot.store.tables import Asked, Contact, Outcome

LASTS = timedelta(hours=2)  # for which the bot keeps quiet after the last word that was passed on
A_DAY = 20  # messages of one person that organizers are shown within a day
LONGEST = 1000  # characters of one that they are shown
_ROOM = 200  # of a message's length, for the sentence before an answer: bytes on WeChat, characters on Telegram
_TELEGRAM = 4096  # UTF-16 units
_FIRST_LANGUAGE = "zh"
_WHO = Statement("""
    SELECT (SELECT count(*) FROM question
            WHERE contact_id = :contact AND outcome = 'note' AND asked_at > :since),
           registration.name, registration.organization
    FROM (SELECT 1 AS one) AS always
    LEFT JOIN registration ON registration.contact_id = :contact AND registration.registered_by IS NULL
        AND registration.status <> 'cancelled'
""")
_OPEN = Statement("SELECT 1 FROM announcement WHERE id = :id AND state = 'planned'")
_MEET = Batch(
    """
    INSERT INTO contact (channel, account, user_id, language, language_chosen, source, created_at, seen_at,
                         message_left, tap_left)
    SELECT 'telegram', :account, r.user_id, :language, false, '', r.at, r.at, 0, 0
    FROM ROWS WHERE true ON CONFLICT DO NOTHING
    """,
    user_id="text", at="timestamptz",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Note:
    """What an organizer replies to: words of a person that were passed on."""

    id: str
    first: str  # the note with which the person was handed over
    contact_id: int | None  # None: the person was erased since


def hand_over(turn: Turn) -> bool:
    """Shows what this turn says to the organizers, and keeps the bot quiet; False: there is nobody who would see it.

    Nobody is shown more than A_DAY messages of one person within a day.
    """
    theirs = organizers(turn)
    if not theirs:
        return False
    since = turn.now - timedelta(days=1)
    said, name, organization = _WHO.row(turn.connection, contact=turn.person.id, since=since)
    if said >= A_DAY:
        return False
    first = turn.state.handed.id if turn.quiet and turn.state.handed else ""
    about = {
        "who": masked(" · ".join(filter(None, (name, organization)))),
        "channel": turn.message.sender.channel,
        "language": turn.language,
        "first": first,
    }
    id_, fates = tell(
        turn.connection,
        kind=Kind.NOTE,
        texts={_FIRST_LANGUAGE: {"text": _shown(turn.text)}},
        people=theirs,
        accounts=turn.accounts,
        now=turn.now,
        audience=about_chat(turn.person.id),
        more=about,
    )
    if not any(isinstance(fate, Step) for fate in fates):
        return False
    turn.state.handed = Held.of(first or id_, turn.now, LASTS)
    return True


def goes_on(turn: Turn) -> bool:
    """Whether no organizer has ended it since."""
    return turn.quiet and turn.state.handed is not None and bool(_OPEN.run(turn.connection, id=turn.state.handed.id))


def organizers(turn: Turn) -> list[Person]:
    """Those of the organizers who can be written to, but for whoever writes; who never wrote to the bot is met here."""
    accounts = turn.accounts
    chats = [chat for chat in getattr(accounts, "organizers", ()) if chat != _own_chat(turn)]
    if not chats or not accounts.telegram:
        return []
    known = _known(turn, chats)
    if missing := set(chats) - {person.address.user_id for person in known if person.address}:
        rows = [{"user_id": chat, "at": stored(turn.now)} for chat in sorted(missing)]
        _MEET.run(turn.connection, rows, account=accounts.telegram, language=_FIRST_LANGUAGE)
        known = _known(turn, chats)
    return known


def replied_to(turn: Turn) -> Note | None:
    """The note which an organizer's message answers, among those shown in their own chat; None: it is none.

    By the id of the message, or by its button: so also when nobody could know whether it had arrived.
    """
    message = turn.message
    tag = next((tag for tag in (message.tapped, message.reply_tag) if tag.startswith(CLOSE)), "")
    query: Any = select(col(Announcement.id), col(Announcement.more), col(Announcement.audience))
    query = query.join(Delivery, col(Delivery.announcement_id) == col(Announcement.id)).where(
        or_(col(Delivery.receipt) == message.reply_to, col(Announcement.id) == tag.removeprefix(CLOSE)),
        col(Delivery.contact_id) == turn.person.id,
        col(Announcement.kind) == Kind.NOTE,
    )
    row = turn.connection.execute(query).first()
    if row is None:
        return None
    id_, more, audience = row
    whose = audience.partition("=")[2]
    return Note(id_, more.get("first") or id_, int(whose) if whose else None)


def asker(turn: Turn, note: Note) -> Person | None:
    """Who asked; None: they were erased."""
    return next(iter(people(turn.connection, [note.contact_id])), None) if note.contact_id else None


def too_long(person: Person, text: str) -> bool:
    """Whether the chat of who asked takes no message of this length."""
    if person.address is not None and person.address.channel == "wechat":
        return len(clean(text).encode("utf-8", "replace")) > LIMIT - _ROOM
    return len(text.encode("utf-16-le", "surrogatepass")) // 2 > _TELEGRAM - _ROOM


def answer(turn: Turn, note: Note, person: Person) -> Fate:
    """Sends what this turn says to who asked; what becomes of it."""
    texts = {_FIRST_LANGUAGE: {"text": turn.text}}
    id_, fates = tell(
        turn.connection, kind=Kind.ANSWER, texts=texts, people=[person], accounts=turn.accounts, now=turn.now
    )
    _settle(turn, note, answer_id=id_)
    return fates[0]


def close(turn: Turn, note: Note) -> None:
    """The bot answers the person again, and what they left is dealt with."""
    named = (col(Announcement.id) == note.first, col(Announcement.kind) == Kind.NOTE)
    turn.connection.execute(update(Announcement).where(*named).values(state=State.STOPPED))
    _settle(turn, note)


def _settle(turn: Turn, note: Note, **values: Any) -> None:
    if note.contact_id is None:
        return
    mine = (
        col(Asked.contact_id) == note.contact_id,
        col(Asked.outcome) == Outcome.NOTE,
        col(Asked.closed_at).is_(None),
    )
    turn.connection.execute(update(Asked).where(*mine).values(closed_at=turn.now, **values))


def _known(turn: Turn, chats: Sequence[str]) -> list[Person]:
    theirs = (col(Contact.channel) == "telegram", col(Contact.account) == turn.accounts.telegram)
    rows = turn.connection.execute(CHATS.where(*theirs, col(Contact.user_id).in_(chats)).order_by(col(Contact.id)))
    return [chatting(row) for row in rows]


def _own_chat(turn: Turn) -> str:
    return turn.message.sender.user_id if turn.message.sender.channel == "telegram" else ""


def _shown(text: str) -> str:
    """Masked before it is cut: the rest of a number is no number any more."""
    shown = masked(text[: LONGEST + 100])
    return f"{shown[:LONGEST]}…" if len(shown) > LONGEST else shown
