"""People who want to register: what each will say, what should be stored of it, and what was acknowledged."""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import dataclass, field

from bot.content.facts import fill
from bot.content.records import Content
from bot.content.words import LANGUAGES

REVIEW, DONE = "review", "done"
_REFERENCE = re.compile(r"FFS-[0-9A-HJKMNP-TV-Z]{6}")
_CATEGORIES = ("toy_association", "brand", "retailer", "factory")


class Asked:
    """Finds out what a reply asks for: a question's id, REVIEW, DONE or "" for nothing of the form."""

    def __init__(self, content: Content) -> None:
        asked = [(row.prompt, row.id) for row in content.form.questions]
        asked.append((content.texts["form.review_ask"], REVIEW))
        self._prompts = {
            fill(words.of(language), content.known[language]).strip(): name
            for language in LANGUAGES
            for words, name in asked
        }

    def of(self, reply: str) -> str:
        """The prompt which stands last in the reply; where there is none, a reference says that it is done."""
        places = {reply.rfind(prompt): name for prompt, name in self._prompts.items()}
        place = max(places)
        if place >= 0:
            return places[place]
        return DONE if self.reference(reply) else ""

    @staticmethod
    def reference(reply: str) -> str:
        """The reference in a reply, "" if there is none."""
        found = _REFERENCE.search(reply)
        return found[0] if found else ""


@dataclass(slots=True)
class Tally:
    """What the crowd saw."""

    requests: int = 0
    unanswered: int = 0  # requests without a whole answer: refused or cut connections
    given_up: int = 0  # messages which the platform stopped repeating
    acknowledged: Counter[str] = field(default_factory=Counter)  # answers of the form, references included, by channel
    refused: Counter[int] = field(default_factory=Counter)  # answers other than 200, by status
    wrong: list[str] = field(default_factory=list)  # what the platform would not have shown
    asked_again: list[str] = field(default_factory=list)  # questions asked again after an acknowledged answer


@dataclass(slots=True)
class Person:
    """One person, what they will say, and what was acknowledged of it."""

    number: int
    channel: str
    user_id: str
    says: dict[str, str]  # by question id
    means: dict[str, str]  # the value that should be stored; "" for a skipped one
    acknowledged: dict[str, str] = field(default_factory=dict)
    reference: str = ""
    replies: int = 0

    @property
    def record(self) -> dict[str, str | None]:
        """The registration that should be there, in the words of the export."""
        values = {name: value or None for name, value in self.means.items() if name != "consent"}
        absent = {"programme": None, "title": None}
        return absent | values | {"reference": self.reference, "user_id": self.user_id, "channel": self.channel}


def make_person(number: int, channel: str, choose: random.Random) -> Person:
    """A person like no other: every answer that is typed tells who gave it."""
    category = choose.randrange(4)
    programme = choose.randrange(2)
    titled = choose.random() < 0.7
    says = {
        "consent": choose.choice(("1", "同意")),
        "category": str(category + 1),
        "programme": str(programme + 1),
        "organization": f"东莞市欢乐{number}号玩具厂",
        "name": f"王芳{number}",
        "title": f"人事经理{number}" if titled else "跳过",
        "phone": f"138{number:08}",
        "email": f"wangfang{number}@example.com",
        REVIEW: "确认",
    }
    means = {name: says[name] for name in ("organization", "name", "email")}
    means |= {"consent": "agree", "category": _CATEGORIES[category], "title": says["title"] if titled else ""}
    means |= {"phone": f"+86138{number:08}"}
    if _CATEGORIES[category] in ("brand", "factory"):
        means["programme"] = ("in_programme", "new")[programme]
    user_id = f"oKill{number:08}" if channel == "wechat" else str(700_000_000 + number)
    return Person(number, channel, user_id, says, means)
