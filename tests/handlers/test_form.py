"""Registering, question by question, as a person goes through it."""

from __future__ import annotations

import re

import pytest

from bot.content.records import Content, Language
from bot.message import Kind
from bot.store.tables import Registration
from tests.chat import FORM, Chat, Town
from tests.edits import sentence
from tests.stored import contact, registered, waiting

BEFORE = {"category": 1, "programme": 2, "organization": 3, "name": 4, "title": 5, "phone": 6, "email": 7, "review": 8}
"""How many answers of FORM come before each question."""


async def at(chat: Chat, question: str) -> str:
    """Goes through the form up to a question."""
    return await chat.says("报名", *FORM[: BEFORE[question]])


async def test_a_factory_registers_from_the_first_word_to_the_reference(town: Town, content: Content) -> None:
    chat = town.chat()
    said = await chat.says("报名")
    assert said.startswith("好的，一共8步。\n报名大约需要2分钟，中途可以随时离开，回来接着填。")
    assert said.endswith("[1 同意]\n[2 不同意]")
    assert await chat.says("同意") == "1/8 您代表：\n[1 玩具协会]\n[2 品牌商]\n[3 零售商]\n[4 工厂代表]"
    programme = "2/8 贵单位是否已参加2019年的家庭友好空间项目？\n[1 已参加]\n[2 还没有，想了解]"
    assert await chat.says("4") == programme
    assert await chat.says("1") == "3/8 单位全称？"
    assert await chat.says("东莞市欢乐玩具厂") == "4/8 请问您的姓名？"
    assert await chat.says("王芳") == "5/8 您的职务？不想填，回复「跳过」就行。\n[1 跳过]"
    assert (await chat.says("人事经理")).startswith("6/8 您的手机号？")
    assert (await chat.says("138 0013 8000")).startswith("7/8 您的邮箱？")
    assert (await chat.says("wangfang@example.com")).split("\n") == [
        "请核对：",
        "类别 工厂代表",
        "2019年项目 已参加",
        "单位 东莞市欢乐玩具厂",
        "姓名 王芳",
        "职务 人事经理",
        "手机 138 0013 8000",
        "邮箱 wangfang@example.com",
        "以上信息对吗？",
        "[1 确认]",
        "[2 修改]",
        "[3 取消]",
    ]
    said = await chat.says("确认")
    (row,) = registered(town.database)
    assert re.fullmatch(r"FFS-[0-9A-HJKMNP-TV-Z]{6}", row.reference)
    assert said.startswith(f"报名已提交，编号 {row.reference}。\n主办方审核后，会场详情随确认邮件一起发给您。")
    assert "随时回复「我的报名」查看结果" in said
    assert "可以转发给同事：家庭友好空间分享会，2019年10月22日（周二），深圳，免费。" in said
    stored = (row.status, row.category, row.programme, row.organization, row.name, row.title, row.phone, row.email)
    assert stored == ("pending", "factory", "in_programme", "东莞市欢乐玩具厂", "王芳", "人事经理",
                      "+8613800138000", "wangfang@example.com")  # fmt: skip
    assert (row.language, row.channel, row.registered_by, row.consent_version) == ("zh", "memory", None, "1")
    assert (row.more, row.decided_at, row.checked_in_at) == ({}, None, None)
    assert 0 <= (town.clock.now() - row.consent_at).total_seconds() < 60


