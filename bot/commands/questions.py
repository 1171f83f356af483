"""What people asked and nobody could answer: listed in groups, answered, and drafted into the content."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from bot.clock import Clock
from bot.commands import opened, zone_of
from bot.commands.content import check
from bot.content.facts import NAMES, PLACEHOLDER, Venue, fill
from bot.content.load import load
from bot.content.records import Content
from bot.content.words import LANGUAGES, Words
from bot.delivery.named import Fate
from bot.delivery.routes import Accounts, Step
from bot.errors import UsherError
from bot.questions import answering, drafts, groups
from bot.questions.front import CannotEdit
from bot.questions.groups import Group
from bot.questions.nearness import meaning
from bot.questions.phrasings import Names, one_line, phrasings
from bot.registration.compose import QUOTED
from bot.registration.faults import faults
from bot.settings import Settings
from bot.store.database import Database
from bot.store.outbox import DeliveryStatus
from bot.store.tables import Event, Outcome

_EXAMPLES, _SHOWN = 5, 200  # wordings of a group that are listed, and characters of one
_TEXTS = dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What an organizer answers: an entry of the content, or a text in each language."""

    entry: str = ""
    zh: str = ""
    en: str = ""
    id: str = ""  # of the new entry that a text becomes; empty: the next free answered_N


@dataclass(slots=True)
class _Plan:
    """What an answer does: to whom, in which words, and what becomes of the content."""

    group: Group
    texts: _TEXTS
    fates: list[Fate]
    draft: drafts.Draft | None = None
    why: str = ""  # there is no draft
    folder: Path = field(default_factory=Path)


def listed(settings: Settings) -> list[dict[str, Any]]:
    """Every open group, the largest first, then which suggestions people took; times in the event's zone."""
    zone, space = zone_of(settings), meaning()

    def look(session: Session) -> list[Group]:
        connection = session.connection()
        return groups.open_groups(connection, space) + groups.tapped(connection)

    with closing(opened(settings)) as database:
        return [_row(group, zone) for group in database.read_now(look)]


