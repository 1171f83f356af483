"""What nobody can know must never be sent again, and what certainly never left must be: one house for each."""

from __future__ import annotations

import re

from bot.sandbox.trouble import Order
from bot.store.outbox import Kind, Way
from tests.adapters.test_results import CALLS
from tests.e2e.deliver import LATER_THAN_USUAL, Guest, Station, alone, guest
from tests.e2e.deliver_rows import announce, arrived, became, calls
from tests.e2e.deliver_table import MESSAGE, TELEGRAM, TEMPLATE, how
from tests.e2e.talk import follower, writer
from tests.mail_server import CUT, SILENCE

SILENT = Order(delay=5.2)  # seconds; a lane cuts off what takes 5


async def never_again(url: str) -> None:
    """Each of these arrived, and only its answer was lost: sent again it would arrive twice."""
    async with alone(url, NOW=LATER_THAN_USUAL) as home:
        wang, li, ann, han = [
            await guest(home, phone) for phone in (follower(home), writer(home), writer(home), writer(home))
        ]
        home.wechat.trouble.next(CALLS[MESSAGE], Order(cut=True, done=True))
        home.telegram.trouble.next(CALLS[TELEGRAM], Order(status=502, done=True))
        names = [await announce(home, one) for one in (wang, li)]
        home.post.plays["CONTENT"] = CUT
        names.append(await announce(home, ann, ways=(Way.MAIL,)))
        for name in names:
            await became(home, name, "unconfirmed", lambda row: row["attempts"] == 1)
        home.post.plays.clear()
        await home.wind(hours=2)
        await _goes_on(home, han)
        assert [len(arrived(home, one.phone)) for one in (wang, li, ann)] == [1, 1, 0]
        assert home.mails(ann.email) == []
    async with alone(url, NOW=LATER_THAN_USUAL) as home:  # as after a restart
        await home.wind(hours=3)
        await _goes_on(home, await guest(home, writer(home)))
        assert calls(home, CALLS[MESSAGE]) == 0
        assert (calls(home, CALLS[TELEGRAM]), len(home.post.mails)) == (1, 1)
        for name in names:
            await became(home, name, "unconfirmed", lambda row: row["attempts"] == 1)


async def _goes_on(home: Station, one: Guest) -> None:
    """By every route something else leaves: whatever was due before is past."""
    for ways in ((Way.CHAT,), (Way.MAIL,)):
        await became(home, await announce(home, one, ways=ways), "sent")


async def silence(url: str, step: str, becomes: tuple[str, str]) -> None:
    """`step`: where the mail server falls silent."""
    async with alone(url) as home:
        home.post.plays[step] = SILENCE
        mailed, templated = [await guest(home, follower(home), window="") for _ in range(2)]
        mail = await announce(home, mailed, ways=(Way.MAIL,))
        for platform, route in ((home.wechat, MESSAGE), (home.wechat, TEMPLATE), (home.telegram, TELEGRAM)):
            platform.trouble.next(CALLS[route], SILENT, times=3)
        names = {"WeChat: no answer in time": await announce(home, await guest(home, follower(home)))}
        names["Telegram: no answer in time"] = await announce(home, await guest(home, writer(home)))
        names["WeChat: no answer in time, nor when asked again"] = await announce(home, templated, kind=Kind.REMINDER)
        for error, name in names.items():
            assert (await became(home, name, "unconfirmed"))["error"] == error
        assert calls(home, CALLS[TEMPLATE]) == 2
        row = await became(home, mail, becomes[0], lambda row: row["error"])
        assert re.search(becomes[1], row["error"])
        assert row["attempts"] == (row["status"] != "queued")
        home.wechat.trouble.clear()
        home.post.plays.clear()
        await _a_token_that_does_not_come_has_sent_nothing(home)
        assert len(home.mails(mailed.email)) == (row["status"] == "queued")


async def _a_token_that_does_not_come_has_sent_nothing(home: Station) -> None:
    one = await guest(home, follower(home))
    home.usher.adapters["wechat"]._api._token = ""
    home.wechat.trouble.next("stable_token", Order(delay=3))
    name = await announce(home, one)
    assert how(await became(home, name, "sent")) == (MESSAGE, 1)
