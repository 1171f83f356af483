"""群发: an organizer writes to everybody from Telegram: compose, look, confirm."""

from __future__ import annotations

from collections.abc import Iterator

from bot.answers.normalize import plain
from bot.content.words import LANGUAGES, Language
from bot.conversation.router import Router
from bot.conversation.state import Letter
from bot.conversation.turn import Turn
from bot.delivery import announcements
from bot.delivery.audience import WrongFilter
from bot.delivery.preview import Preview, preview
from bot.message import Choice, Reply
from bot.registration.faults import faults
from bot.store.outbox import DeliveryStatus, State
from handlers.help import EXIT, leave_form
from handlers.progress import steer, steered

MANY = 50  # people: from there on the number itself has to be typed
_NOBODY = ("跳过", "skip", "-")  # no text in this language
_AUDIENCES = {"confirmed": "status=confirmed", "all": "", "pending": "status=pending", "factory": "category=factory"}
_SHOWN = 5  # reasons in a preview: the commands show all

router = Router()


@router.on("群发", "broadcast", organizers=True)
def begin(turn: Turn) -> Reply:
    """A new letter."""
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
    """What is chosen by button: to whom, send or not, hold, go on, stop."""
    letter, what = turn.state.letter, turn.tag[1]
    if letter is None:
        return Reply(turn.say("stale"))
    if what == "who":
        return _look(turn, letter, _AUDIENCES[turn.tag[2]])
    if what == "send":
        return _confirmed(turn, letter) if letter.people <= MANY else Reply(ask=_type_number(turn, letter))
    if what == "change":
        return begin(turn)
    if what == "drop":
        turn.state.letter = None
        return Reply(turn.say("broadcast.dropped"))
    return steered(turn, letter.announcement, what)


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
        if rest := seen.rests.get(route):
            until = rest.until.astimezone(turn.content.event.zone)
            yield turn.say("broadcast.rests", until=f"{until:%m-%d %H:%M}", reason=rest.reason)
    for name, why in seen.off.items():
        yield turn.say("broadcast.off", name=name, reason=why)
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
        letter.announcement = announcements.broadcast(
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
    letter.at = ""
    return Reply(
        turn.say("broadcast.queued", people=letter.people, id=letter.announcement), choices=steer(turn, State.PLANNING)
    )
