"""Calls WeChat's API: one bounded request, one refresh of the token, and what each errcode means to a sender."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
from wechatpy.client.api import WeChatMessage

from bot.clock import Clock, seconds
from bot.errors import Misconfigured, TryLater, Unconfirmed, Unreachable, UsherError

_TIMEOUT = httpx.Timeout(8, connect=4)  # seconds; a lease is longer
_MARGIN = 120  # seconds before its end at which a token is asked for anew: its successor exists since 300
_CHINA = timezone(timedelta(hours=8))  # where the platform's day begins
_BUSY, _SOON, _MINUTE = 5.0, 60.0, 60.0  # seconds to wait
_STALE_TOKEN = (40001, 40014, 42001)


class Refused(UsherError):
    """The platform refuses this message itself: no retry, and somebody must look."""


def _until_tomorrow(now: datetime) -> float:
    midnight = datetime.combine(now.astimezone(_CHINA) + timedelta(days=1), datetime.min.time(), _CHINA)
    return (midnight - now).total_seconds()


Reason = Callable[[int, datetime], UsherError]


def _as(error: type[UsherError], what: str) -> Reason:
    return lambda code, _: error(f"{code} {what}")


# platforms/wechat.md, "errcode -> what a sender does"; every code that is not here is Refused.
_WRONG_ACCOUNT = _as(Misconfigured, "app id, secret or IP allow-list")
_MEANING: dict[int, Reason] = {
    -1: _as(Unconfirmed, "busy"),  # no idempotency key: a repeat might show it twice
    **dict.fromkeys(_STALE_TOKEN, lambda code, _: TryLater(f"{code} fresh token refused", _SOON)),
    **dict.fromkeys((40013, 40125, 40243, 40164, 61004), _WRONG_ACCOUNT),
    **dict.fromkeys((40003, 43004, 50005, 43019, 48002, 50002), _as(Unreachable, "does not follow or does not accept")),
    45009: lambda code, now: TryLater(f"{code} daily quota", _until_tomorrow(now)),
    45011: lambda code, _: TryLater(f"{code} minute quota", _MINUTE),
    45015: _as(Unreachable, "outside the window"),
    45047: _as(Unreachable, "window used up"),
    **dict.fromkeys((48001, 40200), _as(Misconfigured, "the account may not do this")),
}
_TOKEN_MEANING = _MEANING | {
    -1: lambda code, _: TryLater(f"{code} busy", _BUSY),
    **dict.fromkeys(_STALE_TOKEN, _WRONG_ACCOUNT),
}


class Api:
    """The API of one account. wechatpy's API classes write paths and bodies and call `post`, which is ours: its own
    client has no time-out, no bound on retries and no lock around the token."""

    def __init__(self, base: str, app_id: str, secret: str, clock: Clock) -> None:
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs addresses, and they hold the token
        self._app_id, self._secret, self._clock = app_id, secret, clock
        self._http = httpx.AsyncClient(base_url=f"{base}/cgi-bin/", timeout=_TIMEOUT, trust_env=False)
        self._token, self._token_ends = "", 0.0
        self._asking = asyncio.Lock()
        self._message = WeChatMessage(self)

    async def send_text(self, user_id: str, content: str) -> None:
        """A customer-service message. Raises TryLater, Unreachable, Unconfirmed, Misconfigured, Refused."""
        await self._message.send_text(user_id, content)

    async def close(self) -> None:
        """Lets go of connections."""
        await self._http.aclose()

    async def post(self, path: str, data: dict[str, Any]) -> dict[str, Any]:
        """One call with the token, and one more if the token was stale."""
        token = await self._current_token()
        answer = await self._call(path, data, token)
        if _code(answer) in _STALE_TOKEN:
            answer = await self._call(path, data, await self._current_token(refused=token))
        if code := _code(answer):
            raise _MEANING.get(code, _as(Refused, "the message"))(code, self._clock.real())
        return answer

    async def _current_token(self, refused: str = "") -> str:
        """The token that every process is given; asked for again near its end, or if it is the one refused."""
        async with self._asking:
            if not self._token or self._token == refused or seconds() >= self._token_ends:
                self._token = ""
                self._token, lasts = await self._ask_token()
                self._token_ends = seconds() + lasts - _MARGIN
            return self._token

    async def _ask_token(self) -> tuple[str, float]:
        body = {"grant_type": "client_credential", "appid": self._app_id, "secret": self._secret}
        try:
            answer = await self._call("stable_token", {**body, "force_refresh": False})
            match answer:
                case {"access_token": str(token), "expires_in": int(lasts)} if token:
                    return token, lasts
            code = _code(answer)
        except Unconfirmed as unknown:
            raise TryLater(f"token: {unknown}", _BUSY) from None  # the message itself was not sent yet
        raise _TOKEN_MEANING.get(code, _as(Misconfigured, "no token"))(code, self._clock.real())

    async def _call(self, path: str, data: dict[str, Any], token: str = "") -> dict[str, Any]:
        """One request. Raises TryLater where it cannot have arrived, Unconfirmed where it may have."""
        body = json.dumps(data, ensure_ascii=False).encode()  # raw UTF-8: \uXXXX is shown as it stands
        query = {"access_token": token} if token else {}
        try:
            answer = await self._http.post(path, params=query, content=body, headers=_JSON)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise TryLater(type(error).__name__, _BUSY) from None
        except httpx.HTTPError as error:
            raise Unconfirmed(type(error).__name__) from None
        return _read(answer)


_JSON = {"Content-Type": "application/json; charset=utf-8"}


def _read(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code != httpx.codes.OK:  # errors come with 200 too: this is a proxy or a gateway
        raise Unconfirmed(f"HTTP {answer.status_code}")
    try:
        read = json.loads(answer.content)
    except ValueError:
        raise Unconfirmed("an answer that is no JSON") from None
    if not isinstance(read, dict):
        raise Unconfirmed("an answer that is no object")
    return read


def _code(answer: dict[str, Any]) -> int:
    code = answer.get("errcode")
    if not isinstance(code, int):
        raise Unconfirmed("an answer without errcode")
    return code