async def test_a_brand_registers_in_english(town: Town) -> None:
    chat = town.chat(language="en")
    said = await chat.says("register")
    assert said.startswith("All right, 8 short steps.\nThis takes about 2 minutes;")
    assert said.endswith("[1 Agree]\n[2 Disagree]")
    assert (await chat.says("agree")).startswith("1/8 You represent:\n[1 Toy association]\n[2 Brand]")
    assert (await chat.says("Brand")).startswith(
        "2/8 Is your organization in the 2019 Family-Friendly Spaces programme?"
    )
    await chat.says("New to it", "Happy Toys Ltd", "Ann Lee", "skip", "+852 6123 4567")
    review = await chat.says("ann@example.com")
    assert "Title" not in review
    assert "Phone +85261234567" in review
    assert review.endswith("Is everything right?\n[1 Confirm]\n[2 Edit]\n[3 Cancel]")
    said = await chat.says("confirm")
    (row,) = registered(town.database)
    assert said.startswith(
        f"Your registration is in. Your reference is {row.reference}.\nThe organizer will review it;"
    )
    assert "To forward to colleagues: Family-Friendly Spaces Sharing Conference 2019, Tuesday 22 October 2019" in said
    assert (row.category, row.programme, row.title, row.phone) == ("brand", "new", None, "+85261234567")
    assert row.language == "en"


@pytest.mark.parametrize(
    ("category", "programme"),
    [
        ("toy_association", None),
        ("retailer", None),
        ("brand", "in_programme"),
        ("brand", "new"),
        ("factory", "in_programme"),
        ("factory", "new"),
    ],
)
async def test_every_branch_of_the_form(town: Town, content: Content, category: str, programme: str | None) -> None:
    chat = town.chat()
    labels = {choice.id: choice.label.zh for question in content.form.questions for choice in question.choices}
    said = await chat.says("报名", "同意", labels[category])
    if programme:
        assert said.startswith("2/8 ")
        assert (await chat.says(labels[programme])).startswith("3/8 单位全称？")
    else:
        assert said.startswith("2/7 单位全称？")
    await chat.says(*FORM[3:], "确认")
    (row,) = registered(town.database)
    assert (row.category, row.programme) == (category, programme)


@pytest.mark.parametrize(
    "answer", ["4", "４", "④", "选4", "第四个", "工厂代表", "工廠代表", "Factory", "4 工厂代表", "4、工厂代表"]
)
async def test_a_choice_is_taken_however_it_is_given(town: Town, answer: str) -> None:
    chat = town.chat()
    await at(chat, "category")
    assert (await chat.says(answer)).startswith("2/8 "), answer


async def test_a_whole_registration_by_taps_and_typing(town: Town) -> None:
    chat = town.chat()
    await chat.says("报名")
    await chat.taps("同意")
    await chat.taps("工厂代表")
    assert (await chat.taps("还没有，想了解")).startswith("3/8 ")
    await chat.says("东莞市欢乐玩具厂", "王芳")
    assert (await chat.taps("跳过")).startswith("6/8 ")
    await chat.says("13800138000", "wangfang@example.com")
    assert (await chat.taps("确认")).startswith("报名已提交")
    (row,) = registered(town.database)
    assert (row.programme, row.title) == ("new", None)


# What is wrong with an answer


WRONG: list[tuple[str, str, str, dict[str, int]]] = [
    ("category", "5", "form.invalid.choice", {"count": 4}),
    ("category", "学校", "form.invalid.choice", {"count": 4}),
    ("programme", "3", "form.invalid.choice", {"count": 2}),
    ("organization", "……", "form.invalid.empty", {}),
    ("organization", "厂" * 81, "form.invalid.long", {"length": 81, "limit": 80}),
    ("name", "王" * 41, "form.invalid.long", {"length": 41, "limit": 40}),
    ("title", "经" * 41, "form.invalid.long", {"length": 41, "limit": 40}),
    ("phone", "1380013800", "form.invalid.phone_short", {"count": 1}),
    ("phone", "138001380000", "form.invalid.phone_long", {"count": 1}),
    ("phone", "12345678901", "form.invalid.phone", {}),
    ("phone", "没有手机", "form.invalid.phone", {}),
    ("email", "wangfang", "form.invalid.email", {}),
    ("email", "wangfang@", "form.invalid.email", {}),
    ("review", "随便说一句", "form.invalid.review", {}),
]


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_an_answer_that_cannot_be_taken_is_told_why_and_asked_again(
    town: Town, content: Content, language: Language
) -> None:
    chat = town.chat(language=language)
    asks = await chat.says("报名", FORM[0])
    for question, right in zip(BEFORE, (*FORM[1:], "确认"), strict=True):
        for _, typed, key, values in (row for row in WRONG if row[0] == question):
            said = await chat.says(typed)
            assert said.startswith(sentence(content, key, language, **values)), typed
            assert said.endswith(asks), typed
        asks = await chat.says(right)
    assert [row.name for row in registered(town.database)] == ["王芳"]


