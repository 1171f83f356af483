"""What people ask, on both channels over real HTTP: answered, offered, handed to a person and brought back."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlmodel import col, select

from bot.answers.matcher import Outcome
from bot.commands import questions
from bot.content.facts import fill
from bot.questions.handoff import A_DAY
from bot.sandbox.telegram_phone import Phone as Writer
from bot.sandbox.transcript import Line
from bot.store.outbox import Delivery
from bot.store.tables import Asked, Status
from tests.conftest import ROOT, postgresql_url, sqlite_url
from tests.e2e.conftest import BOTH
from tests.e2e.deliver import Station, alone, guest, station, until
from tests.e2e.talk import Phone, contact, content_with, everything, follower, lines, options, says, talk, writer

pytestmark = pytest.mark.asyncio(loop_scope="session")
NOW = "2019-10-08T12:00:00+08:00"  # time enough to wind
ORGANIZERS = (61_000_001, 61_000_002)
ASKED = "答复会在这里告诉您"
MAYBE = ("可以带孩子吗", "会有纪念品拿吗", "能提前进去吗", "有没有优惠", "能带东西进去吗", "需要带什么吗")
MAYBE_EN = ("Will there be souvenirs?", "Can I come in early?", "Is there a discount?", "What should I bring?")


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=BOTH)
async def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Station]:
    """One station on each kind of database, with two organizers on Telegram."""
    if request.param == "sqlite":
        url = sqlite_url(tmp_path_factory.mktemp("questions"))
    else:
        url = postgresql_url(request.getfixturevalue("postgresql"))
    async with station(url, NOW=NOW, TELEGRAM_ORGANIZERS=",".join(map(str, ORGANIZERS))) as home:
        yield home


@pytest_asyncio.fixture(loop_scope="session")
async def home(shared: Station) -> AsyncIterator[Station]:
    """The shared station; after each test the platforms have nothing to complain about."""
    await shared.as_new()
    for number in ORGANIZERS:
        organizer(shared, number).chat.known = True
    yield shared
    content_with(shared)


def organizer(home: Station, number: int = ORGANIZERS[0]) -> Writer:
    return home.telegram.phone(number)


async def shown(home: Station, words: str, number: int = ORGANIZERS[0]) -> Line:
    """What an organizer is shown with these words in it, as soon as it is there."""
    chat = organizer(home, number).transcript

    def found() -> list[Line]:
        return [line for line in chat.lines if line.who == "bot" and words in line.text]

    await until(found)
    (line,) = found()
    return line


async def handed_over(home: Station, phone: Phone, words: str) -> Line:
    """Somebody asks for a person; what the first organizer is shown."""
    await says(phone, "人工")
    assert ASKED in await says(phone, words)
    return await shown(home, words)


def unsure(home: Station, among: tuple[str, ...] = MAYBE) -> str:
    """A question that may mean several things to the matcher as it is."""
    return next(asked for asked in among if home.usher.dispatcher._live().match(asked).outcome is Outcome.SUGGEST)


async def suggestions(phone: Phone, asked: str) -> list[str]:
    """The labels that are offered for a question."""
    assert "我不太确定，您问的是哪一项？" in await phone.says(asked)
    labels = options(phone)
    assert labels[-1] == "都不是"
    assert 2 <= len(labels) <= 4
    return labels


def answer_of(home: Station, entry: str) -> str:
    content = home.usher.content
    return fill(content.faq[entry].answer.zh, content.known["zh"])


async def outcomes(home: Station, phone: Phone) -> list[tuple[str, str, str | None]]:
    """What is kept of what somebody asked: outcome, text and entry."""
    row = await contact(home.usher.database, phone)
    assert row
    mine = select(Asked).where(col(Asked.contact_id) == row.id).order_by(col(Asked.id))
    kept = await home.usher.database.read(lambda session: list(session.scalars(mine)))
    return [(one.outcome, one.text, one.entry) for one in kept]


async def hears(phone: Phone, words: str) -> None:
    await until(lambda: any(words in line for line in lines(phone)))


# The bot answers


@pytest.mark.parametrize("channel", ["wechat", "telegram"])
async def test_a_follow_up_is_about_what_was_answered_before(home: Station, channel: str) -> None:
    phone = follower(home) if channel == "wechat" else writer(home)
    await phone.says("你好")
    assert "2019年10月22日" in await phone.says("几点开始")
    assert "会场地址还没公布" in await phone.says("那地址呢")
    await phone.says("议程")
    assert home.usher.content.agenda.items[5].title.zh in await phone.says("第6个呢")


async def test_a_question_is_answered_with_what_to_do_next(home: Station) -> None:
    phone, english = follower(home), writer(home, "en")
    await phone.follows()
    await talk(phone, ("怎么报名", "约2分钟"), ("[我要报名]", "好的，一共8步"))
    await talk(english, ("How do I register?", "about 2 minutes"), ("[Register]", "All right, 8 short steps"))


@pytest.mark.parametrize("channel", ["wechat", "telegram"])
async def test_a_suggestion_is_tapped(home: Station, channel: str) -> None:
    phone = follower(home) if channel == "wechat" else writer(home)
    await phone.says("你好")
    asked = unsure(home)
    offered = await suggestions(phone, asked)
    entry = home.usher.dispatcher._live().match(asked).suggestions[0]
    said = await phone.taps(offered[0])
    assert said.split("\n")[0] in answer_of(home, entry)
    assert await outcomes(home, phone) == [("tapped", asked, entry)]


@pytest.mark.parametrize("channel", ["wechat", "telegram"])
async def test_none_of_these_is_passed_on(home: Station, channel: str) -> None:
    phone = follower(home) if channel == "wechat" else writer(home)
    await phone.says("你好")
    asked = unsure(home)
    await suggestions(phone, asked)
    assert (await phone.taps("都不是")).startswith("这个我不确定，不敢乱答，已经记下来转给主办方了。")
    assert [row[:2] for row in await outcomes(home, phone)] == [("unknown", asked)]
    assert not any(asked in line for line in lines(organizer(home)))  # only who asks for a person is shown to one


async def test_how_ones_own_registration_stands_comes_first(home: Station) -> None:
    phone, stranger = follower(home), follower(home)
    known = await guest(home, phone, status=Status.WAITLISTED)
    said = await phone.says("怎么还没收到确认邮件")
    assert said.startswith(f"您的报名 {known.reference}\n状态：候补中，有空位会按先后顺序递补\n")
    assert "垃圾箱" in said
    await stranger.follows()
    assert (await stranger.says("怎么还没收到确认邮件")).startswith("您还没有报名。")


async def test_the_agenda_is_the_one_of_its_file(home: Station) -> None:
    phone = follower(home)
    await phone.follows()
    said = await phone.says("议程发我看看")
    items = home.usher.content.agenda.items
    assert [f"{place}. {item.title.zh}" in said for place, item in enumerate(items, 1)] == [True] * len(items)


@pytest.mark.parametrize("channel", ["wechat", "telegram"])
async def test_a_question_in_the_form_is_answered_and_the_form_asks_again(home: Station, channel: str) -> None:
    phone = follower(home) if channel == "wechat" else writer(home)
    await phone.says("你好")
    asks = await says(phone, "报名", "同意", "4", "1")
    said = await phone.says("要收费吗")
    assert said.startswith("参会费用：免费。")
    assert "3/8 单位全称" in said
    assert "3/8 单位全称" in asks
    assert "4/8 " in await phone.says("怎么乐玩具有限公司")  # a name that only looks like a question
    assert [row[0] for row in await outcomes(home, phone)] == ["answer"]


async def test_a_name_that_reads_like_a_question_is_taken_when_it_is_said_once_more(home: Station) -> None:
    phone = follower(home)
    await phone.follows()
    await says(phone, "报名", "同意", "4", "1")
    assert "这读起来像个问题" in await phone.says("好玩多不多 戏智坊什么")
    assert "4/8 " in await phone.says("好玩多不多 戏智坊什么")
    assert await outcomes(home, phone) == []


async def test_in_the_form_too_a_question_goes_to_the_person_who_was_asked(home: Station) -> None:
    phone = follower(home)
    await phone.follows()
    await says(phone, "报名", "同意", "4", "1", "人工")
    said = await phone.says("酉 想问个事")
    assert ASKED in said
    assert "3/8 单位全称" in said
    assert (await phone.says("要收费吗")).startswith("也转给主办方的同事了。")
    await shown(home, "要收费吗")
    assert "4/8 " in await phone.says("东莞市欢乐玩具厂")


# A person answers


async def test_an_organizer_answers_somebody_on_wechat(home: Station) -> None:
    phone = follower(home)
    await phone.follows()
    line = await handed_over(home, phone, "展台能不能放样品甲")
    assert line.text.startswith("一位还没报名的朋友（微信，用中文）想问：\n——\n展台能不能放样品甲\n——\n")
    assert (await shown(home, "展台能不能放样品甲", ORGANIZERS[1])).text == line.text
    assert await organizer(home).replies("可以放在门口。", line) == "已交给微信消息发给对方。"
    await hears(phone, "主办方答复您：\n可以放在门口。")


async def test_an_organizer_answers_somebody_on_telegram_in_their_language(home: Station) -> None:
    phone = writer(home, "en")
    await says(phone, "organizer")
    assert "the answer comes here" in await phone.says("Can samples B be shown at the door?")
    line = await shown(home, "samples B")
    assert "（Telegram，用英文）" in line.text
    assert await organizer(home).replies("Yes, at the door. {x}", line) == "已交给Telegram发给对方。"
    await hears(phone, "The organizer replies:\nYes, at the door. {x}")


async def test_while_a_person_was_asked_the_bot_says_nothing_and_passes_everything_on(home: Station) -> None:
    phone = follower(home)
    await phone.follows()
    await handed_over(home, phone, "停车场丙有多大")
    for said in ("要收费吗 丙", "谢谢", "ok", "1"):
        assert await phone.says(said) == ""
    await shown(home, "要收费吗 丙")
    await shown(home, "——\n谢谢\n——")
    assert (await phone.says("议程")).startswith("会议议程")  # a known word works as everywhere, and ends it
    assert "免费" in await phone.says("要收费吗")


async def test_exit_brings_the_bot_back(home: Station) -> None:
    phone = writer(home)
    await handed_over(home, phone, "咨询丁")
    assert (await phone.says("退出")).startswith("好的，现在由我继续为您解答。")
    assert "免费" in await phone.says("要收费吗")


@pytest.mark.parametrize("word", ["帮助", "/nothing"])
async def test_help_and_what_is_written_like_a_command_bring_it_back_too(home: Station, word: str) -> None:
    phone = writer(home)
    await handed_over(home, phone, f"咨询亥{word}")
    assert (await phone.says(word)).startswith("直接打字问我会议的事")
    assert "免费" in await phone.says("要收费吗")


@pytest.mark.parametrize("how", ["button", "word"])
async def test_an_organizer_closes_it(home: Station, how: str) -> None:
    phone = follower(home)
    await phone.follows()
    line = await handed_over(home, phone, f"咨询戊{how}")
    assert await phone.says("再补充一句") == ""
    chief = organizer(home)
    said = await (chief.taps("结束", line.number) if how == "button" else chief.replies("关闭", line))
    assert said == "好的，已结束，由我继续为对方解答。"
    assert "免费" in await phone.says("要收费吗")
    await chief.replies("这是后来的答复", line)  # the way to the person stays open
    await hears(phone, "主办方答复您：\n这是后来的答复")


async def test_after_two_hours_the_bot_answers_again(home: Station) -> None:
    phone = follower(home)
    await phone.follows()
    await handed_over(home, phone, "咨询己")
    await home.wind(minutes=119)
    assert await phone.says("还在吗 己") == ""
    await home.wind(minutes=121)
    assert "免费" in await phone.says("要收费吗")


async def test_phone_and_mail_stay_here_and_the_name_goes_along(home: Station) -> None:
    phone = follower(home)
    known = await guest(home, phone, name="欧阳锦", organization="佛山玩具厂", status=Status.PENDING)
    await says(phone, "人工", "庚 请打 138 0013 8000 或写信到 ou.yang@example.com，2019-10-22 也行")
    line = await shown(home, "庚 请打")
    assert line.text.startswith(
        "欧阳锦 · 佛山玩具厂（微信，用中文）想问：\n——\n庚 请打 [☎] 或写信到 [✉]，2019-10-22 也行\n"
    )
    assert known.email not in line.text


async def test_what_cannot_be_sent_waits_until_they_write(home: Station) -> None:
    phone = follower(home)
    await phone.follows()
    line = await handed_over(home, phone, "咨询辛")
    await home.wind(hours=49)
    said = await organizer(home).replies("辛 请从东门进", line)
    assert said.startswith("现在发不到对方那里，已经存好，对方下次写来时最先看到。")
    assert (await phone.says("议程")).startswith("主办方答复您：\n辛 请从东门进\n——\n会议议程")
    assert "东门" not in await phone.says("议程")


async def test_what_waits_is_shown_also_while_the_bot_is_quiet(home: Station) -> None:
    phone = follower(home)
    await phone.follows()
    line = await handed_over(home, phone, "咨询壬")
    await home.wind(hours=49)
    await organizer(home).replies("壬 第一句", line)
    await handed_over(home, phone, "咨询壬二")
    phone_said = lines(phone)
    assert any("壬 第一句" in said for said in phone_said)


async def test_who_has_a_mail_address_is_told_there_when_the_window_is_closed(home: Station) -> None:
    phone = follower(home)
    known = await guest(home, phone, window="", status=Status.PENDING)
    line = await handed_over(home, phone, "咨询癸")
    await home.wind(hours=49)
    assert await organizer(home).replies("癸 请走西门", line) == "已交给邮件发给对方。"
    await until(lambda: home.mails(known.email))
    (mail,) = home.mails(known.email)
    assert mail.subject.startswith("主办方的答复")
    assert mail.text.startswith("主办方答复您：\r\n癸 请走西门\r\n")


async def test_who_blocked_the_bot_cannot_be_reached(home: Station) -> None:
    phone = writer(home)
    line = await handed_over(home, phone, "咨询子")
    await phone.blocks()
    said = await organizer(home).replies("来不及了", line)
    assert said.startswith("联系不上对方，没有发出。")


async def test_what_was_erased_is_shown_to_nobody_and_no_answer_is_kept(home: Station) -> None:
    phone = writer(home)
    line = await handed_over(home, phone, "丑的秘密")
    await says(phone, "删除我的信息", "确定删除")
    assert "丑的秘密" not in await everything(home.usher.database)
    said = await organizer(home).replies("给丑的答复", line)
    assert said == "对方的信息已经删除，联系不上了，您写的没有保存。"
    assert "给丑的答复" not in await everything(home.usher.database)


async def test_an_unfollow_takes_the_notes_and_their_answers_along(home: Station) -> None:
    phone = follower(home)
    await guest(home, phone, name="寅先生", status=Status.PENDING)
    line = await handed_over(home, phone, "寅的秘密")
    await organizer(home).replies("给寅的答复", line)
    await hears(phone, "给寅的答复")
    await phone.unfollows()
    left = await everything(home.usher.database)
    assert ("寅的秘密" in left, "给寅的答复" in left) == (False, False)
    assert "已经删除" in await organizer(home).replies("再给寅", line)


async def test_only_organizers_chats_bring_an_answer(home: Station) -> None:
    phone, stranger = writer(home), writer(home)
    line = await handed_over(home, phone, "咨询卯")
    shape = organizer(home).chat.messages[line.message_id]
    await stranger.says("你好")
    said = await stranger._writes("卯 假答复", {"text": "卯 假答复", "reply_to_message": shape})
    assert "已交给" not in said
    button = shape["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    query = {"id": home.telegram.pressed(stranger.chat), "from": stranger.user, "chat_instance": "1", "data": button}
    query["message"] = {**shape, "chat": stranger.chat.shape}
    assert "已经用不上了" in await stranger._sends("callback_query", query, f"press{stranger.user_id}", stranger.chat)
    assert await phone.says("卯 还在等") == ""
    assert not any("假答复" in said for said in lines(phone))


async def test_an_organizer_who_replies_to_something_else_is_a_person_like_others(home: Station) -> None:
    chief = organizer(home)
    await chief.says("议程")
    other = next(line for line in reversed(chief.transcript.lines) if line.who == "bot")
    assert "免费" in await chief.replies("要收费吗", other)


async def test_one_person_is_shown_so_often_and_no_more(home: Station) -> None:
    phone = writer(home)
    await phone.says("你好")
    row = await contact(home.usher.database, phone)
    assert row
    notes = [Asked(contact_id=row.id, asked_at=home.now, outcome="note") for _ in range(A_DAY - 2)]
    await home.usher.database.write(lambda session: session.add_all(notes))
    await handed_over(home, phone, "辰一")
    assert await phone.says("辰二") == ""
    await shown(home, "辰二")
    assert (await phone.says("辰三")).startswith("您今天转给主办方的话已经不少了")
    for number in range(10):
        assert (await says(phone, "人工", f"辰再{number}")).startswith("已经记下")
    assert "免费" in await phone.says("要收费吗")
    assert not [line for line in lines(organizer(home)) if "辰三" in line or "辰再" in line]
    await home.wind(hours=25)
    await handed_over(home, phone, "辰明天")


async def test_a_long_text_is_shown_cut_and_an_answer_that_does_not_fit_is_refused(home: Station) -> None:
    phone = follower(home)
    await phone.follows()
    line = await handed_over(home, phone, "<b>巳</b> *_[x](y) " + "很长" * 300)
    assert "<b>巳</b>" in line.text.replace("＜", "<").replace("＞", ">")
    other = writer(home)
    await says(other, "人工", "午" + "字" * 4000)
    line_of_other = await shown(home, "午字")
    assert line_of_other.text.count("字") == 999
    assert "字…" in line_of_other.text
    assert "太长了" in await organizer(home).replies("长" * 1000, line)
    await organizer(home).replies("好" * 600, line)
    await hears(phone, "好" * 600)
    await organizer(home).replies("行" * 3800, line_of_other)
    await hears(other, "行" * 3800)


async def test_a_picture_is_no_answer(home: Station) -> None:
    phone = writer(home)
    line = await handed_over(home, phone, "咨询未")
    chief = organizer(home)
    shape = chief.chat.messages[line.message_id]
    sizes = [{"file_id": "a", "file_unique_id": "b", "width": 90, "height": 67}]
    assert "我只能转文字" in await chief._writes("[photo]", {"photo": sizes, "reply_to_message": shape})


async def test_without_an_organizer_who_can_be_reached_it_is_a_note(home: Station) -> None:
    for number in ORGANIZERS:
        await organizer(home, number).says("你好")
        await organizer(home, number).blocks()
    phone = writer(home)
    assert await says(phone, "人工", "咨询申") == "已经记下，转给主办方了。"
    assert "免费" in await phone.says("要收费吗")
    for number in ORGANIZERS:
        await organizer(home, number).unblocks()
        await organizer(home, number).says("你好")


async def test_a_reply_is_known_by_the_id_of_the_message_as_well(home: Station) -> None:
    """As it is where the platform does not show what stands below the message that is answered."""
    phone, chief = writer(home), organizer(home)
    line = await handed_over(home, phone, "咨询戌")
    bare = {name: value for name, value in chief.chat.messages[line.message_id].items() if name != "reply_markup"}
    sent = select(Delivery).where(col(Delivery.receipt) == str(line.message_id))
    for _ in range(100):
        if await home.usher.database.read(lambda session: session.scalars(sent).first()):
            break
        await asyncio.sleep(0.02)
    said = await chief._writes("戌 好的", {"text": "戌 好的", "reply_to_message": bare})
    assert said == "已交给Telegram发给对方。"
    await hears(phone, "主办方答复您：\n戌 好的")


# An organizer answers everybody who asked


@pytest.mark.asyncio(loop_scope="function")
async def test_an_answer_reaches_everybody_who_asked(database_url: str, tmp_path: Path) -> None:
    content = shutil.copytree(ROOT / "content", tmp_path / "content")
    async with alone(database_url, NOW=NOW, CONTENT=str(content)) as home:
        near, english, away = follower(home), writer(home, "en"), follower(home)
        asked, asked_en = unsure(home), unsure(home, MAYBE_EN)
        for phone in (near, away):
            await phone.follows()
            assert "已经记下来转给主办方了" in await says(phone, asked, "[都不是]")
        assert "written your question down" in await says(english, asked_en, "[None of these]")
        await home.wind(hours=49)
        await near.says("议程")
        said = await asyncio.to_thread(answer_all, home, {asked, asked_en})
        assert [line for line in said if line.startswith(("now by", "not now"))] != []
        home.usher.lanes.wake()
        await hears(near, "主办方答复您：\n不放烟花。")
        await hears(english, "The organizer replies:\nNo fireworks.")
        assert not any("不放烟花" in line for line in lines(away))
        assert "主办方答复您：\n不放烟花。" in await away.says("议程")


def answer_all(home: Station, asked: set[str]) -> list[str]:
    """What `usher questions answer` prints for the groups in which these were asked."""
    settings, clock = home.usher.settings, home.usher.clock
    said: list[str] = []
    for row in questions.listed(settings):
        if asked & set(row["examples"]):
            said += questions.answer(settings, clock, row["id"], questions.Answer(zh="不放烟花。", en="No fireworks."))
    return said
