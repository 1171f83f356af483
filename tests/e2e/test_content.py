"""Content that an organizer edited: a long agenda goes on by 继续, and no question of the form is ever cut."""

from __future__ import annotations

import pathlib
import re
import shutil

import pytest

from tests.conftest import ROOT
from tests.e2e.conftest import Visit
from tests.e2e.talk import FORM, Phone, act, follower, options, says, writer

ITEMS = 60  # long enough that Telegram, too, needs more than one message
ITEM = '[[item]]\ntitle.zh = "第{n}项：{zh}"\ntitle.en = "Number {n}: {en}"\n'
ZH = "工厂如何为员工和他们的孩子建设安全、有趣又有意义的家庭友好空间，" * 2
EN = "how a factory builds a safe place for children, and how brands and associations take part in it"


@pytest.fixture
def edited(tmp_path: pathlib.Path) -> str:
    """A content folder whose agenda has 60 items."""
    folder = tmp_path / "content"
    shutil.copytree(ROOT / "content", folder)
    (folder / "agenda.toml").write_text("\n".join(ITEM.format(n=n, zh=ZH, en=EN) for n in range(1, ITEMS + 1)))
    return str(folder)


async def test_a_long_agenda_comes_in_pieces_that_lose_nothing(visit: Visit, edited: str) -> None:
    async with visit(CONTENT=edited) as home:
        for phone, more in ((follower(home), "[继续]"), (follower(home), "继续"), (writer(home), "[继续]")):
            pieces = await _whole(phone, "议程", more)
            assert len(pieces) > 1
            assert _numbers(pieces) == list(range(1, ITEMS + 1))
            assert "后面没有了" in await says(phone, "继续")
        ann = follower(home)
        await says(ann, "EN")
        assert _numbers(await _whole(ann, "agenda", "[More]"), "Number ") == list(range(1, ITEMS + 1))
        for phone in (follower(home), writer(home)):
            await _the_forms_question_stays_whole_below_it(phone)


async def _the_forms_question_stays_whole_below_it(phone: Phone) -> None:
    categories = ["玩具协会", "品牌商", "零售商", "工厂代表"]
    await says(phone, *FORM[:2])
    pieces = await _whole(phone, "议程", "[继续]")
    assert _numbers(pieces) == list(range(1, ITEMS + 1))
    assert all("1/8" in piece for piece in pieces), "whichever piece is on the screen, it can be answered"
    assert options(phone) == categories
    await says(phone, "议程")
    assert options(phone) == [*categories, "继续"]
    assert "2/8" in await says(phone, "4")
    assert f"第{ITEMS}项" not in await says(phone, "继续"), "the rest went with the answer"


async def _whole(phone: Phone, word: str, more: str) -> list[str]:
    """Everything that a word brings, piece by piece. On WeChat no piece may be longer than the platform takes."""
    pieces = [await says(phone, word)]
    while more.strip("[]") in options(phone):
        pieces.append(await act(phone, more))
        assert len(pieces) < ITEMS
    return pieces


def _numbers(pieces: list[str], before: str = "第") -> list[int]:
    return [int(number) for number in re.findall(rf"{before}(\d+)", "\n".join(pieces))]
