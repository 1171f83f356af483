"""What somebody must look at is said once in a while, with its code and how often it was met."""

from __future__ import annotations

import pytest

from bot.adapters.wechat.errcodes import meaning, token_meaning
from bot.delivery import alarms
from bot.delivery.alarms import Alarms
from bot.errors import Misconfigured, Paused, TryLater
from tests.conftest import NOW

CODES = (45002, 45008, 45098, 44004, 47001, 47003, 48001, 40200, 45009, 40037, 40001, 40014, 42001)


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[object, object]]:
    """The code and the count of each line."""
    return [(record.__dict__["code"], record.__dict__["count"]) for record in caplog.records]


@pytest.mark.parametrize("code", CODES)
def test_each_of_these_codes_is_said_once_in_ten_minutes_for_a_lane(
    code: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(alarms, "seconds", lambda: now)
    one, other = Alarms("wechat:wxapp"), Alarms("wechat:other")
    for _ in range(30):
        one.note(meaning(code, NOW))
    other.note(meaning(code, NOW))
    assert said(caplog) == [(str(code), 1), (str(code), 1)]
    now += 600
    one.note(meaning(code, NOW))
    assert said(caplog)[2:] == [(str(code), 30)]
    assert {record.levelname for record in caplog.records} == {"ERROR"}


def test_wrong_keys_are_said_once_too(caplog: pytest.LogCaptureFixture) -> None:
    one = Alarms("telegram:1")
    for _ in range(30):
        one.note(Misconfigured("the token is not valid"))
        one.note(token_meaning(40001, NOW))
    assert [record.message for record in caplog.records] == ["the platform refuses the account: the lane rests"] * 2


def test_what_is_usual_alarms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    one = Alarms("wechat:wxapp")
    usual = [meaning(code, NOW) for code in (-1, 40003, 43004, 45015, 45047, 43101, 45011)]
    for error in (*usual, TryLater("busy", 1), Paused("429", 1), TimeoutError(), ValueError("张三")):
        one.note(error)
    assert said(caplog) == []
