"""What every adapter keeps, whatever its platform: the promises of bot/adapters/base.py about sending later."""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import dataclass, replace

import pytest

from bot.adapters.base import Adapter, Outgoing
from bot.adapters.memory import MemoryAdapter
from bot.errors import Refused, TryLater, Unreachable
from bot.message import Address, Choice, Reply
from bot.sandbox.door import Door
from bot.sandbox.trouble import ANY, Order
from tests.adapters.conftest import OUTGOING, Ground

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROUTES = ("memory", "wechat_message", "wechat_template", "telegram")
ON_A_NETWORK = ROUTES[1:]
NOBODY = {"memory": Address("fax", "memory", "u1"), "telegram": Address("telegram", "123456789", "5")}


@dataclass
class Way:
    """One route of one adapter, and what came out at its other end."""

    ground: Ground
    route: str
    adapter: Adapter
    memory: MemoryAdapter

    async def person(self) -> Address:
        if self.route == "memory":
            return Address("memory", "memory", "u1")
        return await self.ground.person(self.route)

    def arrived(self, to: Address) -> int:
        self.ground.to = to
        return len(self.memory.outbox) + len(self.ground.arrived)


@pytest.fixture(params=ROUTES)
def way(request: pytest.FixtureRequest, ground: Ground) -> Way:
    memory = MemoryAdapter()
    adapter = memory if request.param == "memory" else ground.adapter(request.param)
    return Way(ground, request.param, adapter, memory)


async def test_it_is_an_adapter(way: Way) -> None:
    for name in ("fit", "routes", "listen", "send", "close"):
        ours, theirs = (inspect.signature(getattr(owner, name)) for owner in (type(way.adapter), Adapter))
        assert list(ours.parameters) == list(theirs.parameters), name
        assert ours.return_annotation == theirs.return_annotation, name
    assert way.adapter.channel
    assert way.adapter.account


async def test_a_message_arrives_once_and_leaves_a_receipt_or_nothing(way: Way) -> None:
    to = await way.person()
    receipt = await way.adapter.send(to, OUTGOING, way.route)
    assert way.arrived(to) == 1
    assert isinstance(receipt, str)
    assert bool(receipt) == (way.route in ("memory", "wechat_template"))


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
async def test_what_cannot_be_shown_whole_never_leaves(way: Way, outgoing: Outgoing) -> None:
    to = await way.person()
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


async def test_many_at_once_all_arrive(way: Way) -> None:
    people = [await way.person() for _ in range(30)]
    receipts = await asyncio.gather(
        *(way.adapter.send(to, replace(OUTGOING, key=f"{to.user_id}.{n}"), way.route) for n, to in enumerate(people))
    )
    assert sum(map(way.arrived, set(people))) >= 30
    assert len(set(receipts)) == (30 if way.route in ("memory", "wechat_template") else 1)


@pytest.mark.parametrize("route", ON_A_NETWORK)
async def test_where_nobody_listens_it_is_certainly_not_sent(route: str, ground: Ground) -> None:
    door = Door(int(ground.played.url.rpartition(":")[2]))
    door.open()
    to = await ground.person(route)
    ground.to = to
    async with ground.elsewhere(route, door.url) as adapter:
        door.shut()
        with pytest.raises(TryLater, match="no connection"):
            await adapter.send(to, OUTGOING, route)
        assert ground.arrived == []
        door.open()
        await adapter.send(to, OUTGOING, route)
        assert len(ground.arrived) == 1
        door.shut()
        await asyncio.sleep(0.05)  # the end of the connection that was kept reaches us
        with pytest.raises(TryLater, match="no connection"):
            await adapter.send(to, replace(OUTGOING, key="k2"), route)
    await door.close()


@pytest.mark.parametrize("route", ON_A_NETWORK)
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
