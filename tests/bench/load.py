"""A load generator that costs little: sealed WeChat requests, made before the clock starts, over kept connections."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from bot.sandbox.wechat_wire import Keys, seal
from bot.sandbox.wechat_xml import write_xml
from tests.chat import FORM
from tests.served import KEYS

STEPS = ("报名", *FORM, "确认")
"""What one person sends, from the first word to the reference."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a load showed."""

    messages: int
    seconds: float
    took: list[float]  # seconds of each reply, sorted
    failed: int  # answers other than 200 with a body
    each: list[tuple[float, float]] = field(default_factory=list)  # when each was asked for, and the seconds it took

    def percentile(self, share: float) -> float:
        """Milliseconds within which that share of replies came."""
        return round(self.took[min(len(self.took) - 1, int(share * len(self.took)))] * 1000, 2)


def requests(person: int, when: float, steps: Sequence[str] = STEPS) -> list[bytes]:
    """The HTTP requests of one person, in order, ready to be written."""
    keys = Keys(KEYS["WECHAT_APP_ID"], KEYS["WECHAT_TOKEN"], KEYS["WECHAT_AES_KEY"])
    openid = f"oLoad{person:08}"
    made = []
    for number, text in enumerate(steps):
        fields = {
            "ToUserName": "gh_load",
            "FromUserName": openid,
            "CreateTime": int(when),
            "MsgType": "text",
            "Content": text,
            "MsgId": 10**15 + person * 1000 + number,
        }
        sealed = seal(keys, "safe", write_xml(fields), openid=openid, timestamp=int(when), nonce=f"{person}{number}")
        head = (
            f"POST /wechat/webhook?{urlencode(dict(sealed.query))} HTTP/1.1\r\nHost: load\r\n"
            f"Content-Type: text/xml\r\nContent-Length: {len(sealed.body)}\r\n\r\n"
        )
        made.append(head.encode() + sealed.body)
    return made


async def run(port: int, people: Sequence[Sequence[bytes]], at_once: int, pause: float = 0) -> Measured:
    """Lets so many people write at once, each waiting for the reply, and `pause` seconds more, before the next."""
    waiting, each, failed = list(people), list[tuple[float, float]](), [0]

    async def worker() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while waiting:
            for request in waiting.pop():
                started = time.perf_counter()
                writer.write(request)
                status, body = await answer(reader)
                each.append((started, time.perf_counter() - started))
                failed[0] += status != 200 or not body.startswith(b"<xml>")
                await asyncio.sleep(pause)
        writer.close()
        await writer.wait_closed()

    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(min(at_once, len(waiting)))))
    return Measured(len(each), time.perf_counter() - started, sorted(took for _, took in each), failed[0], each)


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """One HTTP answer with a Content-Length: status and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(row.split(b":")[1]) for row in head.lower().split(b"\r\n") if row.startswith(b"content-length"))
    return int(head.split(b" ", 2)[1]), await reader.readexactly(length)
