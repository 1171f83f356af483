"""Keeps what people asked, each question with what became of it."""

from __future__ import annotations

from datetime import timedelta

from bot.answers.matcher import Match
from bot.conversation.turn import Turn
from bot.store.statement import Statement
from bot.store.tables import Outcome

A_DAY = 200  # questions that one person may leave in a day: nobody fills the disk
LONGEST = 2000  # characters of one that are kept
_KEEP = Statement("""
    INSERT INTO question (contact_id, asked_at, language, outcome, text, entry, score)
    SELECT :contact, :now, :language, :outcome, :text, :entry, :score
    WHERE (SELECT count(*) FROM question WHERE contact_id = :contact AND asked_at > :since) < :a_day
    RETURNING id
""")
# The suggestions of which one can be tapped are always those of the last question that had any.
_SETTLE = Statement("""
    UPDATE question SET outcome = :outcome, entry = coalesce(:entry, entry)
    WHERE id = (SELECT max(id) FROM question WHERE contact_id = :contact AND outcome = 'suggest')
    RETURNING id
""")


def keep(turn: Turn, match: Match, outcome: Outcome, text: str | None = None) -> bool:
    """Keeps one question, or a note, in the turn's transaction; False: this person left too many today.

    `text`: what was asked, where it is not what this turn says. What is typed as an answer in a form is no question.
    """
    said = (turn.text if text is None else text).replace("\0", "")[:LONGEST]
    entry, score = _nearest(match)
    kept = _KEEP.row(
        turn.connection,
        contact=turn.person.id,
        now=turn.now,
        since=turn.now - timedelta(days=1),
        a_day=A_DAY,
        language=turn.language,
        outcome=outcome.value,
        text=said.encode("utf-8", "replace").decode(),
        entry=None if outcome is Outcome.NOTE else entry,
        score=None if outcome is Outcome.NOTE else score,
    )
    return kept is not None


def tapped(turn: Turn, entry: str) -> None:
    """One of the suggestions was taken: evidence for organizers of what the question meant, and nothing more."""
    _SETTLE.row(turn.connection, contact=turn.person.id, outcome=Outcome.TAPPED.value, entry=entry)


def none_meant(turn: Turn) -> bool:
    """None of the suggestions was: what was kept as SUGGEST now waits for an organizer; False: nothing was kept."""
    unknown = {"outcome": Outcome.UNKNOWN.value, "entry": None}
    return _SETTLE.row(turn.connection, contact=turn.person.id, **unknown) is not None


def _nearest(match: Match) -> tuple[str | None, float | None]:
    """The entry that answers, or comes nearest, and how sure that is."""
    ranked: tuple[tuple[str, float], ...] = getattr(match, "ranked", ())
    if match.entry or not ranked:
        return match.entry or next(iter(match.suggestions), None), match.score
    return ranked[0]
