"""群发: an organizer writes to everybody from Telegram: compose, look, confirm."""

from __future__ import annotations

from collections.abc import Iterator

from bot.answers.normalize import plain
from bot.content.words import LANGUAGES, Language
from bot.conversation.router import Router
from bot.conversation.state import Letter
from bot.conversation.turn import Turn
from bot.delivery import announcements, report
from bot.delivery.audience import WrongFilter
from bot.delivery.preview import Preview, preview
from bot.message import Choice, Reply
from bot.registration.faults import faults
from bot.store.outbox import DeliveryStatus
from handlers.help import EXIT, leave_form
from handlers.progress import described, steering

MANY = 50  # people: from there on the number itself has to be typed
_NOBODY = ("跳过", "skip", "-")  # no text in this language
_AUDIENCES = {"confirmed": "status=confirmed", "all": "", "pending": "status=pending", "factory": "category=factory"}
_SHOWN = 5  # reasons in a preview: the commands show all

router = Router()


@router.on("群发", "broadcast", organizers=True)
def begin(turn: Turn) -> Reply:
    """A new letter; while another is on its way, what to do with that comes first."""
    under_way = [seen for seen in report.broadcasts(turn.session) if not seen.is_over and seen.due_at <= turn.now]
    if not under_way:
        return _new(turn)
    turn.state.letter = None
    new = Choice(turn.say("broadcast.new"), turn.say("broadcast.new"), "letter.new")
    choices = (*steering(turn, under_way), new)
    return Reply(described(turn, under_way), turn.say("broadcast.under_way"), choices)


def _new(turn: Turn) -> Reply:
    turn.state.letter = Letter()
    return Reply(ask=_ask_zh(turn))


@router.role("letter")
def compose(turn: Turn) -> Reply:
    """The next part of the letter."""
    letter = turn.state.letter
    assert letter is not None
    if plain(turn.text) in EXIT:
        return leave_form(turn)
    steps = {"zh": _text, "en": _text, "who": _who, "check": _check}
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
        return _look(turn, letter, _AUDIENCES[turn.tag[2]])
    if what == "send":
        return _confirmed(turn, letter) if letter.people <= MANY else Reply(ask=_type_number(turn, letter))
    turn.state.letter = None
    return Reply(turn.say("broadcast.dropped"))


def _text(turn: Turn, letter: Letter) -> Reply:
    text = "" if turn.text.strip().lower() in _NOBODY else turn.text.strip()
    if letter.at == "zh":
        letter.zh, letter.at = text, "en"
        return Reply(ask=turn.say("broadcast.ask_en"))
    letter.en, letter.at = text, "who"
    if not (letter.zh or letter.en):
        letter.at = "zh"
        return Reply(turn.say("broadcast.empty"), _ask_zh(turn))
    return _ask_who(turn)


def _ask_zh(turn: Turn) -> str:
    """Names the placeholders as they are typed."""
    return turn.say("broadcast.ask_zh", name="{name}", reference="{reference}")


def _ask_who(turn: Turn, note: str = "") -> Reply:
    rows = [Choice(turn.say(f"broadcast.to.{name}"), name, f"letter.who.{name}") for name in _AUDIENCES]
    return Reply(note, turn.say("broadcast.ask_who"), tuple(rows))


def _who(turn: Turn, letter: Letter) -> Reply:
    return _look(turn, letter, turn.text)


def _look(turn: Turn, letter: Letter, filter_text: str) -> Reply:
    """What would happen, before anything does."""
    try:
        seen = preview(turn.session, filter_text, letter.texts, turn.accounts, turn.now)
    except WrongFilter as error:
        return _ask_who(turn, str(error))
    wrong = faults(turn.content, letter.texts, turn.venue, languages=_languages(letter, seen))
    if wrong:
        letter.at = "zh"
        return Reply(turn.say("broadcast.wrong", faults="\n".join(wrong)), _ask_zh(turn))
    if not seen.people:
        return _ask_who(turn, turn.say("broadcast.nobody"))
    letter.where, letter.people, letter.at = filter_text, seen.people, "check"
    return Reply("\n".join(_shown(turn, letter, seen)), _question(turn, letter), _send_or_not(turn, letter))


def _languages(letter: Letter, seen: Preview) -> list[Language]:
    return [language for language in LANGUAGES if seen.languages[language] or language in letter.texts]


def _shown(turn: Turn, letter: Letter, seen: Preview) -> Iterator[str]:
    for text in letter.texts.values():
        yield f"「{text['text']}」"
    yield turn.say("broadcast.people", people=seen.people)
    for route, count in seen.routes.most_common():
        yield turn.say("broadcast.by_route", route=turn.say(f"broadcast.route.{route}"), count=count)
    if seen.windows:
        until = seen.windows[0].astimezone(turn.content.event.zone)
        yield turn.say("broadcast.windows", until=f"{until:%m-%d %H:%M}")
    for (status, reason), count in seen.reasons.most_common(_SHOWN):
        key = "broadcast.waits" if status == DeliveryStatus.WAITING else "broadcast.not_reached"
        yield turn.say(key, count=count, reason=reason)


def _question(turn: Turn, letter: Letter) -> str:
    return _type_number(turn, letter) if letter.people > MANY else turn.say("broadcast.ask_send")


def _type_number(turn: Turn, letter: Letter) -> str:
    return turn.say("broadcast.type_number", people=letter.people)


def _send_or_not(turn: Turn, letter: Letter) -> tuple[Choice, ...]:
    names = ("change", "drop") if letter.people > MANY else ("send", "change", "drop")
    return tuple(Choice(turn.say(f"broadcast.{name}"), name, f"letter.{name}") for name in names)


def _check(turn: Turn, letter: Letter) -> Reply:
    """Many people are written to only by who typed how many."""
    if letter.people > MANY and turn.text.strip() == str(letter.people):
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
