"""What every answer of a platform means to whoever sends later: a row for each errcode and each HTTP outcome.

Over real HTTP against the strict stand-ins. The wording is for organizers, and holds no id.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from bot.adapters.telegram import client
from bot.adapters.telegram.meaning import TwoPollers
from bot.adapters.wechat import api, errcodes, templates
from bot.errors import (
    Misconfigured,
    Moved,
    NoConnection,
    Paused,
    Refused,
    RouteOff,
    RouteRests,
    TemplateOff,
    TryLater,
    Unconfirmed,
    Unreachable,
    UsherError,
    WindowClosed,
)
from bot.sandbox.telegram_params import Refusal
from bot.sandbox.trouble import Order
from bot.sandbox.wechat_refusal import Refused as No
from tests.adapters.conftest import Ground

pytestmark = pytest.mark.asyncio(loop_scope="session")

MESSAGE, TEMPLATE, TELEGRAM = "wechat_message", "wechat_template", "telegram"
LEAVES_A_RECEIPT = (TEMPLATE, TELEGRAM)
CALLS = {MESSAGE: "message/custom/send", TEMPLATE: "message/template/send", TELEGRAM: "sendmessage"}
CUT, CUT_BEHIND = Order(cut=True), Order(cut=True, done=True)
LATE = Order(delay=0.6)  # later than the 0.4 s that the tests allow


@dataclass(frozen=True)
class Row:
    """What is ordered for the next calls, and what comes of it."""

    route: str
    orders: tuple[Order, ...]
    means: type[UsherError] | None
    words: str = ""
    delay: float | None = None
    arrived: int = 0
    tries: int = 1
    call: str = ""  # the one for which it is ordered; empty: that of the route

    def __str__(self) -> str:
        return " ".join([self.call or self.route, *map(_named, self.orders)])


def _named(order: Order) -> str:
    if isinstance(order.refusal, No):
        return str(order.refusal.errcode)
    met = str(order.refusal or "") or ("cut" if order.cut else f"HTTP {order.status}" if order.status else "late")
    return met + " though done" * order.done


def code(number: int) -> Order:
    """WeChat's own no; its words hold the person's id, as the real ones hold a request's."""
    return Order(refusal=No(number, "for oPerson, rid: 5f00", ours=True))


def no(status: int, words: str, **parameters: int) -> Order:
    """The Bot API's own no."""
    return Order(refusal=Refusal(status, words, ours=True, **parameters))


def gateway(status: int, *, done: bool = False, **headers: str) -> Order:
    return Order(status=status, done=done, headers={name.replace("_", "-"): value for name, value in headers.items()})


