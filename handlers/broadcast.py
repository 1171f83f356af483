"""群发: an organizer writes to many from Telegram: to whom, what, a look at it, and only then it leaves."""

from __future__ import annotations

import re

from bot.answers.normalize import plain
from bot.content.words import LANGUAGES, Language
from bot.conversation.router import Router
from bot.conversation.state import Letter
from bot.conversation.turn import Turn
from bot.delivery import announcements, report
from bot.delivery.audience import WrongFilter, check
from bot.delivery.preview import preview, readers
from bot.message import Choice, Reply
from bot.registration.faults import wrong
from handlers.addressing import AUDIENCES, ask_filter, ask_who
from handlers.help import EXIT, leave_form
from handlers.preview import shown
from handlers.progress import described, progress, steering

MANY = 50  # people: from there on the number itself has to be typed
_BEGIN, _PROGRESS = ("群发", "broadcast"), ("进度", "progress")
_CANCEL, _HELP = ("取消", "cancel"), ("帮助", "help")
_NOBODY = ("跳过", "skip", "")  # no text in this language; of a dash alone nothing is left
_SEND = re.compile(r"(?:send|发送)?\s*(\d+)\s*人?")

router = Router()


@router.on(*_BEGIN, organizers=True)
def begin(turn: Turn) -> Reply:
    """A new letter. One that is half written goes on; while another is on its way, what to do with that comes first."""
    if turn.state.letter:
        again = _again(turn, turn.state.letter, turn.say("broadcast.half_written"))
        return Reply(again.text, again.ask, again.choices or _choices(turn, "change", "drop"))
    under_way = [seen for seen in report.under_way(turn.session) if not seen.scheduled(turn.now)]
    if not under_way:
        return _new(turn)
    choices = (*steering(turn, under_way), *_choices(turn, "new"))
    return Reply(described(turn, under_way), turn.say("broadcast.under_way"), choices)


@router.role("letter")
def compose(turn: Turn) -> Reply:
    """The next part of the letter, or one of the few words that are none."""
    letter = turn.state.letter
    assert letter is not None
    said = plain(turn.text)
    if said in EXIT:
        return leave_form(turn)
    if said in _CANCEL:
        return Reply(ask=turn.say("broadcast.ask_drop"), choices=_choices(turn, "drop", "keep"))
    if said in _HELP:
        return _again(turn, letter, turn.say("broadcast.help"))
    if said in _BEGIN:
        return begin(turn)
    if said in _PROGRESS:
        return progress(turn)
    steps = {"who": _who, "zh": _text, "en": _text, "check": _check}
    return steps[letter.at](turn, letter)


@router.tag("letter", organizers=True)
def tapped(turn: Turn) -> Reply:
    """What is chosen by button: a new one, to whom, send or not."""
    letter, what = turn.state.letter, turn.tag[1]
    if what in ("new", "change"):
        return _new(turn)
    if letter is None:
        return Reply(turn.say("stale"))
    if what == "who":
        group = turn.tag[2]
        return _addressed(turn, letter, AUDIENCES[group]) if group in AUDIENCES else ask_filter(turn)
    if what == "send":
        return _confirmed(turn, letter) if letter.people <= MANY else Reply(ask=_question(turn, letter))
    if what == "keep":
        return _again(turn, letter)
    turn.state.letter = None
    return Reply(turn.say("broadcast.dropped"))


def _new(turn: Turn) -> Reply:
    turn.state.letter = Letter()
    return ask_who(turn)


def _again(turn: Turn, letter: Letter, note: str = "") -> Reply:
    """What the letter waits for, once more."""
    if letter.at == "who":
        return ask_who(turn, note)
    if letter.at == "check":
        return _look(turn, letter, note)
    return _ask_text(turn, letter, note)


def _who(turn: Turn, letter: Letter) -> Reply:
    return _addressed(turn, letter, turn.text)


def _addressed(turn: Turn, letter: Letter, filter_text: str) -> Reply:
    try:
        check(filter_text, turn.content.form)
        meant = readers(turn.session, filter_text)
    except WrongFilter as error:
        return ask_who(turn, turn.say("broadcast.wrong_filter", fault=error))
    if not meant:
        return ask_who(turn, turn.say("broadcast.nobody"))
    letter.where, letter.at = filter_text, "zh"
    return _ask_text(turn, letter)


