"""A tester that talks like a user: `await chat.says("报名")`, on a real database, through the real dispatcher."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from datetime import timedelta

import handlers
from bot.adapters.memory import MemoryAdapter
from bot.answers.matcher import Match, Outcome
from bot.clock import Clock
from bot.content.records import Content
from bot.conversation.dispatcher import Dispatcher, Live
from bot.conversation.waited import Nothing, Waiting
from bot.delivery.routes import Accounts
from bot.message import Address, Kind, Message, Opened, Reply
from bot.store.database import Database
from tests.trained import trained

FORM = ("1", "4", "1", "东莞市欢乐玩具厂", "王芳", "人事经理", "13800138000", "wangfang@example.com")
"""What a factory's HR manager answers, from consent to the review."""
BEFORE = {"category": 1, "programme": 2, "organization": 3, "name": 4, "title": 5, "phone": 6, "email": 7, "review": 8}
"""How many answers of FORM come before each question."""

_UNKNOWN, _FOREIGN = Match(Outcome.UNKNOWN), Match(Outcome.UNKNOWN, ours=False)
DECIDED = {
    "可以带孩子吗": Match(Outcome.SUGGEST, suggestions=("children", "colleague"), score=0.4),
    **dict.fromkeys(("能带狗吗", "能带狗吗？", "will fireworks be lit"), _UNKNOWN),
    "车票能报销吗我想知道一下具体的流程和金额上限": _UNKNOWN,
    **dict.fromkeys(("谁更会玩", "哪里跑玩具", "what if toys"), _UNKNOWN),
    "广交会几号开始": _FOREIGN,
}
"""Questions of which a talk needs to know what the matcher makes of them, whatever it learns."""


class Town:
    """People on one channel, and the bot they write to."""

    def __init__(
        self,
        database: Database,
        content: Content,
        clock: Clock,
        channel: str = "memory",
        waiting: Waiting = Nothing(),  # noqa: B008  # has no state
        accounts: Accounts = Accounts(email=True),  # noqa: B008  # frozen: by which ways messages leave later
    ) -> None:
        self.database, self.clock, self.channel, self.accounts = database, clock, channel, accounts
        self.adapter = MemoryAdapter()
        self.measured: list[tuple[str, str]] = []
        self.use(content)
        self.dispatcher = Dispatcher(
            database=database,
            clock=clock,
            live=lambda: self.live,
            router=handlers.router,
            adapters={channel: self.adapter},
            secret=b"a secret of the tests",
            measure=lambda channel, outcome, _: self.measured.append((channel, outcome)),
            waiting=waiting,
            accounts=accounts,
            organizers=("memory:boss",),
        )
        self.ids = itertools.count(1)

    def use(self, content: Content) -> None:
        """Swaps the content, as an organizer does who edits a file."""
        self.content = content
        matcher = trained(content)
        self.live = Live(content, lambda text: DECIDED.get(text) or matcher.match(text), matcher.with_last)

    def chat(self, user_id: str = "u1", language: str = "") -> Chat:
        """One person."""
        return Chat(self, Address(self.channel, self.channel, user_id), language)


@dataclass
class Chat:
    """One person's side of a conversation."""

    town: Town
    address: Address
    language: str = ""
    reply: Reply | None = None
    sent: list[Message] = field(default_factory=list)

    async def says(self, *texts: str) -> str:
        """Types one text after the other; the last reply as it is read."""
        for text in texts:
            await self.does(Kind.TEXT, text=text)
        return self.read

    async def taps(self, label: str) -> str:
        """Taps the choice with that label."""
        assert self.reply is not None
        choice = next(choice for choice in self.reply.choices if choice.label == label)
        return await self.does(Kind.TEXT, text=choice.text, tapped=choice.tag or "say")

    async def does(self, kind: Kind, **what: str) -> str:
        """Anything that a person can do."""
        message = Message(
            id=f"m{next(self.town.ids)}",
            sender=self.address,
            sent_at=self.town.clock.now(),
            kind=kind,
            language=self.language,
            opened=Opened("message", 5, timedelta(hours=48)) if kind is Kind.TEXT else None,
        )
        return await self.repeats(replace(message, **what))

    async def repeats(self, message: Message) -> str:
        """Sends a message, or a copy of one."""
        self.sent.append(message)
        self.reply = await self.town.dispatcher.receive(message)
        return self.read

    @property
    def read(self) -> str:
        """The last reply, as a person reads it."""
        if self.reply is None:
            return ""
        choices = [f"[{number} {choice.label}]" for number, choice in enumerate(self.reply.choices, 1)]
        return "\n".join(filter(None, (self.reply.text, self.reply.ask, *choices)))

    async def registers(self, *answers: str) -> str:
        """Goes through the whole form and confirms."""
        return await self.says("报名", *(answers or FORM), "确认")


async def at(chat: Chat, question: str) -> str:
    """Goes through the form up to a question."""
    return await chat.says("报名", *FORM[: BEFORE[question]])
