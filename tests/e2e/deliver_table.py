"""What becomes of a delivery, by what the platform's answer means: the kinds of bot.errors, end to end."""

from __future__ import annotations

import re
from datetime import timedelta

from bot.errors import (
    Misconfigured,
    Moved,
    NoConnection,
    Paused,
    Refused,
    RouteOff,
    RouteRests,
    TemplateOff,
    Unconfirmed,
    Unreachable,
    UsherError,
    WindowClosed,
)
from bot.sandbox.telegram_params import Refusal
from bot.sandbox.trouble import Order
from bot.sandbox.wechat_refusal import Refused as No
from tests.adapters.email import answers as smtp
from tests.adapters.test_results import BY_CODE, HTTP, LATE, STALE, TELEGRAMS, TOKENS
from tests.adapters.test_results import Row as Answered
from tests.e2e.deliver import Station
from tests.e2e.deliver_rows import became, handed_over, lane_of, tried
from tests.mail_server import CUT, SILENCE

MESSAGE, TEMPLATE, TELEGRAM, EMAIL = "wechat_message", "wechat_template", "telegram", "email"
_RESTS = (Paused, Misconfigured)
_NEXT = {MESSAGE: TEMPLATE, TEMPLATE: EMAIL, TELEGRAM: EMAIL}


def _kind(row: Answered) -> object:
    """Rows of one kind end alike: each errcode of a message has its own, elsewhere the kind of the answer is enough."""
    first = row.orders[0] if row.orders else Order()
    return row.call or row.route, row.means, row.arrived, first.cut, first.done, first.status // 100, _code(row, first)


def _code(row: Answered, order: Order) -> object:
    if isinstance(order.refusal, No):
        return order.refusal.errcode if row.route == MESSAGE and not row.call else 0
    return order.refusal.code if isinstance(order.refusal, Refusal) else None


ROWS = list(
    {
        _kind(row): row
        for row in (*BY_CODE, *STALE, *HTTP, *TOKENS, *TELEGRAMS)
        if LATE not in row.orders and row.means is not Moved  # these have tests of their own
    }.values()
)
MAILS: list[smtp.Row] = list(
    {(row[0], row[1] is CUT, row[2]): row for row in smtp.ROWS if row[1] is not SILENCE}.values()
)


async def ends_as(home: Station, name: str, means: type[UsherError] | None, words: str, route: str) -> None:
    """How a message to one person ends, by what the answer means; what rests or is queued again arrives later."""
    if means is None:
        assert how(await became(home, name, "sent")) == (route, 1)
    elif means is Unconfirmed:
        row = await became(home, name, "unconfirmed")
        assert how(row) == (route, 1)
        assert re.search(words, row["error"])
    elif means is Refused:
        row = await became(home, name, "failed")
        assert how(row) == (route, 1)
        assert re.search(words, row["error"])
    elif issubclass(means, WindowClosed | RouteOff | Unreachable):
        await _by_the_next_route(home, name, means, words, route)
    else:
        await _later(home, name, means, words, route)


async def _by_the_next_route(home: Station, name: str, means: type[UsherError], words: str, route: str) -> None:
    following = EMAIL if means is Unreachable else _NEXT[route]
    if following == EMAIL:  # another lane's, which looks by itself every half second
        await handed_over(home, name, EMAIL)
    assert how(await became(home, name, "sent")) == (following, 2)
    ((given_up, error),) = await tried(home, name)
    assert given_up == route
    assert re.search(words, error)
    if issubclass(means, RouteOff):
        off = f"{TEMPLATE}/reminder" if (means, route) == (TemplateOff, TEMPLATE) else route
        stored = (await lane_of(home, f"wechat:{home.wechat.keys.app_id}")).off
        assert stored.keys() == {off}
        assert error == (stored[off]["why"] if means is RouteRests else stored[off])


async def _later(home: Station, name: str, means: type[UsherError], words: str, route: str) -> None:
    """Queued again: with the whole lane at rest, which is no try of the message, or for itself."""
    if means is NoConnection:
        await _when_reached(home, name, words, route)
        return
    row = await became(home, name, "queued", lambda row: row["error"])
    assert re.search(words, row["error"])
    rests = issubclass(means, _RESTS)
    assert how(row) == (route, 0 if rests else 1)
    if rests:
        accounts = {EMAIL: EMAIL, TELEGRAM: f"telegram:{home.telegram.bot['id']}"}
        lane = await lane_of(home, accounts.get(route, f"wechat:{home.wechat.keys.app_id}"))
        assert lane.paused_until
        assert lane.paused_until > home.usher.clock.real() + timedelta(seconds=590 if means is not Paused else 0)
        assert lane.reason == row["error"]
        home.post.plays.clear()
        await home.rested()
    else:
        home.post.plays.clear()
        await home.wind(minutes=1)
    assert how(await became(home, name, "sent")) == (route, 1 if rests else 2)


async def _when_reached(home: Station, name: str, words: str, route: str) -> None:
    """At once, and after short rests while nobody is there; nobody's answer is no try."""
    if home.post.plays:
        row = await became(home, name, "queued", lambda row: row["error"])
        assert re.search(words, row["error"])
        home.post.plays.clear()
    assert how(await became(home, name, "sent")) == (route, 1)


def how(row: object) -> tuple[str, int]:
    assert isinstance(row, dict)
    return row["route"], row["attempts"]
