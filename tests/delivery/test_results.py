"""What each kind of error makes of a delivery: one row a kind."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot import errors
from bot.delivery.people import Due, Person
from bot.delivery.results import ALARM_REST, Attempt, Result, Window, failed, not_begun, taken_by_platform
from bot.message import Address
from bot.store.outbox import DeliveryStatus, Route, Way
from tests.conftest import NOW

PERSON = Person("r1", "zh", 1, Address("wechat", "wxapp", "o1"), registration_id=1)
DUE = Due(7, "B-1", "broadcast", "planned", {}, {}, Way.CHAT, Route.WECHAT_MESSAGE, 1, (), NOW, None, PERSON)
ATTEMPT = Attempt(DUE, Address("wechat", "wxapp", "o1"), 3, NOW, "message", NOW + timedelta(hours=1))
STEP = {"route": "wechat_message", "error": "45015", "at": NOW.isoformat()}
QUEUED, FAILED, UNCONFIRMED = DeliveryStatus.QUEUED, DeliveryStatus.FAILED, DeliveryStatus.UNCONFIRMED


def by(route: Route, way: Way = Way.CHAT, **more: Any) -> Attempt:
    """An attempt by another route."""
    return replace(ATTEMPT, due=replace(DUE, route=route, way=way, **more), window="", window_until=None)


# error: what it changes in a result that says QUEUED with the error's words, counted, its window's count given back.
MEANING: dict[str, tuple[Attempt, BaseException, dict[str, Any]]] = {
    "connection refused": (ATTEMPT, errors.TryLater("refused", 0), {}),
    "no connection": (ATTEMPT, errors.NoConnection("no connection", 5), {"counted": False, "unreached": True}),
    "429, for the account": (ATTEMPT, errors.Paused("429", 7), {"counted": False, "rest": 7}),
    "outside the window": (
        ATTEMPT,
        errors.WindowClosed("45015"),
        {"given_up": True, "window": Window.CLOSED},
    ),
    "its count used up": (
        ATTEMPT,
        errors.WindowClosed("45047", used_up=True),
        {"given_up": True, "window": Window.USED_UP},
    ),
    "the account may not": (ATTEMPT, errors.RouteOff("48001"), {"given_up": True, "off": ATTEMPT.due.route}),
    "it does not know the template": (
        by(Route.WECHAT_TEMPLATE),
        errors.TemplateOff("40037"),
        {"given_up": True, "off": f"wechat_template/{DUE.kind}"},
    ),
    "used up for today": (
        ATTEMPT,
        errors.RouteRests("45009", 3600),
        {"given_up": True, "off": "wechat_message", "off_until": NOW + timedelta(hours=1)},
    ),
    "blocked": (ATTEMPT, errors.Unreachable("43004"), {"given_up": True, "blocked": True}),
    "no such mailbox, instead of a chat": (by(Route.EMAIL), errors.Unreachable("550"), {"given_up": True}),
    "no such mailbox": (
        by(Route.EMAIL, Way.MAIL),
        errors.Unreachable("550"),
        {"status": DeliveryStatus.UNREACHABLE, "given_up": True},
    ),
    "moved twice": (ATTEMPT, errors.Moved("-100"), {"status": FAILED}),
    "our message is wrong": (ATTEMPT, errors.Refused("47003"), {"status": FAILED}),
    "wrong keys": (ATTEMPT, errors.Misconfigured("40013"), {"counted": False, "rest": ALARM_REST}),
    "the answer was lost": (ATTEMPT, errors.Unconfirmed("cut"), {"status": UNCONFIRMED, "window": Window.KEPT}),
    "no answer in time": (
        ATTEMPT,
        TimeoutError(),
        {"status": UNCONFIRMED, "window": Window.KEPT, "error": "no answer in time"},
    ),
    "a fault of ours": (
        ATTEMPT,
        KeyError("张三"),
        {"status": FAILED, "window": Window.KEPT, "error": "fault: KeyError"},
    ),
    "something unheard of": (ATTEMPT, errors.UsherError("odd"), {"status": FAILED, "window": Window.KEPT}),
}


@pytest.mark.parametrize("what", MEANING)
def test_what_an_error_means(what: str) -> None:
    attempt, error, wanted = MEANING[what]
    found = failed(attempt, error, NOW)
    usual = Result(attempt, NOW, QUEUED, str(error), window=Window.BACK, after=found.after)
    assert found == replace(usual, **wanted)


def test_every_error_that_a_send_may_raise_stands_in_the_table() -> None:
    raised = {type(error).__name__ for _, error, _ in MEANING.values()}
    named = (
        "TryLater, NoConnection, Paused, WindowClosed, RouteOff, RouteRests, Unreachable, Moved, Refused, Misconfigured"
    )
    assert {*named.split(", "), "Unconfirmed"} <= raised


def test_what_was_taken_by_the_platform_is_sent_but_a_template_awaits_its_end() -> None:
    assert taken_by_platform(ATTEMPT, "17", NOW) == Result(ATTEMPT, NOW, DeliveryStatus.SENT)
    template = by(Route.WECHAT_TEMPLATE)
    assert taken_by_platform(template, "17", NOW) == Result(template, NOW, DeliveryStatus.SENDING, receipt="17")
    assert taken_by_platform(template, "", NOW).status is DeliveryStatus.SENT
    assert taken_by_platform(template, "17", NOW).sent_at == NOW


def test_what_was_not_begun_is_no_try() -> None:
    result = not_begun(ATTEMPT, NOW)
    assert (result.status, result.attempts, result.tried, result.available_at) == (QUEUED, 0, [], None)
    assert result.window is Window.BACK


@pytest.mark.parametrize(("tries", "least"), [(1, 2), (2, 4), (3, 8), (4, 16)])
def test_waits_grow_and_are_never_the_same(tries: int, least: float) -> None:
    attempt = replace(ATTEMPT, due=replace(DUE, attempts=tries))
    waits = [failed(attempt, errors.TryLater("busy", 0), NOW).after for _ in range(50)]
    assert least <= min(waits) <= max(waits) <= least * 1.5
    assert len(set(waits)) > 40


def test_the_platforms_own_delay_is_the_least() -> None:
    waits = [failed(ATTEMPT, errors.TryLater("busy", 300), NOW).after for _ in range(50)]
    assert 300 <= min(waits) <= max(waits) <= 450


def test_the_fifth_try_is_the_last_whatever_routes_were_given_up_before() -> None:
    last = replace(DUE, attempts=5)
    assert failed(replace(ATTEMPT, due=last), errors.TryLater("busy", 0), NOW).status is FAILED
    with_step = replace(last, tried=(STEP,))
    assert failed(replace(ATTEMPT, due=with_step), errors.TryLater("busy", 0), NOW).status is QUEUED
    with_step = replace(with_step, attempts=6)
    assert failed(replace(ATTEMPT, due=with_step), errors.TryLater("busy", 0), NOW).status is FAILED


def test_each_step_that_was_given_up_stays_on_the_row() -> None:
    attempt = by(Route.WECHAT_TEMPLATE, tried=(STEP,), attempts=2)
    result = failed(attempt, errors.Unreachable("43004"), NOW)
    assert result.tried == [STEP, {"route": "wechat_template", "error": "43004", "at": NOW.isoformat()}]
    assert failed(attempt, errors.TryLater("busy", 0), NOW).tried == [STEP]
    assert datetime.fromisoformat(result.tried[1]["at"]) == NOW
