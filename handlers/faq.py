"""Free questions: answered when sure, else offered what they may mean, else passed to the organizer."""

from __future__ import annotations

from bot.answers.matcher import Outcome as Found
from bot.answers.normalize import language_of, number, plain
from bot.conversation.router import Router
from bot.conversation.turn import Turn
from bot.message import Choice, Reply
from bot.questions.waiting import leave
from bot.store.tables import Outcome
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
_WHILE_OPEN = ("register", "edit", "cancel", "colleague")  # what is of no use once registration is closed


@router.role("free")
def ask(turn: Turn) -> Reply:
    """Anything that no other handler stands for."""
    if plain(turn.text) in _NODS:
        return Reply(turn.say("nod"))
    if language := language_of(turn.text):
        turn.speak(language, chosen=False)
    match = turn.match
    turn.outcome = match.outcome.value
    if match.outcome is Found.ANSWER and match.entry:
        return answer(turn, match.entry)
    if match.outcome is Found.SUGGEST:
        return _suggest(turn, match.suggestions)
    if not any(character.isalnum() for character in turn.text):
        return Reply(turn.say("help" if "?" in turn.text.replace("？", "?") else "media"))
    if number(turn.text) is not None:
        return Reply(turn.say("number.nothing"))
    return Reply(pass_on(turn), choices=_sights(turn))


@router.tag("faq", aside=True)
def suggested(turn: Turn) -> Reply:
    """A suggestion was tapped, or that none of them is meant."""
    asked, turn.state.asked = turn.state.asked, ""
    entry = turn.tag[1] if len(turn.tag) > 1 else ""
    if entry in turn.content.faq:
        turn.outcome = "suggestion"
        return answer(turn, entry)
    if entry == "none" and asked:
        turn.outcome = "unknown"
        forward(turn, asked)
        return Reply(turn.say("unknown.forwarded"))
    return Reply(turn.say("stale"), choices=_sights(turn))


def answer(turn: Turn, entry_id: str) -> Reply:
    """The text of an entry; once the event is over it speaks of the past."""
    following = _NEXT.get(entry_id)
    shut = closed(turn)
    if shut and following in _WHILE_OPEN:
        return Reply(shut, choices=ways_on(turn))
    text = turn.fill(turn.content.faq[entry_id].answer)
    if turn.content.over(turn.now):
        text = f"{turn.say('past')}\n{text}"
    return Reply(text, choices=(turn.choice(f"choice.{following}"),) if following else ())


def pass_on(turn: Turn) -> str:
    """Says that nobody here knows; what may be ours is kept for the organizers."""
    if not turn.match.ours:
        return turn.say("unknown.not_ours")
    forward(turn, turn.text)
    return turn.say("unknown.forwarded")


def forward(turn: Turn, text: str) -> None:
    """Keeps a question for the organizers."""
    leave(turn.session, turn.person.id, text, turn.language, Outcome.UNKNOWN, turn.now)


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
