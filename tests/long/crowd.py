"""A crowd that registers on both platforms: it goes on from what the bot asks, and notes what was acknowledged.

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
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from bot.content.records import Content
from bot.sandbox.telegram import TelegramPlatform
from bot.sandbox.wechat_reply import read_reply
from bot.sandbox.wechat_wire import Sealed, open_reply, seal
from bot.sandbox.wechat_xml import WrongReply, write_xml
from tests.long.forge import ACCOUNT, WECHAT_KEYS
from tests.long.people import DONE, REVIEW, Asked, Person, Tally, make_person
from tests.long.wire import Wire
from tests.served import KEYS

REQUESTS = 3  # that WeChat makes for one message
_MOST_REPLIES = 100  # to one person; whoever needs more is going round in circles


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
            said, text = asked, person.says[asked] if asked else "报名"
            acknowledged, reply = await self.says(person, text)
            person.replies += acknowledged
            assert person.replies < _MOST_REPLIES, f"person {person.number} gets nowhere with {asked or 'nothing'}"
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
