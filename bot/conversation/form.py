"""The form: which question comes next, what an answer means, what is wrong with it. No chats, no tables."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from bot.answers.normalize import number, plain
from bot.content.form import Form, FormChoice, Question

Answers = Mapping[str, str]
_MAINLAND = 11  # digits of a mainland number without +86
_SLIP = 3  # so many digits too few or too many are a slip of the finger
_WORD = re.compile(r"[^\W\d_]{3}")
_DIGITS = re.compile(r"\d[\d ().-]*")
_LINE = 600  # characters that are searched
_LOCAL = 64  # characters before the @: https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1.1
_OTHER_LETTER = r"[^\W\u3400-\u9fff]"  # Chinese is written without spaces, right up to an address
_ADDRESS = re.compile(
    rf"(?<!{_OTHER_LETTER})(?P<local>[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]+)@"
    rf"(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{{2,}}(?!{_OTHER_LETTER})|[\w.-]+)"
)
# Not a first name with a space behind it by mistake: wang fang@example.com is nobody's address.
_INTRODUCES = re.compile(
    r"|.*(?:[\u3400-\u9fff]|[^\w\s])\s*|.*\b(?:e-?mail|mail|address|is|use|at|to)\s+", re.DOTALL | re.I
)
_HIDDEN = re.compile(r"[\s\u0000-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
_JOINERS = " \u200c\u200d"  # Persian and Indian names and joined emoji need them inside


class InvalidAnswer(ValueError):
    """What was typed is no answer to the question; `key` names the sentence that says why."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.values = values


def asked(form: Form, answers: Answers) -> Iterator[Question]:
    """The questions that apply, in order; one whose condition is not answered yet counts as applying."""
    for question in form.questions:
        if all(answers.get(other, wanted[0]) in wanted for other, wanted in question.when.items()):
            yield question


def next_question(form: Form, answers: Answers) -> Question | None:
    """The first question without an answer. None: all are answered."""
    return next((question for question in asked(form, answers) if not _has(question, answers)), None)


def still_valid(form: Form, answers: Answers) -> dict[str, str]:
    """The answers that a changed form would still take, so that it asks only what is new or no longer valid."""
    questions = {question.id: question for question in form.questions}
    return {name: value for name, value in answers.items() if name in questions and is_valid(questions[name], value)}


def _has(question: Question, answers: Answers) -> bool:
    value = answers.get(question.id)
    return value == "agree" if question.kind == "consent" else value is not None


def is_valid(question: Question, value: str) -> bool:
    """Whether a stored value is one that the question would take now."""
    if value == "":
        return question.optional
    if question.choices:
        return value in {choice.id for choice in question.choices}
    try:
        return read(question, value) == value
    except InvalidAnswer:
        return False


def step(form: Form, question: Question, answers: Answers, given: Collection[str] = ()) -> tuple[int, int]:
    """Where a question stands, as (3, 8); (0, 8): outside the count.

    Consent comes before the count, answers that are given are left out of it, and the review is the last step.
    """
    rows = [row.id for row in asked(form, answers) if row.kind != "consent" and row.id not in given]
    return rows.index(question.id) + 1 if question.id in rows else 0, len(rows) + 1


def pruned(form: Form, answers: Answers) -> dict[str, str]:
    """The answers to questions that apply: what is registered in the end."""
    known = {question.id for question in asked(form, answers)}
    return {name: value for name, value in answers.items() if name in known}


def read(question: Question, text: str) -> str:
    """The value that is stored for what was typed. Raises InvalidAnswer."""
    return _READERS[question.kind](question, text)


def pick(question: Question, text: str) -> FormChoice | None:
    """The choice which a text names: by number, by label in either language, or in other words."""
    place = number(text)
    if place is not None:
        return question.choices[place - 1] if place <= len(question.choices) else None
    said = plain(text)
    for choice in question.choices:
        if said in {choice.id, *(plain(word) for word in (choice.label.zh, choice.label.en, *choice.words))}:
            return choice
    return None


def _read_choice(question: Question, text: str) -> str:
    choice = pick(question, text)
    if choice is None:
        raise InvalidAnswer("form.invalid.choice", count=len(question.choices))
    return choice.id


def _read_text(question: Question, text: str) -> str:
    value = _HIDDEN.sub(" ", unicodedata.normalize("NFC", text)).strip(_JOINERS)
    if not any(character.isalnum() for character in value):
        raise InvalidAnswer("form.invalid.empty")
    if len(value) > question.max_length:
        raise InvalidAnswer("form.invalid.long", length=len(value), limit=question.max_length)
    return value


def _read_phone(_: Question, text: str) -> str:
    narrow = unicodedata.normalize("NFKC", text)
    written = "".join(character for character in narrow if character.isdecimal() or character == "+")
    try:
        parsed = phonenumbers.parse(written, "CN")
    except phonenumbers.NumberParseException:
        raise InvalidAnswer("form.invalid.phone") from None
    among_words = (
        _WORD.search(narrow) and len(_DIGITS.findall(narrow)) != 1
    )  # no number pieced together from a sentence
    if among_words or not phonenumbers.is_valid_number(parsed):
        raise _wrong_length(written)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _wrong_length(written: str) -> InvalidAnswer:
    """A mainland number with a digit or two lost or doubled is told so; anything else gets the example."""
    written = written.removeprefix("+86")
    missing = _MAINLAND - len(written)
    if not written.startswith("1") or missing == 0 or abs(missing) > _SLIP:
        return InvalidAnswer("form.invalid.phone")
    return InvalidAnswer("form.invalid.phone_short" if missing > 0 else "form.invalid.phone_long", count=abs(missing))


def _read_email(_: Question, text: str) -> str:
    """The one address among whatever other words. A part before the @ that is not ASCII would need SMTPUTF8 to send."""
    narrow = unicodedata.normalize("NFKC", text).strip()
    found = _ADDRESS.search(narrow[:_LINE]) if narrow.count("@") == 1 else None
    if not found or len(found["local"]) > _LOCAL or not _INTRODUCES.fullmatch(narrow[: found.start()]):
        raise InvalidAnswer("form.invalid.email")
    try:
        return validate_email(found[0].rstrip("."), check_deliverability=False, allow_smtputf8=False).normalized
    except EmailNotValidError:
        raise InvalidAnswer("form.invalid.email") from None


_READERS: dict[str, Callable[[Question, str], str]] = {
    "consent": _read_choice,
    "choice": _read_choice,
    "text": _read_text,
    "phone": _read_phone,
    "email": _read_email,
}
