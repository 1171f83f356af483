"""Every branch of the form, on both channels, through the webhooks."""

from __future__ import annotations

import pytest

from tests.e2e.talk import Phone, follower, options, reference_in, registrations, says, talk, writer
from tests.served import House

pytestmark = pytest.mark.asyncio(loop_scope="session")

# What is picked, what it stands for, how many steps there are then.
BRANCHES = [
    (("1",), ("toy_association", None), 7),
    (("品牌商", "2"), ("brand", "new"), 8),
    (("[品牌商]", "[已参加]"), ("brand", "in_programme"), 8),
    (("[零售商]",), ("retailer", None), 7),
    (("factory", "还没有，想了解"), ("factory", "new"), 8),
    (("④", "in the 2019 programme"), ("factory", "in_programme"), 8),
]
PEOPLE = {"wechat": follower, "telegram": writer}


@pytest.mark.parametrize("channel", PEOPLE)
@pytest.mark.parametrize(("picks", "meant", "steps"), BRANCHES)
async def test_a_branch(
    home: House, channel: str, picks: tuple[str, ...], meant: tuple[str, str | None], steps: int
) -> None:
    li: Phone = PEOPLE[channel](home)
    await says(li, "报名", "1")
    await talk(li, (picks[0], f"2/{steps}"), *((pick, f"3/{steps}") for pick in picks[1:]))
    await talk(
        li,
        ("深圳玩具协会（南山）", f"{steps - 4}/{steps}"),
        ("欧阳小明", f"{steps - 3}/{steps}"),
        ("跳过", f"{steps - 2}/{steps}"),
        ("+49 30 901820", f"{steps - 1}/{steps}"),
        ("Ouyang@Example.COM", "请核对"),
    )
    assert options(li) == ["确认", "修改", "取消"]
    reference = reference_in(await says(li, "1"))
    [row] = await registrations(home.usher.database, li)
    assert (row.reference, row.category, row.programme) == (reference, *meant)
    assert (row.organization, row.name, row.title) == ("深圳玩具协会（南山）", "欧阳小明", None)
    assert (row.phone, row.email) == ("+4930901820", "Ouyang@example.com")


@pytest.mark.parametrize("channel", PEOPLE)
async def test_what_is_no_answer_is_explained_and_asked_again(home: House, channel: str) -> None:
    li: Phone = PEOPLE[channel](home)
    await talk(
        li,
        ("报名", "隐私"),
        ("随便", "同意"),
        ("同意", "1/8"),
        ("5", "1 到 4"),
        ("火星人", "1/8"),
        ("3", "2/7"),
        ("！！！", "2/7"),
        ("厂" * 81, "80"),
        ("贵州玩具店", "3/7"),
        ("王" * 41, "40"),
        ("王芳", "4/7"),
        ("经" * 41, "40"),
        ("经理", "5/7"),
        ("12345", "13800138000"),
        ("138001380001", "多了1位"),
        ("+1 555", "5/7"),
        ("１３８ ００１３ ８０００", "6/7"),
        ("没有邮箱", "wangfang@example.com"),
        ("a@b", "6/7"),
        ("王芳@公司", "6/7"),
        ("wang@example.com", "请核对"),
        ("差不多吧", "确认"),
        ("确认", "FFS-"),
    )
    [row] = await registrations(home.usher.database, li)
    assert (row.phone, row.organization) == ("+8613800138000", "贵州玩具店")


@pytest.mark.parametrize("channel", PEOPLE)
async def test_a_question_at_every_step_is_answered_and_nothing_typed_is_lost(home: House, channel: str) -> None:
    li: Phone = PEOPLE[channel](home)
    for answer, step in (
        ("报名", "隐私"),
        ("同意", "1/8"),
        ("4", "2/8"),
        ("1", "3/8"),
        ("东莞市欢乐玩具厂", "4/8"),
        ("王芳", "5/8"),
        ("人事经理", "6/8"),
        ("13800138000", "7/8"),
        ("wangfang@example.com", "以上信息对吗"),
    ):
        await talk(li, (answer, step), ("要收费吗？", "免费"))
        assert step in li.transcript.lines[-1].text
        await talk(li, ("议程", "1. "))
        assert step in li.transcript.lines[-1].text
    await talk(li, ("确认", "FFS-"))
    [row] = await registrations(home.usher.database, li)
    assert (row.organization, row.name, row.title) == ("东莞市欢乐玩具厂", "王芳", "人事经理")
