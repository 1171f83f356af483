"""A hundred people register at once: each is registered once, and each is told what concerns them."""

from __future__ import annotations

import asyncio
import statistics

import pytest

from bot.clock import seconds
from tests.e2e.talk import Phone, follower, lines, reference_in, registrations, talk, writer
from tests.served import House

pytestmark = pytest.mark.asyncio(loop_scope="session")
PEOPLE = 100
ON_TELEGRAM = 10


async def test_a_hundred_people_register_at_once(home: House) -> None:
    people = [writer(home) if number < ON_TELEGRAM else follower(home) for number in range(PEOPLE)]
    waits: list[float] = []
    async with asyncio.timeout(100):
        found = await asyncio.gather(*(_registers(phone, number, waits) for number, phone in enumerate(people)))
    assert len(set(found)) == PEOPLE
    for number, (phone, reference) in enumerate(zip(people, found, strict=True)):
        await _is_registered_once(home, phone, number, reference)
    waits.sort()
    print(f"{len(waits)} messages: p50 {statistics.median(waits):.3f} s, p99 {waits[len(waits) * 99 // 100]:.3f} s")


async def _registers(phone: Phone, number: int, waits: list[float]) -> str:
    """Goes through the form with answers of one's own; every reply has to name the right step."""
    reply = ""
    for said, expected in (
        ("报名", "隐私"),
        ("同意", "1/8"),
        ("3", "2/7"),
        (f"东莞{number}号玩具店", "3/7"),
        (f"王芳{number}", "4/7"),
        ("跳过", "5/7"),
        (f"138001380{number:02d}", "6/7"),
        (f"fang{number}@example.com", f"东莞{number}号玩具店"),
        ("确认", "报名已提交"),
    ):
        began = seconds()
        reply = await talk(phone, (said, expected))
        waits.append(seconds() - began)
    return reference_in(reply)


async def _is_registered_once(home: House, phone: Phone, number: int, reference: str) -> None:
    [row] = await registrations(home.usher.database, phone)
    assert (row.reference, row.name, row.phone, row.email) == (
        *(reference, f"王芳{number}", f"+86138001380{number:02d}", f"fang{number}@example.com"),
    )
    assert len(lines(phone)) == len(lines(phone, "person")) == 9
