"""Three people ask what nobody can answer; an organizer answers them all at once, and then the bot knows."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from bot.answers.matcher import Outcome
from bot.commands import questions as commands
from tests.conftest import ROOT
from tests.e2e.deliver import LATER_THAN_USUAL, Station, alone, until
from tests.e2e.talk import Phone, everything, follower, lines, options, says, writer

MAYBE = ("现场可以给手机充电吗", "附近有没有药店", "会场能抽烟吗", "有地方存行李吗", "大门几点锁")
ZH, EN = "可以寄存，前台在一楼。", "Yes, at the desk on the ground floor."


def unanswered(home: Station) -> str:
    """A question that the matcher as it is does not answer, and takes for ours."""
    matches = {text: home.usher.dispatcher._live().match(text) for text in MAYBE}
    return next(text for text, match in matches.items() if match.outcome is not Outcome.ANSWER and match.ours)


async def asks(home: Station, phone: Phone, text: str) -> None:
    """Asks; none of what is offered is meant, and the bot says that an organizer will read it."""
    texts = home.usher.content.texts
    reply, none, noted = await phone.says(text), texts["choice.none_of_these"], texts["unknown.forwarded"]
    for label in {none.zh, none.en} & set(options(phone)):
        reply = await says(phone, f"[{label}]")
    assert noted.zh in reply or noted.en in reply


async def test_an_answer_reaches_three_who_asked_and_is_known_from_then_on(database_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "content"
    shutil.copytree(ROOT / "content", folder)
    async with alone(database_url, NOW=LATER_THAN_USUAL, CONTENT=str(folder)) as home:
        here, english, away, later = follower(home), writer(home, "en"), follower(home), follower(home)
        text = unanswered(home)
        await english.says("EN")
        for phone, said in ((away, text), (here, f"请问{text}"), (english, f"{text}？"), (here, f"{text}呢")):
            await asks(home, phone, said)
        await home.wind(days=3)  # WeChat lets nobody write to who said nothing for two days
        await here.says("你好")
        (group,) = await asyncio.to_thread(commands.listed, home.usher.settings)
        assert (group["count"], group["people"]) == (4, 3)
        said = commands.Answer(zh=ZH, en=EN, id="luggage")
        told = await asyncio.to_thread(
            lambda: list(commands.answer(home.usher.settings, home.usher.clock, group["id"], said))
        )
        assert told[1:5] == [
            "3 people asked 4 times",
            "now by telegram: 1",
            "now by wechat_message: 1",
            "not now, waiting (shown when they next write): 1, WeChat window closed, no template; no e-mail address",
        ]
        await until(lambda: any(ZH in line for line in lines(here)) and any(EN in line for line in lines(english)))
        assert [line for line in lines(here) if ZH in line] == [f"您问过：「{text}呢」\n主办方答复您：\n{ZH}"]
        assert [line for line in lines(english) if EN in line] == [
            f'You asked: "{text}？"\nThe organizer replies:\n{EN}'
        ]
        assert (await away.says("谢谢")).startswith(f"您问过：「{text}」\n主办方答复您：\n{ZH}\n——\n")
        assert ZH not in await away.says("谢谢")
        assert await asyncio.to_thread(commands.listed, home.usher.settings) == []
        await until(lambda: "luggage" in home.usher.content.faq, within=60)
        assert ZH in await later.says(text)
        await says(here, "删除我的信息", "[确定删除]")
        assert f"请问{text}" not in await everything(home.usher.database)
