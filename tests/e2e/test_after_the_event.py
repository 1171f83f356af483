"""The day after the event: usher still starts and answers, of the past, and takes no registration."""

from __future__ import annotations

import logging
from datetime import timedelta

import httpx
import pytest

from tests.e2e.conftest import Visit
from tests.e2e.talk import FORM, follower, registrations, says, talk, writer

LATER = "2019-10-23T09:00:00+08:00"


async def test_registration_is_closed_and_answers_speak_of_the_past(
    visit: Visit, caplog: pytest.LogCaptureFixture
) -> None:
    async with visit() as home:
        li = home.wechat.phone("oLi")
        await says(li, *FORM)
    caplog.clear()
    async with visit(NOW=LATER) as home:
        home.wechat.clock.wind(timedelta(days=15))
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(f"{home.url}/health/ready")).status_code == 200
        warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
        assert [record.getMessage().partition(":")[0] for record in warnings] == ["the event is over"]
        li = home.wechat.phone("oLi")
        await talk(li, ("确认", "报名已关闭"), ("报名", "报名已关闭"), ("议程", "已于"), ("会场在哪", "已于"))
        assert await registrations(home.usher.database, li) == []
        ann = writer(home, language_code="en")
        assert "took place" in await ann.starts()
        await talk(ann, ("/register", "closed"), ("is it free", "took place"), ("/colleague", "closed"))
        han = follower(home)
        await talk(han, ("要钱吗", "已于"), ("替同事报名", "关闭"), ("我的数据", "渠道"))