async def test_the_example_follows_what_is_wrong_with_a_phone_and_a_mail_address(town: Town) -> None:
    chat = town.chat()
    await at(chat, "phone")
    assert "例如：13800138000；其他地区请以+和区号开头" in await chat.says("138")
    await chat.says("13800138000")
    assert "例如：wangfang@example.com" in await chat.says("wangfang")


async def test_neither_yes_nor_no_is_consent_until_it_is_said(town: Town) -> None:
    chat = town.chat()
    await chat.says("报名")
    for said in ("好的", "ok", "也许", "3", "王芳", "确认"):
        assert (await chat.says(said)).endswith("[1 同意]\n[2 不同意]"), said
    assert registered(town.database) == []
    assert (await chat.says("我同意")).startswith("1/8 ")


async def test_who_does_not_agree_is_let_go_and_nothing_is_kept(town: Town) -> None:
    chat = town.chat()
    assert (await chat.says("报名", "不同意")).startswith("好的，什么都没有保存。")
    assert await chat.says("我的报名") == "您还没有报名。现在报名大约需要2分钟。\n[1 我要报名]"
    assert (await chat.says("报名")).startswith("好的，一共8步。")


async def test_only_the_title_can_be_skipped(town: Town) -> None:
    chat = town.chat()
    await at(chat, "title")
    assert (await chat.says("跳過")).startswith("6/8 ")
    for question, word in (("phone", "跳过"), ("phone", "skip")):
        assert (await chat.says(word)).split("\n")[0] == "这个号码好像不对，请再看一下。", question
    await chat.says("13800138000")
    assert (await chat.says("跳过")).startswith("这个邮箱地址好像不对")


# A number shared by button


async def test_ones_own_number_is_taken_from_the_contact_button(town: Town) -> None:
    chat = town.chat()
    await at(chat, "phone")
    assert chat.reply is not None
    assert chat.reply.contact_button == "发送我的手机号"
    assert (await chat.does(Kind.PHONE, phone="+8613900139000")).startswith("7/8 ")
    await chat.says("wangfang@example.com", "确认")
    assert registered(town.database)[0].phone == "+8613900139000"


async def test_somebody_elses_contact_is_not_taken(town: Town) -> None:
    chat = town.chat()
    await at(chat, "phone")
    said = await chat.does(Kind.PHONE)
    assert said.startswith("这好像是别人的号码。")
    assert "6/8 您的手机号？" in said


async def test_a_number_that_nobody_asked_for_is_not_kept(town: Town) -> None:
    chat = town.chat()
    assert await chat.does(Kind.PHONE, phone="+8613900139000") == "谢谢，不过现在不需要您的号码。"
    await at(chat, "name")
    said = await chat.does(Kind.PHONE, phone="+8613900139000")
    assert said == "谢谢，不过现在不需要您的号码。\n4/8 请问您的姓名？"
    assert "139" not in await chat.says("我的数据")


# Questions in the middle


@pytest.mark.parametrize("question", [name for name in BEFORE if name not in ("organization", "name", "title")])
async def test_a_question_in_mid_form_is_answered_and_the_form_asks_again(
    town: Town, content: Content, question: str
) -> None:
    chat = town.chat()
    asks = await at(chat, question)
    said = await chat.says("要收费吗")
    assert said.startswith("参会费用：免费。")
    assert said.endswith(asks if question != "review" else "以上信息对吗？\n[1 确认]\n[2 修改]\n[3 取消]")
    await chat.says(*FORM[BEFORE[question] :], "确认")
    assert [row.name for row in registered(town.database)] == ["王芳"]


