"""Whatever is thrown at the webhooks: the right status, no effect without a right signature, never a 5xx."""

from __future__ import annotations

import asyncio
import os
import pathlib
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from bot.content.load import load
from tests.conftest import sqlite_url
from tests.long import mutations
from tests.long.crowd import Crowd
from tests.long.forge import Request, posted, pushed, text_xml
from tests.long.ground import Ground, Picture, opened
from tests.long.ledger import differences
from tests.long.nursery import Nursery
from tests.long.odd_http import ODD_HTTP, Odd, written
from tests.long.rows import ANSWERED, KEPT, NOTHING, Row
from tests.long.telegram_rows import TELEGRAM_REFUSED, TELEGRAM_TAKEN
from tests.long.wechat_rows import COMPATIBLE, PLAIN, WECHAT_CHECKED, WECHAT_REFUSED, WECHAT_TAKEN
from tests.long.wire import Answer, Wire, read
from tests.served import ROOT

MUTATIONS = int(os.environ.get("TEST_MUTATIONS", "20000"))  # of each body
SEED = int(os.environ.get("TEST_SEED", "20191022"))
FEW = 300  # in the short form
AT_ONCE = 8
MORE_MEMORY = 25  # MiB, after the warm-up
REFUSED = [*WECHAT_REFUSED, *WECHAT_CHECKED, *TELEGRAM_REFUSED]
TAKEN = [*WECHAT_TAKEN, *TELEGRAM_TAKEN]