TO_TOMORROW, TO_THE_MINUTE = 40.0, 40.0  # the clock stands at 23:59:20 in China
FOLLOWS = "does not follow the account"
CODES: list[tuple[int, type[UsherError], str, float | None]] = [
    (40013, Misconfigured, "USHER_WECHAT_APP_ID", None),
    (40125, Misconfigured, "USHER_WECHAT_APP_SECRET", None),
    (40243, Misconfigured, "frozen", None),
    (40164, Misconfigured, "IP allow-list", None),
    (61004, Misconfigured, "IP allow-list", None),
    (40003, Unreachable, "knows nobody", None),
    (43004, Unreachable, FOLLOWS, None),
    (50005, Unreachable, FOLLOWS, None),
    (43019, Unreachable, "blacklist", None),
    (48002, Unreachable, "takes no messages", None),
    (50002, Unreachable, "restricted", None),
    (40037, TemplateOff, "USHER_WECHAT_TEMPLATE_REMINDER", None),
    (43101, WindowClosed, "did not agree", None),
    (45002, Refused, "too long", None),
    (45008, Refused, "too long", None),
    (45098, Refused, "not allowed", None),
    (44004, Refused, "empty", None),
    (47001, Refused, "cannot read", None),
    (47003, Refused, "does not fit", None),
    (45009, RouteRests, "used up for today", TO_TOMORROW),
    (45011, Paused, "this minute", TO_THE_MINUTE),
    (45015, WindowClosed, "the person wrote more than 48 hours ago", None),
    (45047, WindowClosed, "until the person writes again", None),
    (48001, RouteOff, "may not send such messages", None),
    (40200, RouteOff, "may not send such messages", None),
    (99999, Refused, "refuses the message", None),
]
BY_CODE = [
    Row(route, (code(number),), means, f"WeChat {number}: .*{words}", delay)
    for route in (MESSAGE, TEMPLATE)
    for number, means, words, delay in CODES
]
STALE = [
    Row(route, (code(number),) * count, means, "fresh access token" if means else "", delay, arrived, 2)
    for route in (MESSAGE, TEMPLATE)
    for number in (40001, 40014, 42001)
    for count, means, delay, arrived in ((1, None, None, 1), (2, Paused, 60.0, 0))
]
HTTP = [
    # A customer-service message has no id of ours: a lost answer is never asked for again.
    Row(MESSAGE, (), None, arrived=1),
    Row(MESSAGE, (code(-1),), Unconfirmed, "WeChat -1: it was busy"),
    Row(MESSAGE, (CUT,), Unconfirmed, "the connection was cut"),
    Row(MESSAGE, (CUT_BEHIND,), Unconfirmed, "the connection was cut", arrived=1),
    Row(MESSAGE, (LATE,), Unconfirmed, "no answer in time"),
    *(
        Row(MESSAGE, (gateway(status),), Unconfirmed, f"HTTP {status}")
        for status in (302, 403, 404, 500, 502, 503, 504)
    ),
    Row(MESSAGE, (gateway(502, done=True),), Unconfirmed, "HTTP 502", arrived=1),
    Row(MESSAGE, (Order(status=200, body=b"<html>"),), Unconfirmed, "no JSON"),
    Row(MESSAGE, (Order(status=200, body=b""),), Unconfirmed, "no JSON"),
    Row(MESSAGE, (Order(status=200, body=b"\xff"),), Unconfirmed, "no JSON"),
    Row(MESSAGE, (Order(status=200, body=b"[]"),), Unconfirmed, "no object"),
    Row(MESSAGE, (Order(status=200, body=b'{"errcode": "0"}'),), Unconfirmed, "without errcode"),
    Row(MESSAGE, (gateway(429, retry_after="7"),), Paused, "HTTP 429", 7),
    Row(MESSAGE, (gateway(429),), Paused, "HTTP 429", 60),
    Row(MESSAGE, (gateway(429, retry_after="9" * 12),), Paused, "HTTP 429", 86400),
    # A template has one: it is asked for again at once, and only when no answer comes at all nobody knows.
    Row(TEMPLATE, (), None, arrived=1),
    *(
        Row(TEMPLATE, (order,) * count, means, words if means else "", arrived=arrived, tries=tries)
        for order, words, done in (
            (code(-1), "busy, .* nor when asked again", 0),
            (CUT, "cut, nor when asked again", 0),
            (CUT_BEHIND, "cut, nor when asked again", 1),
            (gateway(502), "HTTP 502 .* nor", 0),
            (gateway(502, done=True), "HTTP 502 .* nor", 1),
            (Order(status=200, body=b'{"errcode": 0}'), "without msgid, nor", 0),
        )
        for count, means, arrived, tries in ((1, None, 1, 2), (2, None, 1, 3), (3, Unconfirmed, done, 3))
    ),
    Row(TEMPLATE, (LATE,), None, arrived=1, tries=2),
    Row(TEMPLATE, (LATE, LATE), Unconfirmed, "no answer in time, nor", tries=2),
    Row(TEMPLATE, (CUT, code(43004)), None, arrived=1, tries=3),
    Row(TEMPLATE, (CUT_BEHIND, code(43004), code(45009)), Unconfirmed, "cut, nor", arrived=1, tries=3),
    Row(TEMPLATE, (gateway(429, retry_after="7"),), Paused, "HTTP 429", 7),
]
TOKEN = "stable_token"
TOKENS = [
    Row(MESSAGE, (order,), means, words, delay, tries=0, call=TOKEN)
    for order, means, words, delay in (
        (code(40001), Misconfigured, "USHER_WECHAT_APP_SECRET", None),
        (code(40125), Misconfigured, "USHER_WECHAT_APP_SECRET", None),
        (code(40013), Misconfigured, "USHER_WECHAT_APP_ID", None),
        (code(40164), Misconfigured, "IP allow-list", None),
        (code(50004), Misconfigured, "no access token", None),
        (code(-1), TryLater, "busy", 5),
        (code(45009), RouteRests, "used up for today", TO_TOMORROW),
        (code(45011), Paused, "this minute", TO_THE_MINUTE),
        (CUT, NoConnection, "cut .asked for an access token", 5),
        (LATE, NoConnection, "no access token in time", 5),
        (gateway(502), NoConnection, "HTTP 502", 5),
        (gateway(429, retry_after="9"), Paused, "HTTP 429", 9),
        (Order(status=200, body=b"<html>"), NoConnection, "no JSON", 5),
        (Order(status=200, body=b'{"access_token": "", "expires_in": 7200}'), NoConnection, "without errcode", 5),
        (Order(status=200, body=b'{"errcode": 0}'), Misconfigured, "no access token", None),
    )
]
TELEGRAMS = [
    Row(TELEGRAM, (), None, arrived=1),
    Row(TELEGRAM, (no(429, "Too Many Requests: retry after 5", retry_after=5),), Paused, "Telegram 429", 5),
    Row(TELEGRAM, (no(429, "Too Many Requests"),), Paused, "Telegram 429", 1),
    Row(TELEGRAM, (gateway(429),), Paused, "Telegram 429", 1),
    Row(TELEGRAM, (no(403, "Forbidden: bot was blocked by the user"),), Unreachable, "403: the person blocked the bot"),
    Row(TELEGRAM, (no(403, "Forbidden: user is deactivated"),), Unreachable, "403: the person's account is gone"),
    Row(TELEGRAM, (no(403, "Forbidden: bot was kicked from the supergroup chat"),), Unreachable, "removed from the"),
    Row(TELEGRAM, (no(403, "Forbidden: bot can't initiate conversation with a user"),), Unreachable, "never started"),
    Row(TELEGRAM, (no(403, "Forbidden: something new"),), Unreachable, "Telegram 403: something new"),
    Row(TELEGRAM, (no(400, "Bad Request: chat not found"),), Unreachable, "Telegram 400: it finds no such chat"),
    Row(TELEGRAM, (no(400, "Bad Request: PEER_ID_INVALID"),), Unreachable, "no such chat"),
    Row(
        TELEGRAM,
        (no(400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=-100123),),
        Moved,
        "another id",
    ),
    Row(TELEGRAM, (no(400, "Bad Request: message is not modified: same"),), None),
    Row(TELEGRAM, (no(400, "Bad Request: can't parse entities: <b>oPerson"),), Refused, "400: can't parse entities$"),
    Row(TELEGRAM, (no(400, "Bad Request: message is too long"),), Refused, "400: message is too long"),
    Row(TELEGRAM, (no(401, "Unauthorized"),), Misconfigured, "USHER_TELEGRAM_TOKEN"),
    Row(TELEGRAM, (no(404, "Not Found"),), Misconfigured, "USHER_TELEGRAM_TOKEN"),
    Row(TELEGRAM, (no(409, "Conflict: terminated by other getUpdates request"),), TwoPollers, "another program"),
    *(Row(TELEGRAM, (no(status, "Internal"),), Unconfirmed, "no clear answer") for status in (500, 502, 503)),
    *(Row(TELEGRAM, (gateway(status),), Unconfirmed, "no clear answer") for status in (302, 500, 502, 504)),
    Row(TELEGRAM, (gateway(502, done=True),), Unconfirmed, "no clear answer", arrived=1),
    Row(TELEGRAM, (Order(status=200, body=b"<html>"),), Unconfirmed, "no clear answer"),
    Row(TELEGRAM, (Order(status=200, body=b"[]"),), Unconfirmed, "no clear answer"),
    Row(TELEGRAM, (Order(status=200, body=b'{"ok": true}'),), Unconfirmed, "no clear answer"),
    Row(TELEGRAM, (CUT,), Unconfirmed, "no clear answer"),
    Row(TELEGRAM, (CUT_BEHIND,), Unconfirmed, "no clear answer", arrived=1),
    Row(TELEGRAM, (LATE,), Unconfirmed, "no answer in time"),
]


