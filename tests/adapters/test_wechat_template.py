"""Template messages: sent once although answers get lost, shown whole or not at all, and their end handed on."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
import pytest_asyncio
from starlette.applications import Starlette

from bot.adapters.wechat import api, templates
from bot.errors import Refused, Unavailable, Unconfirmed, Unreachable
from bot.sandbox.trouble import Order
from bot.serve import bound
from tests import served
from tests.adapters.conftest import OUTGOING, TEMPLATE, Ground

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROUTE, CALL = "wechat_template", "message/template/send"
CUT_BEHIND = Order(cut=True, done=True)


async def test_what_is_sent_is_what_was_composed(ground: Ground) -> None:
    receipt = await ground.send(ROUTE, link="https://usher.example.org/ticket/t")
    [took] = [one for one in ground.played.wechat.api.accepted if one.to == ground.to.user_id]
    assert (took.text, took.key) == ("分享会 10月22日", f"k{ground.people}")
    line = ground.played.wechat.phone(ground.to.user_id).transcript.lines[-1]
    assert (line.text, line.parts[0].link) == ("分享会 10月22日", "https://usher.example.org/ticket/t")
    assert receipt.isdecimal()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"data": {"thing1": "字" * 21, "time2": "x"}}, "thing1 has 21 characters"),
        *(
            ({"data": {"thing1": f"a{end}b", "time2": "x"}}, "thing1 has a line break")
            for end in "\n\r\v\f\x85\u2028\u2029"
        ),
        ({"data": {}}, "nothing to fill it with"),
        ({"template": ""}, "no template is set"),
    ],
)
async def test_what_people_would_see_cut_or_broken_never_leaves(
    changed: dict[str, object], words: str, ground: Ground
) -> None:
    with pytest.raises(Refused, match=words):
        await ground.send(ROUTE, **changed)
    assert ground.calls(CALL) == 0


async def test_twenty_characters_of_any_kind_are_shown_whole(ground: Ground) -> None:
    for words in ("字" * 20, "😀" * 20, "a" * 20):
        await ground.send(ROUTE, data={"thing1": words, "time2": "x"})
        assert ground.played.wechat.phone(ground.to.user_id).transcript.lines[-1].text == f"{words} x"


async def test_a_long_key_is_still_one_the_platform_takes_and_knows_again(ground: Ground) -> None:
    to, outgoing = await ground.person(ROUTE), replace(OUTGOING, key="two-weeks." * 20)
    first = await ground.wechat.send(to, outgoing, ROUTE)
    assert await ground.wechat.send(to, outgoing, ROUTE) == first
    ground.to = to
    assert ground.arrived == [CALL]


async def test_an_answer_that_got_lost_is_asked_for_and_nothing_arrives_twice(ground: Ground) -> None:
    ground.order(CALL, CUT_BEHIND, CUT_BEHIND)
    assert await ground.send(ROUTE)
    assert (ground.arrived, ground.calls(CALL)) == ([CALL], 3)
    assert ground.waits == [0.3, 1.0]


async def test_without_the_id_it_would_arrive_twice(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control arm: the guard is the id, and the stand-in does not hide what happens without it."""
    monkeypatch.setattr(templates, "_id", lambda key: "")
    ground.order(CALL, CUT_BEHIND)
    await ground.send(ROUTE)
    assert ground.arrived == [CALL, CALL]


async def test_one_that_arrives_late_arrives_once(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "WHOLE", 0.5)
    monkeypatch.setattr(templates, "_WAITS", (0.01,))
    monkeypatch.setattr(api, "_LEAST", 0.05)
    ground.order(CALL, Order(delay=0.4))
    receipt = await ground.send(ROUTE)
    async with asyncio.timeout(10):
        while not ground.arrived or ground.calls(CALL) < 2:
            await asyncio.sleep(0.01)
    assert (ground.arrived, ground.calls(CALL)) == ([CALL], 2)
    assert receipt


async def test_asking_again_ends_with_the_time_of_the_message(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "WHOLE", 1.2)
    monkeypatch.setattr(api, "_LEAST", 0.05)
    ground.order(CALL, *[Order(delay=0.4, cut=True)] * 3)
    with pytest.raises(Unconfirmed):
        await ground.send(ROUTE)
    assert ground.calls(CALL) == 2, "the third would have begun too late, with the wait of a second before it"


async def test_a_clear_no_at_once_is_final_for_this_person(ground: Ground) -> None:
    ground.order(CALL, CUT_BEHIND)
    await ground.send(ROUTE)
    ground.played.wechat.phone(ground.to.user_id).refuses = 48002
    with pytest.raises(Unreachable, match="48002"):
        await ground.wechat.send(ground.to, replace(OUTGOING, key="next"), ROUTE)
    assert ground.calls(CALL) == 3


# The end, by way of the webhook.


@pytest_asyncio.fixture(loop_scope="session")
async def with_webhook(ground: Ground):
    """The adapter's webhook is served, so that ends can be told."""
    listening = bound("127.0.0.1", 0)
    wechat = ground.played.wechat
    before = wechat.webhook_url
    wechat.webhook_url = f"http://127.0.0.1:{listening.getsockname()[1]}/wechat/webhook"
    ground.wechat._clock = wechat.clock
    ground.ended.clear()
    async with served._serving(Starlette(routes=ground.wechat.routes()), listening):
        yield ground
        await wechat.templates.close()
    wechat.webhook_url, wechat.templates.telling = before, "never"


async def _ended(ground: Ground, count: int) -> list[tuple[str, str]]:
    async with asyncio.timeout(5):
        while len(ground.ended) < count:
            await asyncio.sleep(0.01)
    return ground.ended


async def test_the_end_comes_after_the_answer_or_before_it(with_webhook: Ground) -> None:
    ground, told = with_webhook, with_webhook.played.wechat.templates
    told.telling = "after"
    receipt = await ground.send(ROUTE)
    assert await _ended(ground, 1) == [(receipt, "success")]
    told.telling = "before"
    receipt = await ground.send(ROUTE)
    assert ground.ended[1:] == [(receipt, "success")], "told while the call was still waiting for its answer"
    assert ground.played.wechat.violations == []


async def test_how_it_ended_is_told_in_the_platforms_words(with_webhook: Ground) -> None:
    ground, told = with_webhook, with_webhook.played.wechat.templates
    told.telling = "before"
    told.ends.append("failed: system failed")
    await ground.send(ROUTE)
    ground.played.wechat.phone(ground.to.user_id).mutes_templates = True
    await ground.wechat.send(ground.to, replace(OUTGOING, key="next"), ROUTE)
    assert [status for _, status in ground.ended] == ["failed: system failed", "failed:user block"]
    assert list(ground.played.wechat.phone(ground.to.user_id).transcript.lines) == []


async def test_an_end_that_could_not_be_written_is_told_again(
    with_webhook: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground, faults = with_webhook, [Unavailable("the database is away")]

    async def away_at_first(receipt: str, status: str) -> None:
        if faults:
            raise faults.pop()
        ground.ended.append((receipt, status))

    monkeypatch.setattr(ground.wechat, "_report", away_at_first)
    ground.played.wechat.templates.telling = "before"
    await ground.send(ROUTE)
    assert ground.ended == []
    assert [said for said in ground.played.wechat.violations if "503" in said]
    assert TEMPLATE in ground.played.wechat.templates.texts
