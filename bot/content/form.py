"""What people are asked when they register: content/form.toml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from bot.content.values import AtLeastOne, Id, Phrases
from bot.content.words import Record, Words

# Columns of the table and of every export that are no answers; a test compares them with both.
RESERVED = frozenset(
    (
        *(
            "id",
            "reference",
            "status",
            "contact_id",
            "channel",
            "language",
            "user_id",
            "registered_by",
            "source",
            "more",
        ),
        *("consent_version", "consent_at", "created_at", "decided_at", "checked_in_at"),
    )
)


class FormChoice(Record):
    """One answer to a choice question."""

    id: Id
    label: Words
    words: Phrases = ()  # other ways to say it


class Question(Record):
    """One question of content/form.toml."""

    id: Id
    kind: Literal["choice", "text", "phone", "email", "consent"]
    prompt: Words
    colleague: Words | None = None  # the prompt when a colleague is registered, where that differs
    label: Words  # its short name in the review
    help: Words | None = None  # what is accepted, said when an answer is not
    choices: tuple[FormChoice, ...] = ()
    when: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)  # asked only if that answer is one of these
    optional: bool = False
    max_length: int = Field(80, ge=1, le=500)
    shared: bool = False  # offered again when the same person registers a colleague

    @field_validator("id")
    @classmethod
    def _is_free(cls, value: str) -> str:
        if value in RESERVED:
            raise ValueError(f"expected another name: {value!r} is a column of the export already")
        return value

    @model_validator(mode="after")
    def _choices_fit_kind(self) -> Question:
        if (self.kind in ("choice", "consent")) != bool(self.choices):
            raise ValueError("choices: expected for the kinds choice and consent, and for no other")
        ids = [choice.id for choice in self.choices]
        if len(ids) != len(set(ids)):
            raise ValueError("choices: expected each id once")
        if self.kind == "consent" and ids != ["agree", "disagree"]:
            raise ValueError("choices: expected agree and disagree, in this order")
        return self

    @model_validator(mode="after")
    def _words_mean_one_choice(self) -> Question:
        taken: set[str] = set()
        for choice in self.choices:
            said = {word.casefold() for word in (choice.label.zh, choice.label.en, *choice.words)}
            if said & taken:
                raise ValueError(f"choices: expected {min(said & taken)!r} to mean one choice only")
            taken |= said
        return self


class Form(Record):
    """content/form.toml."""

    questions: Annotated[tuple[Question, ...], AtLeastOne] = Field(alias="question")

    @model_validator(mode="after")
    def _conditions_look_back(self) -> Form:
        before: dict[str, Question] = {}
        for question in self.questions:
            if question.id in before:
                raise ValueError(f"{question.id}: expected each id once")
            for other, wanted in question.when.items():
                known = [choice.id for choice in before[other].choices] if other in before else []
                for value in wanted:
                    if value not in known:
                        raise ValueError(
                            f"{question.id}.when.{other}: expected a choice of an earlier question, not {value!r}"
                        )
            before[question.id] = question
        if self.questions[0].kind != "consent" or any(q.kind == "consent" for q in self.questions[1:]):
            raise ValueError("question: expected exactly one consent question, and that first")
        return self
