"""A lane chooses the best route that is open at that moment, and the next one where a route fails."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, update

from bot.errors import Moved, RouteOff, RouteRests, TemplateOff, TryLater, Unconfirmed, Unreachable, WindowClosed
from bot.store.outbox import Kind, Route, Way
from bot.store.tables import Contact, Registration
from tests.conftest import NOW
from tests.delivery.crowd import ALL
from tests.delivery.flights import MAIL, WECHAT, Yard, eventually, running, statuses

DAY = timedelta(days=1)


async def test_the_window_closes_then_the_template_is_refused_then_there_is_only_mail(yard: Yard) -> None:
    yard.people(*[], email=None)
    yard.on_wechat(1)
    yard.change(Registration, email="a@example.com")
    yard.queue([1], "morning", Kind.REMINDER, WECHAT, Route.WECHAT_MESSAGE)
    yard.platform.says["o1"] = [WindowClosed("45015 outside the window"), RouteOff("48001 not allowed")]
    await yard.send_all(yard.lane(WECHAT), yard.lane(MAIL))
    row, chat = yard.delivery, yard.contact()
    assert [message.route for message in yard.platform.asked] == ["wechat_message", "wechat_template", "email"]
    assert (row.status, row.route, row.lane, row.attempts, row.error) == ("sent", "email", "email", 3, "")
    steps = [(step["route"], step["error"]) for step in row.tried]
    assert steps == [("wechat_message", "45015 outside the window"), ("wechat_template", "48001 not allowed")]
    assert all(datetime.fromisoformat(step["at"]).tzinfo for step in row.tried)
    assert (chat.message_left, chat.blocked_at) == (0, None)
    assert chat.message_until is not None
    assert chat.message_until <= yard.clock.now()
    assert yard.stored_lane(WECHAT).off == {"wechat_template": "48001 not allowed"}


async def test_a_route_that_the_account_lost_is_not_asked_for_anybody_else(yard: Yard) -> None:
    yard.on_wechat(5, message_left=0)
    yard.queue(range(1, 6), "morning", Kind.REMINDER, WECHAT, Route.WECHAT_TEMPLATE)
    yard.platform.says["o1"] = [RouteOff("48001")]
    await yard.send_all(yard.lane(WECHAT, window=1))
    assert len(yard.platform.asked) == 1
    assert {(row.status, "48001" in row.error) for row in yard.deliveries()} == {("waiting", True)}


async def test_a_template_that_the_platform_does_not_know_leaves_those_of_other_kinds_alone(yard: Yard) -> None:
    yard.on_wechat(3, message_left=0)
    yard.queue([1, 2], "morning", Kind.REMINDER, WECHAT, Route.WECHAT_TEMPLATE)
    yard.queue(
        [3], "D-1", Kind.DECISION, WECHAT, Route.WECHAT_TEMPLATE, available_at=yard.clock.now() + timedelta(seconds=1)
    )
    yard.platform.says["o1"] = [TemplateOff("40037")]
    await yard.send_all(yard.lane(WECHAT, window=1))
    assert [message.to for message in yard.platform.took] == ["o3"]
    assert len(yard.platform.asked) == 2
    assert yard.stored_lane(WECHAT).off == {"wechat_template/reminder": "40037"}
    assert [row.status for row in yard.deliveries()] == ["waiting", "waiting", "sent"]


async def test_who_blocked_the_bot_is_written_to_by_mail_or_shown_as_unreachable(yard: Yard) -> None:
    yard.on_telegram(2)
    yard.database.write_now(
        lambda session: session.execute(update(Registration).where(col(Registration.id) == 1).values(email="a@b.org"))
    )
    yard.queue([1, 2])
    for number in "12":
        yard.platform.says[number] = [Unreachable("403 blocked")]
    await yard.send_all(yard.lane(), yard.lane(MAIL))
    by_mail, nowhere = yard.deliveries()
    assert (by_mail.status, by_mail.route) == ("sent", "email")
    assert (nowhere.status, nowhere.attempts) == ("unreachable", 1)
    assert "blocked" in nowhere.error
    assert yard.contact(1).blocked_at is not None


async def test_a_mail_that_cannot_arrive_is_not_tried_in_the_chat(yard: Yard) -> None:
    yard.on_telegram(1)
    yard.change(Registration, email="a@b.org")
    yard.queue([1], lane=MAIL, route=Route.EMAIL, way=Way.MAIL)
    yard.platform.says["a@b.org"] = [Unreachable("550 no such user")]
    await yard.send_all(yard.lane(MAIL))
    assert (yard.delivery.status, yard.delivery.error) == ("unreachable", "550 no such user")
    assert yard.contact().blocked_at is None


async def test_a_mail_that_stood_in_for_a_chat_and_cannot_arrive_is_tried_once(yard: Yard) -> None:
    yard.on_telegram(1, blocked_at=NOW)
    yard.change(Registration, email="a@b.org")
    yard.queue([1], lane=MAIL, route=Route.EMAIL)
    yard.platform.says["a@b.org"] = [Unreachable("550 no such user")] * 9
    await yard.send_all(yard.lane(MAIL))
    assert (yard.delivery.status, len(yard.platform.asked)) == ("unreachable", 1)
    assert [step["error"] for step in yard.delivery.tried] == ["550 no such user"]


async def test_a_count_is_taken_for_each_message_and_given_back_where_none_was_sent(yard: Yard) -> None:
    yard.on_wechat(3, message_left=5, tap_until=NOW + DAY, tap_left=3)
    for name in ("A", "B"):
        yard.queue((1, 2, 3), name, Kind.BROADCAST, WECHAT, Route.WECHAT_MESSAGE)
    yard.platform.says["o2"] = [TryLater("busy", 3600)]
    yard.platform.says["o3"] = [Unconfirmed("no answer")]
    over = {"sent": 4, "queued": 1, "unconfirmed": 1}
    await yard.send_all(yard.lane(WECHAT), until=lambda: statuses(yard.database) == over)
    assert [yard.contact(number).message_left for number in (1, 2, 3)] == [3, 4, 3]
    assert {yard.contact(number).tap_left for number in (1, 2, 3)} == {3}


async def test_two_messages_in_one_flight_share_what_is_left_of_a_window(yard: Yard) -> None:
    yard.on_wechat(1, message_left=1, tap_until=NOW + DAY, tap_left=1)
    for name in ("A", "B", "C"):
        yard.queue([1], name, Kind.BROADCAST, WECHAT, Route.WECHAT_MESSAGE)
    await yard.send_all(yard.lane(WECHAT, accounts=replace(ALL, template_reminder="")))
    assert [row.status for row in yard.deliveries()] == ["sent", "sent", "waiting"]
    assert (yard.contact().message_left, yard.contact().tap_left) == (0, 0)


@pytest.mark.parametrize("used_up", [True, False])
async def test_a_window_opened_meanwhile_is_not_closed_by_an_older_refusal(yard: Yard, used_up: bool) -> None:
    yard.on_wechat(1, message_until=NOW + timedelta(hours=1), message_left=1)
    yard.queue([1], "A", Kind.BROADCAST, WECHAT, Route.WECHAT_MESSAGE)

    async def refuse(*_: object) -> str:
        yard.change(Contact, message_until=NOW + 2 * DAY, message_left=5)  # the person writes while we send
        raise WindowClosed("closed", used_up=used_up)

    await yard.send_all(yard.lane(WECHAT, send=refuse))
    assert yard.delivery.status == "waiting"
    assert (yard.contact().message_left, yard.contact().message_until) == (5, NOW + 2 * DAY)


async def test_who_writes_while_the_platform_calls_them_blocked_stays_reachable(yard: Yard) -> None:
    yard.on_telegram(1)
    yard.queue([1])

    async def refuse(*_: object) -> str:
        yard.change(Contact, seen_at=yard.clock.now() + timedelta(seconds=1))
        raise Unreachable("403 blocked")

    await yard.send_all(yard.lane(send=refuse))
    assert yard.contact().blocked_at is None


async def test_a_chat_that_moved_is_sent_to_once_more_and_remembered(yard: Yard) -> None:
    yard.on_telegram(2)
    yard.queue([1, 2])
    yard.platform.says["1"] = [Moved("-1001")]
    yard.platform.says["2"] = [Moved("-1002")]
    yard.platform.says["-1002"] = [Moved("-1003")]
    await yard.send_all()
    assert [row.status for row in yard.deliveries()] == ["sent", "failed"]
    assert [yard.contact(number).user_id for number in (1, 2)] == ["-1001", "-1002"]
    assert sorted(message.to for message in yard.platform.asked) == ["-1001", "-1002", "1", "2"]


async def test_a_call_that_is_used_up_for_today_rests_alone_and_until_tomorrow(
    yard: Yard, caplog: pytest.LogCaptureFixture
) -> None:
    yard.on_wechat(3)
    more: dict[str, Any] = {"lane": WECHAT, "route": Route.WECHAT_MESSAGE}
    yard.queue([1, 2], "morning", Kind.REMINDER, **more)
    yard.platform.says["o1"] = [used_up := RouteRests("WeChat 45009: used up", 3600)]
    used_up.alarm = "45009"
    async with running(lane := yard.lane(WECHAT, window=1)):
        await eventually(yard.all_are("sent"))
        assert [row.route for row in yard.deliveries()] == ["wechat_template", "wechat_template"]
        assert yard.stored_lane(WECHAT).paused_until is None
        yard.clock.wind(timedelta(hours=2))
        yard.queue([3], "noon", Kind.REMINDER, **more)
        lane.wake()
        await eventually(yard.all_are("sent"))
    assert [row.route for row in yard.deliveries()][2:] == ["wechat_message"]
    (said,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert (said.__dict__["code"], said.__dict__["count"]) == ("45009", 1)
