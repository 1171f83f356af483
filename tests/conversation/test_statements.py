"""At most six SQL statements a message; the final 确认, cancelling, erasing and asking for a person are exempt."""

from __future__ import annotations

import itertools

from bot.clock import Clock
from bot.content.records import Content
from bot.delivery.routes import Accounts
from bot.message import Kind
from bot.store.database import Database
from bot.store.outbox import Delivery
from tests.chat import FORM, Chat, Town
from tests.conftest import NOW
from tests.stored import rows, statements

MOST = 6
WORDS = (
    *("报名", "我的报名", "修改", "取消报名", "替同事报名", "议程", "第三个议题", "地点", "帮助", "语言", "EN", "中文"),
    *("退出", "人工", "隐私", "我的数据", "删除我的信息", "退订", "订阅", "继续", "确认", "你好", "谢谢"),
)
QUESTIONS = (
    "要收费吗",
    "is it free",
    "will fireworks be lit",
    "广交会几号开始",
    "可以带孩子吗",
    "where is the venue",
    "能带狗吗",
)
CHANGES = (
    "报名",
    "我的报名",
    "替同事报名",
    "修改",
    "同事1",
    "姓名",
    "王五",
    "取消报名",
    "同事2",
    "不取消",
    "取消报名",
    "同事3",
)
SEATS = 12  # statements where a seat may get free: the event is locked, and whoever waits is looked for
COLLEAGUE = ("替同事报名", "同意", "和我一样", "报名", "退出", "报名", "取消", "不报了，清掉", "我的数据")
REST = ("人工", "一句留言", "EN", "will fireworks be lit", "forget", "No, keep it", "stop", "resume", "确认")


async def counted(chat: Chat, *texts: str) -> dict[str, int]:
    """How many statements each text took."""
    found = {}
    for text in texts:
        with statements(chat.town.database) as sent:
            await chat.says(text)
        found[text] = len(sent)
    return found


def above(found: dict[str, int]) -> dict[str, int]:
    assert found
    assert min(found.values()) >= 3  # the counting counts
    return {text: count for text, count in found.items() if count > MOST}


async def test_every_step_of_the_form(town: Town) -> None:
    chat = town.chat()
    texts = (
        "报名",
        "随便",
        *FORM[:3],
        "要收费吗",
        *FORM[3:6],
        "138",
        FORM[6],
        "能带狗吗？",
        FORM[7],
        "修改",
        "姓名",
        "李四",
    )
    assert above(await counted(chat, *texts)) == {}


async def test_every_word_of_a_stranger_at_their_very_first_message(town: Town) -> None:
    found = {}
    for word in (*WORDS, *QUESTIONS):
        found |= await counted(town.chat(f"stranger: {word}"), word)
    assert above(found) == {}


async def test_every_word_of_somebody_who_is_registered_with_colleagues(town: Town) -> None:
    chat = town.chat()
    await chat.registers()
    for number in range(5):
        await chat.says("替同事报名", "同意", "1", f"同事{number}", "跳过", "13900139000", "c@example.com", "确认")
    assert above(await counted(chat, *CHANGES)) == {}
    assert (await counted(chat, "确定取消"))["确定取消"] <= SEATS
    assert above(await counted(chat, *COLLEAGUE, *REST)) == {}


async def test_asking_for_a_person_takes_no_more_for_many_organizers(database: Database, content: Content) -> None:
    """It is rare, and bounded: a person is shown to organizers only so often a day."""
    found: list[dict[str, int]] = []
    for organizers in (("9",), ("1", "2", "3", "4", "5")):
        accounts = Accounts(telegram="memory", organizers=organizers)
        town = Town(database, content, Clock(NOW), accounts=accounts)
        town.ids = itertools.count(1000 * len(organizers))
        for user_id in ("a", "b"):  # the organizers are met with the first
            chat = town.chat(f"{user_id}{len(organizers)}")
            found.append(await counted(chat, "人工", "一句", "再一句", "议程"))
            assert len(rows(database, Delivery)) > 0
    first, second, *many = (list(taken.values()) for taken in found)
    assert many == [first, second]
    assert second == [4, 10, 11, 4]


async def test_everything_that_is_no_text(town: Town) -> None:
    for kind in Kind:
        if kind in (Kind.TEXT, Kind.LEAVE):
            continue
        for chat in (town.chat(f"new {kind}"), town.chat()):
            with statements(town.database) as sent:
                await chat.does(kind, source="mail")
            assert 3 <= len(sent) <= MOST, kind


async def test_who_comes_back_after_an_unfollow(town: Town) -> None:
    chat = town.chat()
    await chat.registers()
    await chat.does(Kind.LEAVE)
    with statements(town.database) as sent:
        await chat.does(Kind.START)
    assert len(sent) <= MOST + 2  # this once the registration and what was sent about it are handed over as well


async def test_a_copy_takes_two(town: Town) -> None:
    chat = town.chat()
    await chat.says("你好")
    with statements(town.database) as sent:
        await chat.repeats(chat.sent[-1])
    assert len(sent) == 2


async def test_a_long_agenda_or_many_registrations_take_no_more(town: Town) -> None:
    """No query in a loop: what one colleague takes, five take."""
    one, many = town.chat("one"), town.chat("many")
    for chat, count in ((one, 1), (many, 5)):
        await chat.registers()
        for _ in range(count):
            await chat.says("替同事报名", "同意", "1", "李四", "跳过", "13900139000", "c@example.com", "确认")
    words = ("我的报名", "我的数据", "修改", "取消报名")
    assert await counted(one, *words) == await counted(many, *words)
