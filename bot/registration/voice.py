"""The sentences of texts.toml as one person is told them: in their language, with their name and what is known now."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from bot.content.facts import PLACEHOLDER, Venue, facts, fill
from bot.content.records import Content
from bot.content.words import Language
from bot.errors import Refused

_ADDRESS = ("venue.text", "venue.name", "venue.address")
PERSONAL = frozenset({"name", "reference", "cannot_come"})
"""What organizers' texts may use besides facts.py."""


@dataclass(frozen=True)
class Voice:
    """Speaks to one person."""

    content: Content
    venue: Venue | None
    language: Language
    name: str = ""
    reference: str = ""
    seated: bool = False  # confirmed: "comes with your confirmation" would be no answer to them
    by_mail: bool = False  # what is to be said in the chat has to name it there
    channel: str = ""  # of their chat; empty: it is erased
    colleague: bool = False  # registered by somebody else, whose chat it is

    def __call__(self, key: str, **values: str) -> str:
        """A sentence of texts.toml."""
        return fill(self.content.texts[key].of(self.language), self._values | values)

    def fill(self, text: str) -> str:
        """An organizer's own text. Raises Refused where it names what this person has not got."""
        known = self._values
        if "{cannot_come}" in text:
            known = known | {"cannot_come": self.cannot_come}
        for name in PLACEHOLDER.findall(text):
            if name not in known or (name == "reference" and not self.reference):
                raise Refused(f"the text needs {{{name}}}, and there is none for this person")
        return fill(text, known)

    @property
    def cannot_come(self) -> str:
        """What who cannot come should do: in a mail it names the chat, and who has none is told whom to ask."""
        if not self.by_mail:
            return self("decision.cannot_come")
        return self("mail.cannot_come_colleague" if self.colleague else "mail.cannot_come", chat=self.chat)

    @property
    def chat(self) -> str:
        """The chat where they registered, as a mail names it."""
        chats = {"wechat": "mail.chat.wechat", "telegram": "mail.chat.telegram"}
        return self.content.texts[chats.get(self.channel, "mail.chat.other")].of(self.language)

    def fill_known(self, text: str) -> str:
        """What somebody wrote to one person, in which braces of their own stay as they are."""
        return fill(text, self._values)

    @cached_property
    def _values(self) -> dict[str, str]:
        known = facts(self.content.event, self.content.texts, self.venue, self.language, self.content.agenda.items)
        if self.seated and self.venue is None:
            known |= dict.fromkeys(_ADDRESS, self.content.texts["decision.venue_later"].of(self.language))
        name = self.name or self.content.texts["decision.nameless"].of(self.language)
        return known | {"name": name, "reference": self.reference}