@pytest.mark.parametrize("question", ["organization", "name", "title"])
async def test_where_text_is_expected_only_what_also_reads_as_a_question_is_one(town: Town, question: str) -> None:
    chat = town.chat()
    asks = await at(chat, question)
    for asked in ("要收费吗", "会场在哪里？", "Is it free?"):
        assert (await chat.says(asked)).split("\n", maxsplit=1)[1].endswith(asks.split(" ")[-1]), asked
        await chat.says("中文")


@pytest.mark.parametrize("typed", ["谁更会玩", "哪里跑玩具", "what if toys"])
async def test_where_it_is_not_sure_the_person_decides_whether_it_was_the_answer(
    town: Town, content: Content, typed: str
) -> None:
    chat = town.chat()
    await chat.says("中文")
    asks = await at(chat, "organization")
    assert await chat.says(typed) == f"{sentence(content, 'form.question_or_answer')}\n{asks}"
    assert (await chat.says(typed)).startswith("4/8 ")
    await chat.says(*FORM[4:], "确认")
    assert registered(town.database)[0].organization == typed
    assert waiting(town.database) == []


@pytest.mark.parametrize(
    "company", ["什么值得买科技有限公司", "What If Toys Ltd", "要收费吗有限公司", "Is It Free Inc"]
)
async def test_a_company_whose_name_looks_like_a_question_is_taken_at_its_word(town: Town, company: str) -> None:
    chat = town.chat()
    await at(chat, "organization")
    assert (await chat.says(company)) == "4/8 请问您的姓名？"
    await chat.says(*FORM[4:], "确认")
    assert registered(town.database)[0].organization == company


@pytest.mark.parametrize("question", ["category", "organization", "phone", "email", "review"])
async def test_a_question_that_nobody_can_answer_is_passed_on_and_the_form_goes_on(town: Town, question: str) -> None:
    chat = town.chat()
    asks = await at(chat, question)
    said = await chat.says("能带狗吗？")
    assert said.startswith("这个我不确定，不敢乱答，已经记下来转给主办方了。\n")
    assert said.endswith(asks.split("\n", maxsplit=8)[-1] if question == "review" else asks)
    assert waiting(town.database) == [("unknown", "能带狗吗？")]
    await chat.says(*FORM[BEFORE[question] :], "确认")
    assert [row.organization for row in registered(town.database)] == ["东莞市欢乐玩具厂"]


async def test_what_is_not_ours_is_said_so_in_the_form_too_and_not_passed_on(town: Town) -> None:
    chat = town.chat()
    asks = await at(chat, "category")
    said = await chat.says("广交会几号开始？")
    assert said.startswith("这个我帮不上忙")
    assert said.endswith(asks)
    assert waiting(town.database) == []


async def test_an_item_of_the_agenda_can_be_asked_for_in_mid_form(town: Town) -> None:
    chat = town.chat()
    asks = await at(chat, "phone")
    said = await chat.says("第三个议题")
    assert said.startswith("3. 如何为孩子开发有趣又有意义的课程和活动")
    assert said.endswith(asks)


async def test_a_picture_or_a_thank_you_in_mid_form_changes_nothing(town: Town) -> None:
    chat = town.chat()
    asks = await at(chat, "name")
    assert await chat.does(Kind.MEDIA) == f"不好意思，图片、语音、表情和文件我看不懂，请您打字告诉我。\n{asks}"
    assert await chat.does(Kind.EDITED) == f"改过的旧消息我看不到，请您把新的内容再发一次。\n{asks}"
    assert await chat.says("谢谢") == f"不客气！还有问题随时问我。\n{asks}"
    assert (await chat.says("好的")).endswith(asks)
    assert (await chat.does(Kind.START)).endswith(asks)


# Taps that come late, and confirmations that come twice


