"""What an announcement says in a chat, line by line."""

from __future__ import annotations

from dataclasses import dataclass

from bot.adapters.wechat.text import LIMIT, clean, fit
from bot.message import Reply
from bot.registration.place import map_link
from bot.registration.voice import Voice

WECHAT_BYTES = LIMIT  # UTF-8
TELEGRAM_UNITS = 4096  # UTF-16: https://core.telegram.org/bots/api#sendmessage


@dataclass(frozen=True, slots=True)
class Told:
    """The lines of one message."""

    lines: tuple[str, ...]
    more: tuple[str, ...] = ()  # good to have: left out, the last first, where a message is full

    def on_wechat(self) -> str:
        """As much as one message of WeChat takes. What is too long even so, such as a reminder that nobody measured
        beside a long address, loses its end."""
        more = self.more
        while more and wechat_bytes(_joined(self.lines, more)) > WECHAT_BYTES:
            more = more[:-1]
        return fit(Reply(_joined(self.lines, more)))[0].text

    def on_telegram(self) -> str:
        """The whole text."""
        return _joined(self.lines, self.more)


def decided(say: Voice, status: str, *, ticket: str, mail_to: str, pass_on: bool) -> Told:
    """One decision. `ticket`: a link, for those with a seat; `mail_to`: where the mail of it goes; empty: none."""
    more = []
    if say.seated:
        more = [
            say("decision.ticket", link=ticket) if ticket else "",
            say("decision.mailed", email=mail_to) if mail_to else "",
            say("decision.cannot_come"),
        ]
    return Told((*_pass_on(say, pass_on), say(f"decision.{status}")), tuple(filter(None, more)))


def announced(say: Voice, text: str, *, ticket: str, venue: bool, wechat: bool, pass_on: bool) -> Told:
    """A reminder or a broadcast, its text filled. `venue`: with where it is, on WeChat also as a link to a map."""
    place = list(_place(say, wechat)) if venue else []
    more = (say("decision.ticket", link=ticket),) if ticket else ()
    return Told((*_pass_on(say, pass_on), text, *place), more)


def wechat_bytes(text: str) -> int:
    """The length as WeChat's limit counts it."""
    return len(clean(text).encode("utf-8", "replace"))


def telegram_units(text: str) -> int:
    """The length as Telegram counts it at most."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _place(say: Voice, wechat: bool) -> tuple[str, ...]:
    assert say.venue is not None
    directions = (say("decision.directions"),) if say.venue.directions else ()
    link = (say("decision.map", link=map_link(say.venue, say.language)),) if wechat else ()
    return (say("decision.venue"), *directions, *link)


def _pass_on(say: Voice, pass_on: bool) -> tuple[str, ...]:
    return (say("decision.pass_on"),) if pass_on else ()


def _joined(lines: tuple[str, ...], more: tuple[str, ...]) -> str:
    return "\n".join((*(line.strip() for line in lines), *more))
