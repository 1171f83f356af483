"""The WeChat platform with one account: pushes what people do, repeats it, and judges the answers."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

import httpx
from starlette.routing import BaseRoute

from bot.clock import Clock, seconds
from bot.sandbox.door import Door
from bot.sandbox.loopback import loopback_client
from bot.sandbox.transcript import NoAnswer
from bot.sandbox.trouble import SLOW, Kind, Trouble
from bot.sandbox.wechat_api import Api
from bot.sandbox.wechat_phone import Phone
from bot.sandbox.wechat_reply import NOTHING, Shown, read_reply
from bot.sandbox.wechat_template import Templates
from bot.sandbox.wechat_wire import Keys, Mode, Sealed, open_reply, seal, sign
from bot.sandbox.wechat_xml import Value, WrongReply, write_xml

PATIENCE = 5.0  # seconds until the platform cuts the connection and asks again
REQUESTS = 3  # for one message, the first one included
Window = tuple[int, timedelta]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back on one connection, and how the platform takes it."""

    status: int
    body: bytes
    shown: Shown = NOTHING
    wrong: str = ""  # why the person would see the fault notice; empty: a right answer
    took: float = 0.0  # seconds


class WeChatPlatform:
    """One Official Account, its followers' phones and cgi-bin.

    `webhook_url` is where the account listens. `patience` is the platform's 5 seconds, shorter in tests.
    `repeats_anew`: repeats get a time, nonce and encryption of their own; no page says whether they do.
    `templates`: as in Templates. `slow`: as in Trouble. While it is "busy" messages are answered with 45011.
    """

    def __init__(
        self,
        app_id: str,
        secret: str,
        token: str,
        aes_key: str,
        mode: Mode,
        webhook_url: str,
        clock: Clock,
        *,
        original_id: str = "gh_usherdemo0001",
        patience: float = PATIENCE,
        repeats_anew: bool = False,
        window: Window = (5, timedelta(hours=48)),
        tap_window: Window = (3, timedelta(minutes=1)),
        account: Literal["service", "subscription"] = "service",
        verified: bool = True,
        templates: Mapping[str, str] | None = None,
        slow: float = SLOW,
    ) -> None:
        self.keys = Keys(app_id, token, aes_key)
        self.secret = secret
        self.mode: Mode = mode
        self.webhook_url = webhook_url
        self.clock = clock
        self.original_id = original_id
        self.patience = patience
        self.repeats_anew = repeats_anew
        self.window, self.tap_window = window, tap_window
        self.account, self.verified = account, verified
        self.violations: list[str] = []  # what the bot did wrong, in words
        self.faults = 0  # how often somebody saw the fault notice
        self.requests = 0  # pushed, repeats included
        self.phones: dict[str, Phone] = {}
        self.trouble = Trouble(slow)
        self.door: Door | None = None  # in front of cgi-bin, where there is one
        self.templates = Templates(self, templates or {})
        self.api = Api(self)
        self._ids = itertools.count(23_000_000_000_000_000 + secrets.randbelow(10**12))
        self._client: httpx.AsyncClient | None = None

    def phone(self, openid: str) -> Phone:
        """The phone of that person; the same one each time."""
        return self.phones.setdefault(openid, Phone(self, openid))

    def routes(self) -> list[BaseRoute]:
        """cgi-bin."""
        return self.api.routes()

    @property
    def ordered(self) -> frozenset[Kind]:
        """What is wrong with cgi-bin: down, slow, busy."""
        return self.trouble.ordered

    def order(self, kind: Kind, on: bool) -> None:
        """Switches a trouble of cgi-bin on or off. With a door, down means that connections are refused."""
        self.trouble.order(kind, on)
        if self.door:
            self.door.shut() if "down" in self.ordered else self.door.open()

    async def close(self) -> None:
        """Lets go of connections."""
        await self.templates.close()
        if self.door:
            await self.door.close()
        if self._client:
            await self._client.aclose()
            self._client = None

    def next_id(self) -> int:
        """A MsgId, never given before."""
        return next(self._ids)

    def now(self) -> datetime:
        """The product's time."""
        return self.clock.now()

    def body(
        self,
        fields: Mapping[str, Value],
        *,
        mode: Mode | None = None,
        keys: Keys | None = None,
        xml: bytes | None = None,
        timestamp: int | None = None,
        nonce: str | None = None,
        random16: bytes | None = None,
        query: Mapping[str, str | None] | None = None,
        **parts: str,
    ) -> Sealed:
        """A signed request; any part may be another one: `keys` or app_id, token, aes_key, raw `xml`, query values.

        A query value of None leaves that name out.
        """
        sealed = seal(
            replace(keys or self.keys, **parts),
            mode or self.mode,
            write_xml(fields) if xml is None else xml,
            openid=str(fields.get("FromUserName", "")),
            timestamp=int(self.now().timestamp()) if timestamp is None else timestamp,
            nonce=nonce or str(secrets.randbelow(10**10)),
            random16=random16,
        )
        changed = {**sealed.query, **(query or {})}
        return replace(sealed, query={name: value for name, value in changed.items() if value is not None})

    async def verifies(self, **wrong: str) -> bool:
        """Asks the webhook, as when its address is saved, to repeat a word. `wrong`: query values to spoil."""
        moment, nonce, word = str(int(self.now().timestamp())), secrets.token_hex(5), str(secrets.randbelow(10**18))
        query = {"signature": sign(self.keys.token, moment, nonce), "timestamp": moment, "nonce": nonce}
        answer = await self._http().get(self.webhook_url, params={**query, "echostr": word, **wrong})
        return answer.status_code == 200 and answer.text == word

    async def post(self, sealed: Sealed) -> httpx.Response:
        """One request as it is, on a connection of its own; raises what httpx raises."""
        self.requests += 1
        headers = {"Content-Type": "text/xml", "User-Agent": "Mozilla/4.0"}
        return await self._http().post(
            self.webhook_url, params=dict(sealed.query), content=sealed.body, headers=headers
        )

    async def push(self, fields: Mapping[str, Value], copies: int = 1, **body: Any) -> list[Answer]:
        """Sends so many copies of one message at once and judges each answer; `body`: as in `body()`."""
        sealed = self.body(fields, **body)
        answers = await asyncio.gather(*(self._asked(fields, sealed) for _ in range(copies)), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, NoAnswer):
                raise answer
        return [one if isinstance(one, Answer) else Answer(0, b"", wrong=f"no answer: {one}") for one in answers]

    async def converse(self, fields: Mapping[str, Value]) -> Answer:
        """One message as the platform sends it: cut after 5 s and sent again, three requests, the newest one counts."""
        flights: list[asyncio.Task[Answer]] = []
        sealed = self.body(fields)
        try:
            for number in range(REQUESTS):
                if number and self.repeats_anew:
                    sealed = self.body(fields)
                flights.append(asyncio.create_task(self._asked(fields, sealed)))
                started = seconds()
                for old in flights[:-1]:
                    old.cancel()
                done, _ = await asyncio.wait(flights[-1:], timeout=self.patience)
                error = flights[-1].exception() if done else None
                if error and not isinstance(error, NoAnswer):
                    raise error
                if done and not error:
                    return self._settled(flights[-1].result())
                # A refused connection is no answer either: the platform's next try comes when the time is up.
                await asyncio.sleep(max(0.0, started + self.patience - seconds()))
        finally:
            for flight in flights:
                flight.cancel()
            await asyncio.gather(*flights, return_exceptions=True)
        return self._settled(Answer(0, b"", wrong=f"no answer to {REQUESTS} requests"))

    async def _asked(self, fields: Mapping[str, Value], sealed: Sealed) -> Answer:
        started = seconds()
        try:
            response = await self.post(sealed)
        except httpx.HTTPError as error:
            raise NoAnswer(type(error).__name__) from error
        return replace(self.judge(fields, sealed, response.status_code, response.content), took=seconds() - started)

    def judge(self, fields: Mapping[str, Value], sealed: Sealed, status: int, body: bytes) -> Answer:
        """What the platform makes of an answer to that message."""
        to, sender = str(fields.get("FromUserName", "")), str(fields.get("ToUserName", ""))
        try:
            xml = open_reply(self.keys, sealed.encrypted, status, body)
            shown = NOTHING if xml is None else read_reply(xml, to=to, sender=sender)
        except WrongReply as error:
            return Answer(status, body, wrong=str(error))
        return Answer(status, body, shown)

    def _settled(self, answer: Answer) -> Answer:
        if answer.wrong:
            self.faults += 1
            self.violations.append(f"webhook: {answer.wrong}")
        return answer

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = loopback_client(None, kept=20)  # our own patience counts
        return self._client