async def test_a_tap_on_an_earlier_question_is_answered_politely(town: Town) -> None:
    chat = town.chat()
    await at(chat, "category")
    old = chat.reply
    asks = await chat.says("4")
    chat.reply = old
    assert await chat.taps("零售商") == f"这个按钮是之前的，已经用不上了。\n{asks}"
    await chat.says(*FORM[2:], "确认")
    assert registered(town.database)[0].category == "factory"


async def test_a_made_up_tap_chooses_nothing(town: Town) -> None:
    chat = town.chat()
    asks = await at(chat, "programme")
    for tag in ("form.programme.everything", "form.category.brand", "review.confirm", "cancel.FFS-000000.yes",
                "forget.yes", "drop.yes", "change._done", "nonsense", "?", "form", "..."):  # fmt: skip
        said = await chat.does(Kind.TEXT, text="x", tapped=tag)
        assert said == f"这个按钮是之前的，已经用不上了。\n{asks}", tag
    assert (await chat.does(Kind.TEXT, text="x", tapped="faq.no_such_entry")).endswith(asks)
    await chat.says(*FORM[2:], "确认")
    assert [row.programme for row in registered(town.database)] == ["in_programme"]


async def test_a_second_confirm_shows_what_was_sent(town: Town) -> None:
    chat = town.chat()
    review = await at(chat, "review")
    shown = chat.reply
    assert review.endswith("[3 取消]")
    await chat.says("确认")
    (row,) = registered(town.database)
    for word in ("确认", "confirm", "提交"):
        assert (await chat.says(word)).startswith(f"您的报名 {row.reference}\n王芳 · 人事经理 · 东莞市欢乐玩具厂")
    chat.reply = shown
    assert (await chat.taps("确认")).startswith(f"您的报名 {row.reference}")
    assert len(registered(town.database)) == 1


async def test_confirm_before_the_end_asks_what_is_missing(town: Town) -> None:
    chat = town.chat()
    asks = await at(chat, "phone")
    assert await chat.says("确认") == f"还差一点就好了。\n{asks}"
    assert await town.chat("u2").says("确认") == "您还没有报名。现在报名大约需要2分钟。\n[1 我要报名]"


@pytest.mark.parametrize("word", ["对", "是的", "没问题", "yes", "Correct.", "1"])
async def test_the_review_can_be_confirmed_in_plain_words(town: Town, word: str) -> None:
    chat = town.chat()
    await at(chat, "review")
    assert (await chat.says(word)).startswith("报名已提交")


async def test_a_second_register_shows_the_registration(town: Town) -> None:
    chat = town.chat()
    await chat.registers()
    (row,) = registered(town.database)
    for word in ("报名", "register", "我的报名", "me"):
        said = await chat.says(word)
        assert said.startswith(
            f"您的报名 {row.reference}\n王芳 · 人事经理 · 东莞市欢乐玩具厂\n状态：已提交，等主办方审核"
        )
        assert said.endswith("[1 修改报名]\n[2 取消报名]\n[3 替同事报名]")
    assert len(registered(town.database)) == 1


async def test_who_was_registered_meanwhile_is_shown_that_and_not_registered_again(town: Town) -> None:
    chat, now = town.chat(), town.clock.now()
    await at(chat, "review")
    by_hand = Registration(
        reference="FFS-000000",
        contact_id=contact(town.database, "u1").id,
        name="王芳",
        consent_at=now,
        created_at=now,
    )
    town.database.write_now(lambda session: session.add(by_hand))
    assert (await chat.says("确认")).startswith("您的报名 FFS-000000\n王芳")
    assert (await chat.says("你好")).endswith("[1 我的报名]\n[2 看议程]\n[3 会场在哪]")  # the form is over
    assert len(registered(town.database)) == 1


async def test_two_people_with_the_same_answers_are_two_registrations(town: Town) -> None:
    one, other = town.chat("u1"), town.chat("u2")
    for text in ("报名", *FORM, "确认"):
        await one.says(text)
        await other.says(text)
    rows = registered(town.database)
    assert len({row.reference for row in rows}) == 2
    assert len({row.contact_id for row in rows}) == 2