def _ask_text(turn: Turn, letter: Letter, note: str = "") -> Reply:
    """Names the placeholders as they are typed, and whether the language may be left out."""
    count = readers(turn.session, letter.where)[letter.at]
    asks = [turn.say("broadcast.ask_en", count=count)]
    if letter.at == "zh":
        asks = [turn.say("broadcast.ask_zh", count=count, name="{name}", reference="{reference}")]
    asks += [] if count else [turn.say("broadcast.may_skip")]
    return Reply(note, "\n".join(asks))


def _text(turn: Turn, letter: Letter) -> Reply:
    """One that could not be sent is asked again at once, and that one alone."""
    language: Language = "zh" if letter.at == "zh" else "en"
    text = "" if plain(turn.text) in _NOBODY else turn.text.strip()
    if fault := _fault(turn, letter, language, text):
        return _ask_text(turn, letter, fault)
    if language == "zh":
        letter.zh, letter.at = text, "check" if letter.en else "en"
    else:
        letter.en, letter.at = text, "check"
    return _again(turn, letter)


def _fault(turn: Turn, letter: Letter, language: Language, text: str) -> str:
    """Why this text cannot be sent to those who read the language; empty: it can."""
    name = turn.say(f"broadcast.language.{language}")
    count = readers(turn.session, letter.where)[language]
    if not text:
        return turn.say("broadcast.needed", count=count, language=name) if count else ""
    rows = wrong(turn.content, text, turn.venue, language)
    lines = (turn.say(row.key, **row.values) for row in rows)
    return turn.say("broadcast.wrong", language=name, faults="\n".join(lines)) if rows else ""


def _look(turn: Turn, letter: Letter, note: str = "") -> Reply:
    """What would happen, before anything does. Since the texts were typed the people and the content may be others."""
    for language in LANGUAGES:
        if fault := _fault(turn, letter, language, letter.texts.get(language, {}).get("text", "")):
            letter.at = language
            return _ask_text(turn, letter, fault)
    seen = preview(turn.session, letter.where, letter.texts, turn.accounts, turn.now)
    if not seen.people:
        letter.at = "who"
        return ask_who(turn, turn.say("broadcast.nobody"))
    letter.people = seen.people
    text = "\n".join(filter(None, (note, *shown(turn, letter, seen))))
    return Reply(text, _question(turn, letter), _send_or_not(turn, letter))


def _question(turn: Turn, letter: Letter) -> str:
    many = letter.people > MANY
    return turn.say("broadcast.type_number", people=letter.people) if many else turn.say("broadcast.ask_send")


def _send_or_not(turn: Turn, letter: Letter) -> tuple[Choice, ...]:
    return _choices(turn, *(("change", "drop") if letter.people > MANY else ("send", "change", "drop")))


def _choices(turn: Turn, *names: str) -> tuple[Choice, ...]:
    return tuple(turn.choice(f"broadcast.{name}", f"letter.{name}") for name in names)


def _check(turn: Turn, letter: Letter) -> Reply:
    """Many people are written to only by who typed how many: SEND 87, or 87."""
    typed = _SEND.fullmatch(plain(turn.text))
    if typed and int(typed[1]) == letter.people:
        return _confirmed(turn, letter)
    return Reply(turn.say("broadcast.not_sent"), _question(turn, letter), _send_or_not(turn, letter))


def _confirmed(turn: Turn, letter: Letter) -> Reply:
    try:
        name = announcements.broadcast(
            turn.connection,
            accounts=turn.accounts,
            now=turn.now,
            texts=letter.texts,
            audience=letter.where,
            by="chat",
            again=letter.again,
        )
    except announcements.AnnouncedLately:
        letter.again = True  # said once more, it is meant
        return Reply(turn.say("broadcast.lately"), _question(turn, letter), _send_or_not(turn, letter))
    turn.state.letter = None
    choices = steering(turn, [report.progress(turn.session, name)], alone=True)
    return Reply(turn.say("broadcast.queued", people=letter.people, id=name), choices=choices)
