"""Another writer holds the database, and WeChat waits its real five seconds, three times."""

from __future__ import annotations

import asyncio
import json
import pathlib

import httpx

from bot import serve
from bot.clock import seconds
from bot.sandbox.wechat_xml import Value
from bot.settings import read
from bot.store.database import Database
from tests.e2e.conftest import BOTH, NewDatabase, at, content_at_the_end, running, side_by_side
from tests.e2e.held import held
from tests.e2e.talk import FORM, follower, lines, provoked, reference_in, registrations, says, writer
from tests.served import KEYS, ROOT, Process, environment, free_port, platforms


async def test_a_held_database_delays_the_reply_and_loses_nothing(
    new_database: NewDatabase, tmp_path: pathlib.Path
) -> None:
    """All at once, each in a house of its own: the platform's patience is the only thing that takes time."""
    short = (_answered(new_database(kind), 4, requests=1) for kind in BOTH)
    longer = (_answered(new_database(kind), 8, requests=2) for kind in BOTH)
    stopped = (_stopped(new_database(kind), tmp_path) for kind in BOTH)
    await side_by_side(*short, *longer, _refused(new_database("sqlite")), *stopped)


async def _answered(url: str, hold: float, requests: int) -> None:
    """Held for so long: the true reply on that request, and one effect. Somebody on Telegram waits just as long."""
    async with at(url) as home:
        wang, ann = follower(home), writer(home)
        await asyncio.gather(says(wang, *FORM), says(ann, *FORM))
        before, began = home.wechat.requests, seconds()
        with held(url, hold):
            replies = await asyncio.gather(wang.says("确认"), ann.taps("确认"))
        print(f"{url.partition(':')[0]} held for {hold:g} s: answered after {seconds() - began:.2f} s")
        assert home.wechat.requests - before == requests
        for phone, reply in zip((wang, ann), replies, strict=True):
            assert "报名已提交" in reply
            assert [row.reference for row in await registrations(home.usher.database, phone)] == [reference_in(reply)]
            assert "".join(lines(phone)).count("报名已提交") == 1, "it is shown once"


async def _refused(url: str) -> None:
    """Held for longer than all three requests: none is acknowledged, and the message can still come later."""
    async with at(url) as home:
        wang = follower(home)
        await says(wang, *FORM)
        fields: dict[str, Value] = {"ToUserName": home.wechat.original_id, "FromUserName": wang.openid}
        fields |= {"CreateTime": int(home.wechat.now().timestamp()), "MsgType": "text", "Content": "确认"}
        fields |= {"MsgId": home.wechat.next_id()}
        before = home.wechat.requests
        with held(url, 16):
            answer = await home.wechat.converse(fields)
            assert (answer.status, answer.body) == (503, b"")
            assert home.wechat.requests - before == 3
            await asyncio.sleep(1)  # until the database is given up, too
            assert await registrations(home.usher.database, wang) == []
        assert provoked(home) == ["webhook: HTTP status 503, expected 200"]
        answer = await home.wechat.converse(fields)
        assert "报名已提交" in answer.shown.text
        assert len(await registrations(home.usher.database, wang)) == 1
        assert (await home.wechat.converse(fields)).shown == answer.shown


async def _stopped(url: str, folder: pathlib.Path) -> None:
    """SIGTERM, and the database does not come back: the process ends all the same, and nothing was acknowledged."""
    port, database = free_port(), Database(read({"USHER_DATABASE_URL": url}).database_url)
    async with platforms(port) as played, content_at_the_end(played):
        with running(Process(environment(url, port, played.url), folder, port)) as process:
            await process.start()
            wang, ann = follower(played), writer(played)
            await asyncio.gather(says(wang, *FORM), says(ann, *FORM))
            with held(url):
                waiting = [asyncio.create_task(phone.says("确认")) for phone in (wang, ann)]
                posted = asyncio.create_task(_posted(port))
                await asyncio.sleep(1)
                assert not posted.done()
                began = seconds()
                assert serve._LAST_SECONDS < 10  # `stop` waits no longer than 15 s
                assert await asyncio.to_thread(process.stop) == 0
                print(f"{url.partition(':')[0]} held at SIGTERM: ended after {seconds() - began:.2f} s")
                [answer] = await asyncio.gather(posted, return_exceptions=True)
                refused = isinstance(answer, httpx.Response) and answer.status_code >= 500
                assert refused or isinstance(answer, httpx.TransportError)
            for task in waiting:
                assert not task.done(), "nobody was answered"
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            assert len(played.telegram.updates.pending) == 1, "the update comes again"
            for phone in (wang, ann):
                assert await registrations(database, phone) == []
    database.close()


async def _posted(port: int) -> httpx.Response:
    """A signed update, and what exactly is answered."""
    signed = {"X-Telegram-Bot-Api-Secret-Token": KEYS["TELEGRAM_SECRET"]}
    update = json.loads((ROOT / "tests/samples/telegram/text.json").read_text(encoding="utf-8"))
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        return await client.post(f"http://127.0.0.1:{port}/telegram/webhook", json=update, headers=signed)