@pytest.fixture(scope="module")
def ground(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A server on SQLite."""
    folder = tmp_path_factory.mktemp("sqlite")
    with opened(Ground(nursery, sqlite_url(folder), folder)) as ground:
        slow = ground.meanwhile(drop_by_drop(ground.port))  # takes 5 seconds
        yield ground
        assert slow.result(15) == 403


async def drop_by_drop(port: int) -> int:
    """A push whose body comes a byte a second; the status."""
    reader, writer = await Wire(port).connect()
    writer.write(written(pushed(), Content_Length="1000")[:-500])
    status = asyncio.create_task(read(reader))
    for _ in range(10):
        writer.write(b"x")
        if (await asyncio.wait([status], timeout=1))[0]:
            break
    writer.close()
    return (await status).status


@pytest.fixture
async def wire(ground: Ground) -> AsyncIterator[Wire]:
    async with Wire(ground.port) as wire:
        yield wire


@pytest.mark.parametrize("row", [*REFUSED, *TAKEN], ids=lambda row: row.name)
async def test_rows(ground: Ground, wire: Wire, row: Row) -> None:
    await look(ground, wire, row)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_every_row_on_each_database(nursery: Nursery, database_url: str, tmp_path: pathlib.Path) -> None:
    with opened(Ground(nursery, database_url, tmp_path)) as ground:
        async with Wire(ground.port) as wire:
            for row in [*REFUSED, *TAKEN]:
                await look(ground, wire, row)


async def test_every_refusal_looks_the_same(wire: Wire) -> None:
    """Who cannot tell one fault from another learns nothing about the padding or the key."""
    answers = [await row.make().over(wire) for row in WECHAT_REFUSED]
    looks = {re.sub(rb"\r\ndate: [^\r]+", b"", answer.head.lower()) + answer.body for answer in answers}
    assert len(looks) == 1, looks


async def test_compatible_mode_believes_the_sealed_part_alone(nursery: Nursery, tmp_path: pathlib.Path) -> None:
    with opened(Ground(nursery, sqlite_url(tmp_path), tmp_path, WECHAT_MODE="compatible")) as ground:
        async with Wire(ground.port) as wire:
            for row in COMPATIBLE:
                await look(ground, wire, row)
        assert ground.column("contact", "user_id") == ["oHostile"]


async def test_plain_mode_takes_one_body_for_one_nonce(nursery: Nursery, tmp_path: pathlib.Path) -> None:
    with opened(Ground(nursery, sqlite_url(tmp_path), tmp_path, WECHAT_MODE="plain")) as ground:
        async with Wire(ground.port) as wire:
            for row in PLAIN:
                await look(ground, wire, row)
            first = pushed(mode="plain", nonce="1234")
            answer = await first.over(wire)
            before = ground.still()
            again = await first.over(wire)
            assert (again.status, _said(again)) == (200, _said(answer))
            assert (await replace(first, body=text_xml("报名")).over(wire)).status == 403
            for query in _joined_otherwise(first):
                assert (await replace(first.but(**query), body=text_xml("报名")).over(wire)).status == 403, query
            assert ground.still() == before


def _joined_otherwise(request: Request) -> list[dict[str, str]]:
    """Other pairs of timestamp and nonce which the same signature fits, as its parts are joined without a border."""
    known = dict(request.query)
    moment, nonce = known["timestamp"], known["nonce"]
    return [{"timestamp": moment[:place], "nonce": moment[place:] + nonce} for place in (9, 8, 1)] + [
        {"timestamp": nonce + moment, "nonce": ""}, {"timestamp": moment + nonce[:1], "nonce": nonce[1:]}]  # fmt: skip


def _said(answer: Answer) -> bytes:
    return answer.body.partition(b"<Content>")[2]


@pytest.mark.parametrize("odd", ODD_HTTP, ids=lambda odd: odd.name)
async def test_odd_http(ground: Ground, odd: Odd) -> None:
    before = ground.picture()
    reader, writer = await Wire(ground.port).connect()
    writer.write(odd.make())
    if odd.hangs_up:
        writer.write_eof()
    try:
        async with asyncio.timeout(10):
            status = (await read(reader)).status
    except (EOFError, ConnectionError):
        status = 0
    writer.close()
    assert status in odd.right
    assert left(before, ground.picture()) == (ANSWERED if status == 200 else NOTHING)


async def test_a_large_body_with_a_wrong_secret_is_not_waited_for(ground: Ground) -> None:
    reader, writer = await Wire(ground.port).connect()
    writer.write(b"POST /telegram/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
    async with asyncio.timeout(2):
        assert (await read(reader)).status == 401
    writer.close()


async def look(ground: Ground, wire: Wire, row: Row) -> None:
    """Sends the request of a row, and looks at the answer and at every table."""
    before, alarms = ground.picture(), ground.alarms()
    answer = await row.make().over(wire)
    assert answer.status == row.status, (row.name, answer)
    assert answer.status == 200 or not answer.body, (row.name, answer)
    assert left(before, ground.picture()) == row.leaves, (row.name, answer)
    assert ground.alarms() == alarms, row.name


def left(before: Picture, after: Picture) -> str:
    """What a request left behind."""
    if before == after:
        return NOTHING
    more = {name: after[name][0] - before[name][0] for name in before if after[name][0] != before[name][0]}
    if more == {"kept": 1}:
        return KEPT
    return ANSWERED if more.get("message") == 1 and "kept" not in more else f"other changes: {more}"


# Mutations


async def test_a_few_mutations(ground: Ground) -> None:
    await mutate(ground, FEW)


async def test_mutations_would_be_noticed(nursery: Nursery, tmp_path: pathlib.Path) -> None:
    """The control arm: a server that believes every signature and every secret."""
    unguarded = Ground(nursery, sqlite_url(tmp_path), tmp_path, "tests.long.unguarded")
    with opened(unguarded) as ground:
        async with Wire(ground.port) as wire:
            for kind in (signed_then_mutated, without_secret):
                with pytest.raises(AssertionError):
                    await kind(ground, wire, FEW)


@pytest.mark.long
@pytest.mark.timeout(3600)
async def test_mutations(
    nursery: Nursery, database_url: str, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with opened(Ground(nursery, database_url, tmp_path)) as ground:
        await mutate(ground, FEW)  # warms up: from here on memory is flat
        before = ground.memory
        began = time.monotonic()
        seen = await mutate(ground, MUTATIONS)
        after = ground.memory
        with capsys.disabled():
            print(
                f"\n{database_url.partition(':')[0]}: {MUTATIONS} mutations of each body (seed {SEED}) in"
                f" {time.monotonic() - began:.0f} s: {seen}; memory {before:.1f} MiB, then {after:.1f} MiB"
            )
        assert after - before < MORE_MEMORY


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
