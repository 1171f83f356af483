"""The reminders of one conference, as its clock goes from two weeks before to its morning."""

from __future__ import annotations

import asyncio
from datetime import datetime

from bot.commands import telling
from tests.e2e.deliver import WORDS, Guest, Station, alone, guest, until
from tests.e2e.deliver_rows import announce, arrived, ended, listed
from tests.e2e.deliver_table import MESSAGE, TELEGRAM, TEMPLATE
from tests.e2e.talk import FORM, FORM_EN, follower, registers, says, writer


async def two_weeks(url: str) -> None:
    """Usher is started at half past ten at night, twelve hours after `two-weeks` was due."""
    before = datetime.fromisoformat("2019-10-07T12:00:00+08:00")
    async with alone(url, NOW="2019-10-08T22:30:00+08:00") as home:
        wang = await guest(home, follower(home), created_at=before, decided_at=before)
        ann = await guest(home, writer(home), created_at=before, decided_at=before, language="en")
        undecided = await guest(home, writer(home), created_at=before, decided_at=None, status="pending")
        await _nobody_is_reminded_at_night(home, wang, ann)
        await _forms_left_alone_are_remembered_where_that_is_free(home)
        await _what_could_not_leave_in_time_is_missed(home, wang, ann)
        await _a_reminder_leaves_at_its_minute(home, wang, ann)
        assert arrived(home, undecided.phone) == []


async def _nobody_is_reminded_at_night(home: Station, wang: Guest, ann: Guest) -> None:
    await home.wind(seconds=1)
    late = await guest(home, writer(home))  # confirmed after it was due
    assert {row["due_at"] for row in await listed(home, "two-weeks")} == {"2019-10-08T10:00:00+08:00"}
    await ended(home, await announce(home, late))  # a broadcast does leave
    await home.wind_to("2019-10-09T06:59:30")
    assert [row["status"] for row in await listed(home, "two-weeks")] == ["queued"] * 2
    await home.wind_to("2019-10-09T07:00:00")
    rows = await ended(home, "two-weeks")
    assert [(row["reference"], row["route"], row["status"]) for row in rows] == [
        (wang.reference, MESSAGE, "sent"),
        (ann.reference, TELEGRAM, "sent"),
    ]
    assert arrived(home, wang.phone)[0].startswith("王芳您好，提醒您预留时间：「家庭友好空间分享会」")
    assert arrived(home, ann.phone)[0].startswith("Hello 王芳, please keep the day free")
    assert arrived(home, late.phone) == [WORDS]


async def _forms_left_alone_are_remembered_where_that_is_free(home: Station) -> None:
    typed, tapped, curious, done = [follower(home) for _ in range(4)]
    ann = writer(home, "en")
    await home.wind_to("2019-10-09T22:00:00")
    await says(typed, *FORM[:5])
    await tapped.clicks("报名")
    await says(tapped, "[同意]", "[工厂代表]")  # taps open no window that lasts
    await says(ann, *FORM_EN[:4])
    await says(curious, "报名")  # and did not agree to anything
    await registers(done)
    await home.wind_to("2019-10-10T22:10:00")
    assert [arrived(home, phone) for phone in (typed, tapped, curious, done, ann)] == [[]] * 5, "it is night"
    await home.wind_to("2019-10-11T07:00:00")
    assert len(await ended(home, "finish-form")) == 2
    await home.wind(hours=25)
    assert len(await ended(home, "finish-form")) == 2, "once each"
    assert [len(arrived(home, phone)) for phone in (typed, tapped, curious, done, ann)] == [1, 0, 0, 0, 1]
    assert arrived(home, typed)[0].startswith("您的报名还差几步")
    assert arrived(home, ann)[0].startswith("Your registration is only a few steps from done")


async def _what_could_not_leave_in_time_is_missed(home: Station, wang: Guest, ann: Guest) -> None:
    """As if Usher had been off for ten days: `one-week` is of no use any more, `day-before` is."""
    await home.wind_to("2019-10-21T12:00:00")
    rows = {row["reference"]: row for row in await ended(home, "day-before")}
    assert (rows[wang.reference]["route"], rows[ann.reference]["route"]) == (TEMPLATE, TELEGRAM)
    assert await listed(home, "one-week") == []
    plan = await asyncio.to_thread(telling.plan, home.usher.settings, home.usher.clock)
    assert {row["id"]: row["state"] for row in plan} == {
        **{"two-weeks": "sent", "one-week": "missed", "day-before": "sent"},
        **{"morning": "scheduled", "finish-form": "scheduled", "thank-you": "scheduled"},
    }
    assert [len(arrived(home, one.phone)) for one in (wang, ann)] == [2, 2]


async def _a_reminder_leaves_at_its_minute(home: Station, wang: Guest, ann: Guest) -> None:
    """The clock runs on by itself, and nobody calls its tick."""
    await home.wind_to("2019-10-22T07:29:59")
    assert [len(arrived(home, one.phone)) for one in (wang, ann)] == [2, 2]
    await until(lambda: [len(arrived(home, one.phone)) for one in (wang, ann)] == [3, 3])
    for row in await ended(home, "morning"):
        assert (row["due_at"], row["status"]) == ("2019-10-22T07:30:00+08:00", "sent")
        assert "2019-10-22T07:30:00+08:00" <= row["sent_at"] < "2019-10-22T07:30:08+08:00"
