"""People who register on both platforms: they go on from what the bot asks, and note what was acknowledged.

A light load generator on the sandbox's pure functions. An answer is acknowledged when the platform saw a 200 for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from bot.content.facts import fill
from bot.content.records import LANGUAGES, Content
from bot.sandbox.telegram import TelegramPlatform
from bot.sandbox.wechat_reply import read_reply
from bot.sandbox.wechat_wire import Keys, Sealed, open_reply, seal
from bot.sandbox.wechat_xml import WrongReply, write_xml
from tests.long.wire import Wire
from tests.served import KEYS

REQUESTS = 3  # that WeChat makes for one message
REVIEW, DONE = "review", "done"
ACCOUNT = "gh_usherdemo0001"
WECHAT_KEYS = Keys(KEYS["WECHAT_APP_ID"], KEYS["WECHAT_TOKEN"], KEYS["WECHAT_AES_KEY"])
_REFERENCE = re.compile(r"FFS-[0-9A-HJKMNP-TV-Z]{6}")
_CATEGORIES = ("toy_association", "brand", "retailer", "factory")
_MOST_MESSAGES = 400  # of one person; whoever needs more is going round in circles


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
    messages: int = 0

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


class Crowd:
    """So many people at once; whoever is done makes room for somebody new, until `closing`.

    `up` is set while the server is ready. Without it the platforms wait up to `patience` seconds between requests.
    `first` is the number of the first person.
    """

    def __init__(
        self,
        port: int,
        telegram: TelegramPlatform,
        content: Content,
        seed: int,
        *,
        patience: float = 1.0,
        first: int = 1,
    ) -> None:
        self.first = first
        self.wire, self.telegram, self.asked = Wire(port), telegram, Asked(content)
        self.choose, self.patience = random.Random(seed), patience
        self.people: list[Person] = []
        self.tally = Tally()
        self.up = asyncio.Event()
        self.closing = False
        self._ids = itertools.count(23_000_000_000_000_000)
        self._updates = itertools.count(400_000_000)

    async def close(self) -> None:
        """Lets go of connections."""
        await self.wire.__aexit__()

    async def live(self, wechat: int, telegram: int) -> None:
        """Runs until `closing` is set and everybody is done."""
        channels = ["wechat"] * wechat + ["telegram"] * telegram
        await asyncio.gather(*(self._one_after_the_other(channel) for channel in channels))

    async def _one_after_the_other(self, channel: str) -> None:
        while not self.closing:
            await self.registers(self.newcomer(channel))

    def newcomer(self, channel: str) -> Person:
        """Somebody who was not there before."""
        person = make_person(self.first + len(self.people), channel, self.choose)
        self.people.append(person)
        return person

    async def registers(self, person: Person) -> None:
        """Answers what is asked; whoever got no reply says 报名 again, and goes on from there."""
        said = ""  # the question that the last message answered
        asked = ""
        while asked != DONE:
            person.messages += 1
            if person.messages > _MOST_MESSAGES:
                raise AssertionError(f"person {person.number} gets nowhere: the bot asks for {asked or 'nothing'}")
            said, text = asked, person.says[asked] if asked else "报名"
            acknowledged, reply = await self.says(person, text)
            if acknowledged and said:
                self._note(person, said)
            asked = self.asked.of(reply)
            if asked in person.acknowledged:
                self.tally.asked_again.append(f"person {person.number}: {asked}")
                del person.acknowledged[asked]
        person.reference = self.asked.reference(reply)
        person.acknowledged[REVIEW] = ""

    def _note(self, person: Person, question: str) -> None:
        person.acknowledged[question] = person.means.get(question, "")
        self.tally.acknowledged[person.channel] += 1

    async def says(self, person: Person, text: str) -> tuple[bool, str]:
        """Sends a text. Whether the message was acknowledged, and the reply as far as the person saw it."""
        if person.channel == "wechat":
            return await self._pushes(person, text)
        return await self._posts(person, text)

    async def _pushes(self, person: Person, text: str) -> tuple[bool, str]:
        """WeChat: three requests, then the person sees the fault notice."""
        sealed = self.sealed(person.user_id, text)
        target = f"/wechat/webhook?{urlencode(dict(sealed.query))}"
        for number in range(REQUESTS):
            if number:
                await self._breath()
            self.tally.requests += 1
            try:
                answer = await self.wire.post(target, sealed.body, {"Content-Type": "text/xml"})
            except (OSError, EOFError, TimeoutError):
                self.tally.unanswered += 1
                continue
            if answer.status != 200:
                self.tally.refused[answer.status] += 1
                break
            return True, self._shown(person.user_id, answer.body)
        self.tally.given_up += 1
        return False, ""

    def sealed(self, openid: str, text: str) -> Sealed:
        """A text, rightly sealed and signed."""
        now = int(time.time())
        fields: dict[str, Any] = {"ToUserName": ACCOUNT, "FromUserName": openid, "CreateTime": now, "MsgType": "text"}
        xml = write_xml({**fields, "Content": text, "MsgId": next(self._ids)})
        return seal(WECHAT_KEYS, "safe", xml, openid=openid, timestamp=now, nonce=str(self.choose.randrange(10**9)))

    def _shown(self, openid: str, body: bytes) -> str:
        try:
            xml = open_reply(WECHAT_KEYS, True, 200, body)
            return read_reply(xml, to=openid, sender=ACCOUNT).text if xml else ""
        except WrongReply as wrong:
            self.tally.wrong.append(str(wrong))
            return ""

    async def _posts(self, person: Person, text: str) -> tuple[bool, str]:
        """Telegram: the update comes again and again until it is taken; the reply is a message of its own."""
        phone = self.telegram.phone(int(person.user_id))
        phone.chat.known = True
        before = phone.transcript.version
        update = json.dumps({"update_id": next(self._updates), "message": self._message(phone.user, text)}).encode()
        headers = {"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": KEYS["TELEGRAM_SECRET"]}
        for wait in _growing():
            self.tally.requests += 1
            try:
                answer = await self.wire.post("/telegram/webhook", update, headers)
            except (OSError, EOFError, TimeoutError):
                self.tally.unanswered += 1
                await self._breath()
                continue
            if answer.status == 200:
                break
            self.tally.refused[answer.status] += 1
            await asyncio.sleep(max(wait, _retry_after(answer.head)))
        await phone.transcript.until(lambda: bool(phone.transcript.since(before)), 1.0)
        return True, "\n".join(line.text for line in phone.transcript.since(before))

    def _message(self, user: dict[str, Any], text: str) -> dict[str, Any]:
        chat = {"id": user["id"], "first_name": user["first_name"], "type": "private"}
        number = self.telegram.next_message_id()
        return {"message_id": number, "from": user, "chat": chat, "date": self.telegram.now(), "text": text}

    async def _breath(self) -> None:
        """The pause before a platform's next request; over as soon as the server is back, as in reality it is."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.choose.uniform(0.1, self.patience)):
                await self.up.wait()


def _retry_after(head: bytes) -> float:
    """The seconds for which the bot asks, which Telegram waits."""
    found = re.search(rb"\r\nretry-after: (\d+)", head, re.IGNORECASE)
    return float(found[1]) if found else 0.0


def _growing() -> Iterator[float]:
    """Seconds before each further request of Telegram: 0.2, 0.4, .. 2."""
    return itertools.chain((0.2, 0.4, 0.8, 1.6), itertools.repeat(2.0))