@pytest.mark.parametrize("row", [*BY_CODE, *STALE, *HTTP, *TOKENS, *TELEGRAMS], ids=str)
async def test_what_an_answer_means(row: Row, ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    if LATE in row.orders:
        for module, name in ((api, "WHOLE"), (api, "_TOKEN"), (templates, "WHOLE"), (client, "LATER")):
            monkeypatch.setattr(module, name, 0.4)
        monkeypatch.setattr(api, "_LEAST", 0.05)
        monkeypatch.setattr(templates, "_WAITS", (0.01, 0.01))
    ground.wechat._api._token = ""
    ground.order(row.call or CALLS[row.route], *row.orders)
    receipt, raised = await _sent(ground, row.route)
    assert type(raised) is (row.means or type(None)), raised
    if raised is not None:
        _says(row, raised, ground)
    assert (receipt is None) == (row.means is not None)
    assert bool(receipt) == (row.route in LEAVES_A_RECEIPT and row.means is None and row.arrived > 0)
    assert ground.calls(CALLS[row.route]) == row.tries
    if LATE not in row.orders:  # what came late is done after its caller has gone
        assert ground.arrived == [CALLS[row.route]] * row.arrived
    assert ground.played.wechat.violations == ground.played.telegram.violations == []


async def _sent(ground: Ground, route: str) -> tuple[str | None, UsherError | None]:
    try:
        return await ground.send(route), None
    except UsherError as error:
        return None, error


def _says(row: Row, raised: UsherError, ground: Ground) -> None:
    assert re.search(row.words, str(raised)), str(raised)
    assert getattr(raised, "delay", None) == row.delay
    assert getattr(raised, "used_up", None) == {43101: True, 45047: True, 45015: False}.get(_errcode(row))
    for secret in ("oPerson", ground.to.user_id, "5f00", "明天"):
        assert secret not in str(raised)


def _errcode(row: Row) -> int:
    refusal = row.orders[0].refusal
    return refusal.errcode if isinstance(refusal, No) else 0


async def test_every_errcode_of_the_table_has_its_row() -> None:
    assert {number for number, *_ in CODES} >= errcodes.CODES - {-1, 40001, 40014, 42001}
