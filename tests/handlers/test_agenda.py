"""议程 and 地点: what is known, and that the rest will be told."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.content.records import Content
from bot.store.tables import Event
from tests.chat import Town
from tests.edits import edited, with_event

VENUE = {
    "name": {"zh": "会展中心", "en": "Convention Centre"},
    "address": {"zh": "福华三路1号", "en": "1 Fuhua 3rd Road"},
    "latitude": 22.53,
    "longitude": 114.05,
    "directions": {"zh": "地铁4号线", "en": "Metro line 4"},
}


async def test_the_agenda_has_six_items_and_says_what_is_not_known(town: Town) -> None:
    said = (await town.chat().says("议程")).split("\n")
    assert said[0] == "会议议程："
    assert [line[:2] for line in said[1:7]] == ["1.", "2.", "3.", "4.", "5.", "6."]
    assert said[7] == "各项时间和讲者确定后会在这里公布。想看某一项，回复「议题3」。"


CHINESE = ("第三个议题", "第3个议题", "第三個議題", "议题3", "議題三", "第三项议程", "第３个议题是什么")
ENGLISH = ("item 3", "Item 3?", "session three", "the third session", "3rd item", "topic no. 3", "agenda item 3")


@pytest.mark.parametrize("asked", CHINESE + ENGLISH)
async def test_one_item(town: Town, content: Content, asked: str) -> None:
    said = await town.chat().says(asked)
    title = content.agenda.items[2].title
    assert said.startswith((f"3. {title.zh}\n讲者和具体时间确定后", f"3. {title.en}\nSpeakers and times will"))


@pytest.mark.parametrize("asked", ["第七个议题", "议题99", "item 7"])
async def test_an_item_that_is_not_there(town: Town, asked: str) -> None:
    assert await town.chat().says(asked) == "议程一共6项，没有这一项。\n[1 看议程]"


async def test_speaker_and_time_are_told_once_they_are_known(town: Town, tmp_path: Path) -> None:
    title = 'title.zh = "员工福祉项目给企业带来的效益"'
    known = f'{title}\nspeaker.zh = "张三"\nspeaker.en = "Zhang San"\nstarts = "10:00"\nends = "10:45"'
    town.use(edited(tmp_path, "agenda.toml", (title, known)))
    assert "2. 员工福祉项目给企业带来的效益 · 10:00–10:45 · 张三\n" in await town.chat().says("议程")
    assert (await town.chat().says("议题2")).startswith("2. 员工福祉项目给企业带来的效益 · 10:00–10:45 · 张三\n[1")


async def test_an_agenda_that_is_not_there_yet_is_no_error(town: Town, tmp_path: Path) -> None:
    edited(tmp_path, "agenda.toml")
    agenda = tmp_path / "content" / "agenda.toml"
    agenda.write_text("", encoding="utf-8")
    town.use(edited(tmp_path, "agenda.toml"))
    assert (await town.chat().says("议程")).startswith("议程还没有公布")
    assert (await town.chat().says("议题1")).startswith("议程一共0项")


async def test_the_venue_is_told_as_far_as_it_is_known(town: Town) -> None:
    chat, english = town.chat(), town.chat("u2", language="en")
    when = "深圳 · 2019年10月22日（周二）9:30–16:00"
    assert await chat.says("地点") == f"{when}\n会场：会场地址还没公布，会随确认一起发给您。"
    town.database.write_now(lambda session: session.add(Event(id="event", venue=VENUE)))
    assert await chat.says("会场在哪") == f"{when}\n会场：会展中心\n福华三路1号\n地铁4号线"
    assert "Venue: Convention Centre\n1 Fuhua 3rd Road\nMetro line 4" in await english.says("venue")
    assert "会展中心" in await chat.says("在深圳哪个区")


async def test_afterwards_the_answers_speak_of_the_past(town: Town, content: Content) -> None:
    town.use(with_event(content, date="2019-10-01"))
    chat = town.chat()
    for asked in ("议程", "议题3", "地点", "要收费吗", "你好", "报名", "替同事报名"):
        said = await chat.says(asked)
        assert said.startswith("会议已于2019年10月1日（周二）结束"), asked
        assert "确定后" not in said, asked
