"""Free questions: answered when sure, else offered what they may mean, else passed to the organizer."""

from __future__ import annotations

from bot.answers.matcher import Match
from bot.answers.matcher import Outcome as Found
from bot.answers.normalize import courtesy, language_of, number, plain
from bot.conversation.router import Router
from bot.conversation.turn import Turn
from bot.message import Choice, Reply
from bot.questions.asked import keep, none_meant, tapped
from bot.store.tables import Outcome
from handlers.me import status
from handlers.opening import closed, ways_on

router = Router()

_NODS = frozenset(("yes", "no", "是", "是的", "对", "不", "不是"))  # said outside the form, these ask nothing

# What a person may well do after reading an entry.
_NEXT = {
    "register": "register",
    "deadline": "register",
    "change": "edit",
    "cancel": "cancel",
    "confirmation": "me",
    "checkin": "me",
    "colleague": "colleague",
    "agenda": "agenda",
    "where": "venue",
    "transport": "venue",
    "privacy": "privacy",
    "contact": "organizer",
}
_STATUS = "confirmation"  # begins with how the person's own registration stands
_WHILE_OPEN = ("register", "edit", "cancel", "colleague")  # what is of no use once registration is closed


@router.role("free")
def ask(turn: Turn) -> Reply:
    """Anything that no other handler stands for."""
    if plain(turn.text) in _NODS or courtesy(turn.text):
        return Reply(turn.say("nod"))
    speak_as_asked(turn)
    match = turn.match = followed(turn)
    turn.outcome = match.outcome.value
    if match.outcome is Found.ANSWER and match.entry:
        keep(turn, match, Outcome.ANSWER)
        return answer(turn, match.entry)
    if match.outcome is Found.SUGGEST:
        keep(turn, match, Outcome.SUGGEST)
        return _suggest(turn, match.suggestions)
    if not any(character.isalnum() for character in turn.text):
        return Reply(turn.say("help" if "?" in turn.text.replace("？", "?") else "media"))
    if (place := number(turn.text)) is not None:
        return _numbered(turn, place)
    return Reply(pass_on(turn), choices=_sights(turn))


def speak_as_asked(turn: Turn) -> None:
    """Goes on in the language of the question. Chinese in latin letters is no English."""
    language = None if turn.match.spelt else language_of(turn.text)
    if language:
        turn.speak(language, chosen=False)


@router.tag("faq", aside=True)
def suggested(turn: Turn) -> Reply:
    """A suggestion was tapped, or that none of them is meant."""
    asked, turn.state.asked = turn.state.asked, ""
    entry = turn.tag[1] if len(turn.tag) > 1 else ""
    if entry in turn.content.faq:
        turn.outcome = "suggestion"
        if asked and any(choice.tag == f"faq.{entry}" for choice in turn.state.offered):
            tapped(turn, entry)
        return answer(turn, entry)
    if entry == "none" and asked and none_meant(turn):
        turn.outcome = "unknown"
        return Reply(turn.say("unknown.forwarded"))
    return Reply(turn.say("stale"), choices=_sights(turn))


def answer(turn: Turn, entry_id: str) -> Reply:
    """The text of an entry; once the event is over it speaks of the past. A follow-up will be about it."""
    turn.remember(entry_id)
    following = _NEXT.get(entry_id)
    shut = closed(turn)
    if shut and following in _WHILE_OPEN:
        return Reply(shut, choices=ways_on(turn))
    text = turn.fill(turn.content.faq[entry_id].answer)
    if turn.content.over(turn.now):
        text = f"{turn.say('past')}\n{text}"
    if entry_id == _STATUS:
        text = "\n".join(filter(None, (status(turn), text)))
    return Reply(text, choices=(turn.choice(f"choice.{following}"),) if following else ())


def followed(turn: Turn) -> Match:
    """What the matcher makes of the question, read as a follow-up to the last answer where it is one."""
    return turn.with_last(turn.match, turn.last) if turn.last else turn.match


def pass_on(turn: Turn) -> str:
    """Says that nobody here knows; what may be ours waits for the organizers, if it was kept."""
    kept = keep(turn, turn.match, Outcome.UNKNOWN if turn.match.ours else Outcome.FOREIGN)
    if not turn.match.ours:
        return turn.say("unknown.not_ours")
    return turn.say("unknown.forwarded" if kept else "unknown.enough")


def _numbered(turn: Turn, place: int) -> Reply:
    """A number alone: an item of the agenda, where that was spoken of; else there is nothing to choose."""
    entry = f"agenda_{place}"
    if turn.last.startswith("agenda") and entry in turn.content.faq:
        return answer(turn, entry)
    return Reply(turn.say("number.nothing"))


def _suggest(turn: Turn, entries: tuple[str, ...]) -> Reply:
    turn.state.asked = turn.text
    options = [_title(turn, entry) for entry in entries]
    return Reply(ask=turn.say("unknown.which"), choices=(*options, turn.choice("choice.none_of_these", "faq.none")))


def _title(turn: Turn, entry_id: str) -> Choice:
    title = turn.content.faq[entry_id].title
    return Choice(title.of(turn.language), title.of(turn.language), f"faq.{entry_id}", (title.zh, title.en))


def _sights(turn: Turn) -> tuple[Choice, ...]:
    """What may be asked instead, for people registered and not."""
    return turn.choice("choice.agenda"), turn.choice("choice.venue")
