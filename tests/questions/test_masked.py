"""Phone numbers and e-mail addresses do not leave in what is shown to others; all else does."""

from __future__ import annotations

import time

import pytest

from bot.questions.handoff import LONGEST
from bot.questions.masked import MAIL, PHONE, masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("我的手机13800138000，谢谢", f"我的手机{PHONE}，谢谢"),
        ("电话１３８００１３８０００", f"电话{PHONE}"),
        ("138-0013-8000.", f"{PHONE}."),
        ("1 3 8 0 0 1 3 8 0 0 0", PHONE),
        ("call +852 6123 4567 or (0755) 8888-1234", f"call {PHONE} or {PHONE}"),
        ("6123 4567", PHONE),
        ("+1 (415) 555-2671", PHONE),
        ("微信wx_138001380001", f"微信wx_{PHONE}"),
        ("٠١٣٨٠٠١٣٨٠٠", PHONE),
        ("邮箱wang.fang@example.com谢谢", f"邮箱{MAIL}"),
        ("ann＠example.com", MAIL),
        ("ann @ example.com", MAIL),
        ("ann(at)example.com", MAIL),
        ("张三@例子.公司", MAIL),
        ("2019-10-22 13800138000", f"2019-10-22 {PHONE}"),
    ],
)
def test_what_reaches_a_person_is_taken_out(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        *(
            "2019-10-22 9:30 还是 2019年10月22日？",
            "22/10/2019",
            "9:30到16:00，30个空间，1,100名孩子",
            "编号FFS-7K2M9Q",
        ),
        *("我们有1,240名员工", "@ 前台", "中文，标点《不变》（！）"),
    ],
)
def test_all_else_stays_as_it_was_written(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize("part", ["1", "1 ", "a.", "a@b", "a (at", "+", "2019-10-2", "13800138000 ", "1@", "@"])
def test_no_text_takes_long(part: str) -> None:
    began = time.thread_time()
    masked((part * LONGEST)[: LONGEST + 100])
    assert time.thread_time() - began < 1  # of the processor