def in_words(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The same for a person to read."""
    for row in rows:
        if row["kind"] == Outcome.TAPPED:
            yield f"people tapped {row['nearest']}: {row['count']} after asking, newest {row['newest'][:16]}"
        else:
            near = f", nearest {row['nearest']} {row['score']:.2f}" if row["nearest"] else ""
            spoken = " ".join(row["languages"])
            what = "a note" if row["kind"] == Outcome.NOTE else f"{row['count']} asked"
            yield f"{row['id']}: {what} by {row['people']}, newest {row['newest'][:16]}, {spoken}{near}"
        yield from (f"    {text}" for text in row["examples"])


def look_ahead(settings: Settings, clock: Clock, name: str, said: Answer) -> Iterator[str]:
    """Whom an answer would reach, and what would be written into the content; writes nothing. Raises UsherError."""
    with closing(opened(settings)) as database:
        plan = database.read_now(lambda session: _planned(session, settings, clock, name, said))
    yield from _told(plan.group, plan.fates)
    yield from plan.draft.lines() if plan.draft else [f"nothing is added to the content: {plan.why}"]


def answer(settings: Settings, clock: Clock, name: str, said: Answer) -> Iterator[str]:
    """Answers everybody of a group, and drafts it into the content; says what became of both. Raises UsherError."""
    with closing(opened(settings)) as database:
        plan = database.read_now(lambda session: _planned(session, settings, clock, name, said))
        announced, plan.fates = _announced(database, plan, Accounts.of(settings), clock)
    yield f"answered as {' '.join(announced)}"
    yield from _told(plan.group, plan.fates)
    yield from _drafted(plan)


def _announced(database: Database, plan: _Plan, accounts: Accounts, clock: Clock) -> tuple[list[str], list[Fate]]:
    """Some hundred people in each transaction; if it is cut off, the rest of the group still waits."""
    names, fates = [], []
    for questions in answering.slices(plan.group):
        name, told = database.transact_now(
            lambda found, asked=questions: answering.answer(  # type: ignore[misc]
                found, asked, plan.texts, accounts, clock.now(), "command"
            )
        )
        names.append(name)
        fates += told
    return names, fates


def _planned(session: Session, settings: Settings, clock: Clock, name: str, said: Answer) -> _Plan:
    """Everything that can be wrong is found here, before anybody is told."""
    folder = settings.content_folder()
    content = load(folder)
    connection = session.connection()
    texts = _texts(content, session, said)
    group = answering.find(connection, groups.open_groups(connection, meaning()), name)
    fates = answering.look_ahead(connection, group, texts, Accounts.of(settings), clock.now())
    plan = _Plan(group, texts, fates, folder=folder)
    try:
        plan.draft = _draft(content, plan, said, Names.read(connection))
    except drafts.WrongId:
        raise
    except (CannotEdit, drafts.CannotDraft) as fault:
        plan.why = str(fault)
    if plan.draft and (found := drafts.faults(folder, plan.draft, lambda copy: check(settings, copy))):
        raise UsherError("the answer cannot stand in the content: " + "; ".join(map(str, found)))
    return plan


def _texts(content: Content, session: Session, said: Answer) -> _TEXTS:
    """The answer in each language. Raises UsherError for one that cannot be sent, or not stand in the content."""
    if said.entry:
        if said.entry not in content.faq:
            raise UsherError(f"--entry {said.entry}: no such entry; expected one of {', '.join(content.faq)}")
        words = content.faq[said.entry].answer
    else:
        words = Words(zh=said.zh, en=said.en)
    texts: _TEXTS = {language: {"text": words.of(language)} for language in LANGUAGES}
    unknown = {name for row in texts.values() for name in PLACEHOLDER.findall(row["text"])} - NAMES
    if unknown:
        raise UsherError(f"{{{min(unknown)}}} is not known here; expected one of {', '.join(sorted(NAMES))}")
    stored = session.get(Event, "event")
    venue = Venue.from_stored(stored.venue) if stored and stored.venue else None
    if found := faults(content, _with_quote(content, texts), venue):
        raise UsherError("answer: " + "; ".join(found))
    return texts


def _with_quote(content: Content, texts: _TEXTS) -> _TEXTS:
    """As long as compose.py may make them."""
    longest = {
        language: "\n".join(
            fill(content.texts[key].of(language), {"question": "问" * QUOTED})
            for key in ("answer.asked", "handoff.answer")
        )
        for language in texts
    }
    return {language: {"text": f"{longest[language]}\n{row['text']}"} for language, row in texts.items()}


def _draft(content: Content, plan: _Plan, said: Answer, names: Names) -> drafts.Draft:
    if plan.group.kind == Outcome.NOTE:
        raise drafts.CannotDraft("a note to the organizers is nobody else's question")
    asked = [entry.ask for entry in content.faq.values()] + [content.out_of_scope]
    known = [text for languages in asked for texts in languages.values() for text in texts]
    added = phrasings(plan.group.questions, names, known)
    if not any(added.values()):
        raise drafts.CannotDraft("every wording stands there already, names somebody, or is too long")
    if said.entry:
        return drafts.more(plan.folder, said.entry, added)
    answers = {language: row["text"] for language, row in plan.texts.items()}
    return drafts.new(content, plan.folder, said.id or drafts.free_id(content, plan.folder), added, answers)


def _drafted(plan: _Plan) -> Iterator[str]:
    """The answer is out: a folder that nobody may write to is no reason to fail."""
    if plan.draft is None:
        yield f"nothing is added to the content: {plan.why}"
        return
    try:
        drafts.write(plan.folder, plan.draft)
    except (OSError, drafts.CannotDraft) as fault:
        why = fault.strerror if isinstance(fault, OSError) else str(fault)
        yield f"the content could not be written ({why}); please add:"
    else:
        yield "written into the content:"
    yield from plan.draft.lines()


def _told(group: Group, fates: Sequence[Fate]) -> Iterator[str]:
    """How many are told by which route, and who is not, and why."""
    yield f"{len(group.people)} people asked {len(group.questions)} times"
    routes = Counter(fate.route.value for fate in fates if isinstance(fate, Step))
    for route, count in routes.most_common():
        yield f"now by {route}: {count}"
    for (status, reason), count in Counter(fate for fate in fates if not isinstance(fate, Step)).most_common():
        shown = "waiting (shown when they next write)" if status == DeliveryStatus.WAITING else status
        yield f"not now, {shown}: {count}, {reason}"


def _row(group: Group, zone: ZoneInfo) -> dict[str, Any]:
    nearest, score = group.nearest
    is_evidence = group.kind == Outcome.TAPPED
    return {
        "id": None if is_evidence else group.id,
        "kind": group.kind,
        "count": len(group.questions),
        "people": len(group.people),
        "oldest": _at(group.questions[0].asked_at, zone),
        "newest": _at(group.questions[-1].asked_at, zone),
        "languages": group.languages,
        "nearest": nearest,
        "score": None if score is None else round(score, 4),
        "examples": [one_line(text)[:_SHOWN] for text in group.wordings[:_EXAMPLES]],
    }


def _at(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).isoformat(timespec="seconds")
