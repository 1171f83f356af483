"""What every adapter keeps, whatever its platform: the promises of bot/adapters/base.py about sending later."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import pytest
import pytest_asyncio

from bot.adapters.base import Adapter, Mail, Outgoing
from bot.adapters.email.adapter import EmailAdapter
from bot.adapters.memory import MemoryAdapter
from bot.clock import Clock
from bot.errors import Refused, TryLater, Unreachable
from bot.message import Address, Choice, Reply
from bot.sandbox.door import Door
from bot.sandbox.mailbox import Mailbox
from bot.sandbox.trouble import ANY, Order
from bot.settings import read
from tests.adapters.conftest import OUTGOING, Ground

pytestmark = pytest.mark.asyncio(loop_scope="session")

CHATS = ("memory", "wechat_message", "wechat_template", "telegram")
ON_A_NETWORK = (*CHATS[1:], "email")
LEAVES_A_RECEIPT = ("memory", "wechat_template", "telegram")
NOBODY = {"memory": Address("fax", "memory", "u1"), "telegram": Address("telegram", "123456789", "5")}
MAIL = Mail("明天见", "明天见！", "<p>明天见！</p>")


class Sends(Protocol):
    """As much of an adapter as whoever sends later needs; that of mails has no more."""

    async def send(self, address: Any, outgoing: Outgoing, route: str) -> str: ...


@dataclass
class Way:
    """One route of one adapter, and what came out at its other end."""

    ground: Ground
    route: str
    adapter: Sends
    memory: MemoryAdapter
    mailbox: Mailbox

    async def person(self) -> Address | str:
        self.ground.people += 1
        if self.route == "email":
            return f"p{self.ground.people}@example.com"
        if self.route == "memory":
            return Address("memory", "memory", f"u{self.ground.people}")
        return await self.ground.person(self.route)

    def arrived(self, to: Address | str) -> int:
        if isinstance(to, str):
            return len(self.mailbox.of(to))
        self.ground.to = to
        return sum(sent.address == to for sent in self.memory.outbox) + len(self.ground.arrived)


@pytest_asyncio.fixture(loop_scope="session")
async def mailbox() -> AsyncIterator[Mailbox]:
    box = Mailbox(Clock())
    await box.open()
    yield box
    await box.aclose()


def _mail_adapter(url: str) -> EmailAdapter:
    return EmailAdapter(read({"USHER_SMTP_URL": url, "USHER_MAIL_FROM": "usher@example.org"}), Clock())


@pytest_asyncio.fixture(params=[*CHATS, "email"], loop_scope="session")
async def any_way(request: pytest.FixtureRequest, ground: Ground, mailbox: Mailbox) -> AsyncIterator[Way]:
    """Any at all."""
    memory, mails = MemoryAdapter(), _mail_adapter(mailbox.url)
    own: dict[str, Sends] = {"memory": memory, "email": mails}
    yield Way(ground, request.param, own.get(request.param) or ground.adapter(request.param), memory, mailbox)
    await mails.close()


@pytest.fixture(params=CHATS)
def way(request: pytest.FixtureRequest, ground: Ground, mailbox: Mailbox) -> Way:
    """One by which people are talked with."""
    memory = MemoryAdapter()
    adapter = memory if request.param == "memory" else ground.adapter(request.param)
    return Way(ground, request.param, adapter, memory, mailbox)


async def test_it_is_an_adapter(way: Way) -> None:
    for name in ("fit", "routes", "listen", "send", "close"):
        ours, theirs = (inspect.signature(getattr(owner, name)) for owner in (type(way.adapter), Adapter))
        assert list(ours.parameters) == list(theirs.parameters), name
        assert ours.return_annotation == theirs.return_annotation, name
    assert way.adapter.channel
    assert way.adapter.account


async def test_a_message_arrives_once_and_leaves_a_receipt_or_nothing(any_way: Way) -> None:
    to = await any_way.person()
    receipt = await any_way.adapter.send(to, replace(OUTGOING, mail=MAIL), any_way.route)
    assert any_way.arrived(to) == 1
    assert isinstance(receipt, str)
    assert bool(receipt) == (any_way.route in LEAVES_A_RECEIPT)


@pytest.mark.parametrize(
    "route", ["", "email", "fax", "wechat_reply", "wechat_message", "wechat_template", "telegram", "memory"]
)
async def test_a_route_of_others_is_refused(way: Way, route: str) -> None:
    own = ("wechat_message", "wechat_template") if way.route.startswith("wechat") else (way.route,)
    if route in own:
        return
    to = await way.person()
    with pytest.raises(Refused, match=r"sends nothing by|nothing is sent by"):
        await way.adapter.send(to, OUTGOING, route)
    assert way.arrived(to) == 0


@pytest.mark.parametrize(
    "outgoing",
    [
        Outgoing("k"),
        replace(OUTGOING, reply=Reply("长" * 5000), data={"thing1": "长" * 21, "time2": "x"}),
    ],
    ids=["nothing", "too long"],
)
async def test_what_cannot_be_shown_whole_never_leaves(any_way: Way, outgoing: Outgoing) -> None:
    way, to = any_way, await any_way.person()
    way.ground.played.wechat.api.calls.clear()
    with pytest.raises(Refused):
        await way.adapter.send(to, outgoing, way.route)
    assert way.arrived(to) == 0
    assert way.ground.played.wechat.api.calls == []
    assert not way.ground.played.telegram.api.calls


async def test_who_is_not_there_cannot_be_reached(way: Way) -> None:
    nobody = NOBODY.get(way.route, Address("wechat", way.adapter.account, "oNobody"))
    with pytest.raises(Unreachable):
        await way.adapter.send(nobody, OUTGOING, way.route)
    way.ground.played.wechat.violations.clear()
    way.ground.played.telegram.violations.clear()


async def test_what_fits_is_left_and_the_rest_waits(way: Way) -> None:
    more = Choice("继续看", "继续")
    short, long = Reply("明天见！"), Reply("长" * 5000)
    assert way.adapter.fit(short, more) == (short, "")
    shown, rest = way.adapter.fit(long, more)
    assert shown.choices == (more,)
    assert (shown.text + rest, long.text) == ("长" * 5000, "长" * 5000)
    with pytest.raises(ValueError, match=r"."):
        way.adapter.fit(Reply(ask="长" * 5000), more)


async def test_many_at_once_each_arrive_once(any_way: Way) -> None:
    people = [await any_way.person() for _ in range(30)]
    sends = (
        any_way.adapter.send(to, replace(OUTGOING, key=f"k{number}", mail=MAIL), any_way.route)
        for number, to in enumerate(people)
    )
    receipts = await asyncio.gather(*sends)
    assert [any_way.arrived(to) for to in people] == [1] * 30
    assert len(set(receipts)) == (30 if any_way.route in LEAVES_A_RECEIPT else 1)


@pytest.mark.parametrize("route", ON_A_NETWORK)
async def test_where_nobody_listens_it_is_certainly_not_sent(route: str, ground: Ground, mailbox: Mailbox) -> None:
    inside = mailbox.url if route == "email" else ground.played.url
    door = Door(int(inside.rpartition(":")[2]))
    door.open()
    async with _before(door, route, ground) as adapter:
        way = Way(ground, route, adapter, MemoryAdapter(), mailbox)
        to, outgoing = await way.person(), replace(OUTGOING, mail=MAIL)
        door.shut()
        with pytest.raises(TryLater):
            await adapter.send(to, outgoing, route)
        assert way.arrived(to) == 0
        door.open()
        await adapter.send(to, outgoing, route)
        assert way.arrived(to) == 1
        door.shut()
        while door._visits:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.02)  # the end of the connection that was kept reaches us
        with pytest.raises(TryLater):
            await adapter.send(to, replace(outgoing, key="k2"), route)
        assert way.arrived(to) == 1
    await door.close()


@contextlib.asynccontextmanager
async def _before(door: Door, route: str, ground: Ground) -> AsyncIterator[Sends]:
    """An adapter of its own which sees the platform through a door."""
    if route != "email":
        async with ground.elsewhere(route, door.url) as adapter:
            yield adapter
        return
    mails = _mail_adapter(f"smtp://127.0.0.1:{door.port}")
    yield mails
    await mails.close()


@pytest.mark.parametrize("route", CHATS[1:])
async def test_errors_and_logs_hold_nothing_personal(
    route: str, ground: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    for order in (Order(cut=True), Order(status=500), Order(status=200, body=b"oPerson Ann")):
        ground.order("sendmessage" if route == "telegram" else ANY, *[order] * 5)
        with pytest.raises(Exception, match=r".") as raised:
            await ground.send(route, reply=Reply("您好 Ann"))
        ground.played.wechat.trouble.clear()
        ground.played.telegram.trouble.clear()
        ours = [str(record.__dict__) for record in caplog.records if record.name.startswith(("bot.ad", "httpx"))]
        for secret in (
            "Ann",
            "oPerson",
            ground.to.user_id,
            "AAtest",
            "access_token=",
            ground.wechat._api._token or "-",
        ):
            assert secret not in str(raised.value)
            assert secret not in "".join(ours).replace("-", "")
