"""Mutations by the thousand: of what was signed, of what is signed afterwards, with the secret and without."""

from __future__ import annotations

import asyncio
import os
import random
import re
from collections import Counter
from collections.abc import Callable
from urllib.parse import parse_qs

from bot.content.load import load
from tests.long import mutations
from tests.long.crowd import Crowd
from tests.long.forge import Request, posted, pushed
from tests.long.ground import Ground
from tests.long.ledger import differences
from tests.long.wire import Answer, Wire
from tests.served import ROOT

SEED = int(os.environ.get("TEST_SEED", "20191022"))
AT_ONCE = 8


async def mutate(ground: Ground, count: int) -> dict[str, dict[int, int]]:
    """Each kind of mutation so many times; then the house still registers a person."""
    seen = {}
    async with Wire(ground.port, 60) as wire:
        for kind in (signed_then_mutated, mutated_then_signed, with_secret, without_secret):
            seen[kind.__name__] = dict(await kind(ground, wire, count))
    assert not ground.alarms()
    assert ground.outcome("fault") == 0
    await somebody_registers(ground)
    return seen


async def somebody_registers(ground: Ground) -> None:
    """One person on each channel, from the first word to the export."""
    crowd = Crowd(ground.port, ground.played.telegram, load(ROOT / "content"), SEED, first=len(ground.export()) + 1)
    try:
        for channel in ("wechat", "telegram"):
            await crowd.registers(crowd.newcomer(channel))
    finally:
        await crowd.close()
    rows = [row for row in ground.export() if row["user_id"] in {person.user_id for person in crowd.people}]
    assert not list(differences(crowd.people, rows))


async def signed_then_mutated(ground: Ground, wire: Wire, count: int) -> Counter[int]:
    """Only what still is what was signed gets in, and that has been answered before: nothing changes."""
    choose = random.Random(SEED)
    bodies = [mutations.from_somebody(body, choose) for body in mutations.wechat_bodies()]
    for body in bodies:
        await pushed(body).over(wire)
    before = ground.still()

    def make() -> tuple[Request, Request]:
        right = pushed(choose.choice(bodies))
        return mutations.request_changed(right, choose), right

    def judge(sent: Request, right: Request, answer: Answer) -> bool:
        return (answer.status == 403 and not answer.body) or (answer.status == 200 and unharmed(sent, right))

    seen = await storm(wire, count, make, judge)
    assert ground.still() == before
    return seen


async def mutated_then_signed(ground: Ground, wire: Wire, count: int) -> Counter[int]:
    """Whatever a right signature covers is answered, kept or refused."""
    choose, bodies = random.Random(SEED + 1), mutations.wechat_bodies()

    def make() -> tuple[Request, Request]:
        request = pushed(mutations.xml_changed(mutations.from_somebody(choose.choice(bodies), choose), choose))
        return request, request

    return await storm(wire, count, make, lambda _, __, answer: answer.status in (200, 403))


async def with_secret(ground: Ground, wire: Wire, count: int) -> Counter[int]:
    """Telegram gets 200 for everything that it signed: else it would send it again for a day."""
    choose, updates = random.Random(SEED + 2), mutations.telegram_updates()

    def make() -> tuple[Request, Request]:
        request = posted(mutations.update_changed(choose.choice(updates), choose))
        return request, request

    return await storm(wire, count, make, lambda _, __, answer: answer.status == 200 and not answer.body)


async def without_secret(ground: Ground, wire: Wire, count: int) -> Counter[int]:
    """Without the secret, or with one that is nearly right, nothing gets in."""
    choose, updates = random.Random(SEED + 3), mutations.telegram_updates()
    before = ground.picture()

    def make() -> tuple[Request, Request]:
        body, secret = mutations.update_changed(choose.choice(updates), choose), mutations.secret_changed(choose)
        request = posted(body, secret)
        return request, request

    seen = await storm(wire, count, make, lambda _, __, answer: answer.status == 401 and not answer.body)
    assert ground.picture() == before
    return seen


async def storm(
    wire: Wire,
    count: int,
    make: Callable[[], tuple[Request, Request]],
    judge: Callable[[Request, Request, Answer], bool],
) -> Counter[int]:
    """So many requests, some at once; each answer must be right. How many had which status."""
    seen: Counter[int] = Counter()
    wrong: list[tuple[int, Request, Answer]] = []
    waiting = iter(range(count))

    async def worker() -> None:
        for number in waiting:
            sent, right = make()
            answer = await sent.over(wire)
            wrong.extend([] if judge(sent, right, answer) else [(number, sent, answer)])
            seen[answer.status] += 1

    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    assert not wrong, (len(wrong), wrong[:3])
    return seen


def unharmed(sent: Request, right: Request) -> bool:
    """Whether everything that the signature covers is as it was: controls are taken out of bodies, as they must be."""
    covered = dict(right.query)
    query = parse_qs(sent.target.partition("?")[2], keep_blank_values=True)
    same = all(query.get(name) == [covered[name]] for name in ("timestamp", "nonce", "msg_signature"))
    encrypted = right.body.partition(b"<![CDATA[")[2].partition(b"]]>")[0]
    return same and encrypted in re.sub(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]", b"", sent.body)
