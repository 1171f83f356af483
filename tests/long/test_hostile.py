"""Whatever is thrown at the webhooks: the right status, no effect without a right signature, never a 5xx.

pytest -m long tests/long/test_hostile.py: every row on each database, and 20,000 seeded mutations of each body
(TEST_MUTATIONS and TEST_SEED change number and seed). The effect of a request is what it changes in any table.
"""

from __future__ import annotations

import asyncio
import os
import pathlib
import re
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from tests.conftest import sqlite_url
from tests.long.forge import Request, pushed, text_xml
from tests.long.ground import Ground, opened
from tests.long.odd_http import ODD_HTTP, Odd, written
from tests.long.rows import ANSWERED, NOTHING, Row, left, look
from tests.long.storm import SEED, mutate, signed_then_mutated, without_secret
from tests.long.telegram_rows import TELEGRAM_REFUSED, TELEGRAM_TAKEN
from tests.long.wechat_rows import COMPATIBLE, PLAIN, WECHAT_CHECKED, WECHAT_REFUSED, WECHAT_TAKEN
from tests.long.wire import Answer, Wire, read
from tests.nursery import Nursery

MUTATIONS = int(os.environ.get("TEST_MUTATIONS", "20000"))  # of each body
FEW = 300  # in the short form
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
