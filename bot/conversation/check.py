"""What the content must keep so that every question can be asked, on every channel, and answered as it is meant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from bot.answers.normalize import number, plain
from bot.content.facts import fill
from bot.content.form import Question
from bot.content.records import Content
from bot.content.words import LANGUAGES, Language
from bot.errors import Fault
from bot.message import Choice, Reply

Fit = Callable[[Reply, Choice | None], tuple[Reply, str]]

LONGEST = 600  # bytes of a prompt as it is asked; content/form.toml says so
ROOM = 300  # bytes which a question with its choices must leave for what is said before it: an answer, what is wrong
_LONG = "字" * 5000  # no channel carries it
_VALUE = 20  # characters of an answer on a button


def faults(content: Content, fits: Iterable[Fit], knows: Callable[[str], bool] = lambda _: False) -> list[Fault]:
    """Every question that would be cut, choice that cannot be picked by its label, and phrasing with two answers.

    `knows` says whether a text is one of the words that are understood anywhere.
    """
    fits = tuple(fits)
    questions = [row for question in content.form.questions for row in _question(content, question, fits)]
    return [*questions, *_menu(content, fits), *_labels(content, knows), *_phrasings(content)]


def _question(content: Content, question: Question, fits: Iterable[Fit]) -> Iterator[Fault]:
    """One fault for each language and way to ask that is too long, on whichever channel."""
    for name, words in (("prompt", question.prompt), ("colleague", question.colleague)):
        for language in LANGUAGES if words else ():
            prompt = fill((words or question.prompt).of(language), content.known[language])
            place = f"form.toml:question.{question.id}.{name}.{language}"
            if (size := len(prompt.encode())) > LONGEST:
                yield Fault(place, f"takes {size} bytes; expected at most {LONGEST}")
            elif wrong := _crowded(content, language, f"99/99 {prompt}", _choices(content, question, language), fits):
                yield Fault(place, f"{wrong}; expected a shorter prompt or fewer choices")


def _menu(content: Content, fits: Iterable[Fit]) -> Iterator[Fault]:
    """The list of what can be changed, with every answer as long as a button shows it."""
    for language in LANGUAGES:
        rows = [
            Choice(f"{label} {'字' * _VALUE}", label, f"change.{question.id}")
            for question in content.form.questions
            if question.kind != "consent"
            for label in [question.label.of(language)]
        ]
        done = content.texts["form.done"].of(language)
        choices = (*rows, Choice(done, done, "change._done"))
        if wrong := _crowded(content, language, content.texts["form.which"].of(language), choices, fits):
            yield Fault(f"form.toml:question.label.{language}", f"{wrong}; expected shorter labels or fewer questions")


def _crowded(content: Content, language: Language, ask: str, choices: tuple[Choice, ...], fits: Iterable[Fit]) -> str:
    """Why a question leaves too little room on some channel; empty: on none."""
    label = content.texts["choice.more"].of(language)
    for fit in fits:
        try:
            shown, _ = fit(Reply(_LONG, ask, choices), Choice(label, label))
        except ValueError as error:
            return str(error)
        if (room := len(shown.text.encode())) < ROOM:
            return f"leaves {room} bytes of a message for what is said before it, and {ROOM} are needed"
    return ""


def _choices(content: Content, question: Question, language: Language) -> tuple[Choice, ...]:
    """Everything that may be offered with a question, whether it is asked first or changed."""
    rows = [
        Choice(row.label.of(language), row.label.of(language), f"form.{question.id}.{row.id}")
        for row in question.choices
    ]
    if question.shared and not question.choices:
        label = fill(content.texts["form.same"].of(language), {"value": "字" * question.max_length})
        rows.append(Choice(label, content.texts["form.same_word"].of(language), f"form.{question.id}._same"))
    elif question.kind != "consent":
        rows.append(_named(content, "form.keep", language, f"form.{question.id}._keep"))
    if question.optional:
        rows.append(_named(content, "form.skip", language, f"form.{question.id}._skip"))
    return tuple(rows)


def _named(content: Content, key: str, language: Language, tag: str) -> Choice:
    label = content.texts[key].of(language)
    return Choice(label, label, tag)


def _labels(content: Content, knows: Callable[[str], bool]) -> Iterator[Fault]:
    """A label that means something else already: typed, it would be taken for that, or hide it."""
    for question in content.form.questions:
        for choice in question.choices:
            for language in LANGUAGES:
                place = f"form.toml:question.{question.id}.choices.{choice.id}.label.{language}"
                label = choice.label.of(language)
                if number(label) is not None:
                    yield Fault(place, f"{label!r} is the number of a choice; expected words")
                elif knows(label):
                    yield Fault(place, f"{label!r} is understood anywhere as something else; expected another label")


def _phrasings(content: Content) -> Iterator[Fault]:
    """The same way to ask in two places: nobody can tell which of them is meant."""
    rows: dict[str, list[str]] = defaultdict(list)
    asked: list[tuple[str, Iterable[str]]] = [
        (f"faq/{entry.id}.md", [text for texts in entry.ask.values() for text in texts])
        for entry in content.faq.values()
    ]
    asked.append(("faq/_out_of_scope.md", [text for texts in content.out_of_scope.values() for text in texts]))
    for file, texts in asked:
        for said in dict.fromkeys(map(plain, texts)):
            rows[said].append(file)
    for said, (first, *others) in rows.items():
        for file in others:
            yield Fault(f"{file}:ask", f"{said!r} stands in {first} too; expected it in one of them")
