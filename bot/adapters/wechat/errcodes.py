"""What each errcode of WeChat means to a sender, in words for an organizer.

The table of platforms/wechat.md, "errcode -> what a sender does". No text holds an id: WeChat's own errmsg does, so it
is never handed on.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from bot.errors import (
    Misconfigured,
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

STALE_TOKEN = frozenset((40001, 40014, 42001))
BUSY = 5.0  # seconds to leave a platform alone that has no time
_CHINA = timezone(timedelta(hours=8))  # where the platform's day begins
_TOKEN_REST = 60.0  # seconds
Reason = Callable[[int, datetime], UsherError]


def meaning(code: int, now: datetime) -> UsherError:
    """What an errcode other than 0 means for a message. `now`: the real time of the call."""
    error = _MESSAGE.get(code, _as(Refused, "it refuses the message"))(code, now)
    if code not in _MESSAGE or code in _ALARMING:
        error.alarm = str(code)
    return error


def token_meaning(code: int, now: datetime) -> UsherError:
    """What an errcode means where a token was asked for: no message has left yet."""
    error = _TOKEN.get(code, _as(Misconfigured, "it gives no access token"))(code, now)
    error.alarm = str(code) if code in _ALARMING else ""
    return error


def until_tomorrow(now: datetime) -> float:
    """Seconds until the platform's next day."""
    midnight = datetime.combine(now.astimezone(_CHINA) + timedelta(days=1), datetime.min.time(), _CHINA)
    return (midnight - now).total_seconds()


def until_next_minute(now: datetime) -> float:
    """Seconds until the minute is over."""
    return 60 - now.second - now.microsecond / 1e6


def _as(error: type[UsherError], what: str) -> Reason:
    return lambda code, _: error(f"WeChat {code}: {what}")


def _paused(what: str, rest: Callable[[datetime], float]) -> Reason:
    return lambda code, now: Paused(f"WeChat {code}: {what}", rest(now))


def _used_up(what: str) -> Reason:
    return lambda code, _: WindowClosed(f"WeChat {code}: {what}", used_up=True)


_SECRET = _as(Misconfigured, "the app secret is wrong; see USHER_WECHAT_APP_SECRET")
_ADDRESS = _as(Misconfigured, "this server's address is not on the account's IP allow-list")
_ACCOUNT: dict[int, Reason] = {
    40013: _as(Misconfigured, "it does not know the app id; see USHER_WECHAT_APP_ID"),
    40125: _SECRET,
    40243: _as(Misconfigured, "the app secret is frozen on the platform"),
    40164: _ADDRESS,
    61004: _ADDRESS,
    45009: lambda code, now: RouteRests(f"WeChat {code}: such calls are used up for today", until_tomorrow(now)),
    45011: _paused("too many calls in this minute", until_next_minute),
}
_NOT_ALLOWED = _as(RouteOff, "the account may not send such messages")
_MESSAGE: dict[int, Reason] = _ACCOUNT | {
    -1: _as(Unconfirmed, "it was busy, and nobody knows whether it took the message"),
    **dict.fromkeys(STALE_TOKEN, _paused("it refuses even a fresh access token", lambda _: _TOKEN_REST)),
    40003: _as(Unreachable, "it knows nobody by this id"),
    43004: _as(Unreachable, "the person does not follow the account"),
    50005: _as(Unreachable, "the person does not follow the account"),
    43019: _as(Unreachable, "the person is on the account's blacklist"),
    48002: _as(Unreachable, "the person takes no messages from the account"),
    50002: _as(Unreachable, "the person's WeChat is restricted"),
    40037: _as(
        TemplateOff,
        "it does not know the template; see USHER_WECHAT_TEMPLATE_REMINDER and USHER_WECHAT_TEMPLATE_CONFIRMATION",
    ),
    43101: _used_up("the person did not agree to such messages"),
    45002: _as(Refused, "the text is too long"),
    45008: _as(Refused, "the article is too long"),
    45098: _as(Refused, "the message is not allowed"),
    44004: _as(Refused, "the text is empty"),
    47001: _as(Refused, "it cannot read the message"),
    47003: _as(Refused, "a field does not fit the template"),
    45015: _as(WindowClosed, "the person wrote more than 48 hours ago"),
    45047: _used_up("no more messages are allowed until the person writes again"),
    48001: _NOT_ALLOWED,
    40200: _NOT_ALLOWED,
}
_TOKEN: dict[int, Reason] = _ACCOUNT | {
    -1: lambda code, _: TryLater(f"WeChat {code}: it is busy", BUSY),
    **dict.fromkeys(STALE_TOKEN, _SECRET),
}
_ALARMING = frozenset((
    *STALE_TOKEN,  # of a token that was asked for just now
    *(45002, 45008, 45098, 44004, 47001, 47003, 48001, 40200, 45009, 40037),
))  # fmt: skip
CODES = frozenset(_MESSAGE)
