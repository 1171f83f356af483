"""Calls WeChat's API: bounded requests, one refresh of the token, and a clear outcome for whoever sends.

One message takes at most WHOLE seconds, whatever happens: a lane cuts off what takes longer than half of its lease of
10 s, and then nobody knows what became of it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import httpx
from wechatpy.client.api import WeChatMenu, WeChatMessage

from bot.adapters import wire
from bot.adapters.wechat.errcodes import BUSY, STALE_TOKEN, meaning, token_meaning
from bot.adapters.wire import Wire
from bot.clock import Clock, seconds
from bot.errors import NoConnection, Paused, TryLater, Unconfirmed

WHOLE = 4.8  # seconds for one message with all its calls
_TOKEN = 2.4  # seconds for the token, which leaves as much to the message
_LEAST = 0.5  # seconds that a call needs; with less it is not begun
_MARGIN = 120  # seconds before its end at which a token is asked for anew: its successor exists since 300
_REST, _LONGEST_REST = 60.0, 86400.0  # seconds, where a gateway asks for a rest and does not say how long
_CONNECTIONS, _KEPT = 100, 40  # of which so many are kept open: a lane's flight
_JSON = {"Content-Type": "application/json; charset=utf-8"}


class Api:
    """The API of one account. wechatpy's API classes write paths and bodies and call `post`, which is ours: its own
    client has no time-out, no bound on retries and no lock around the token."""

    def __init__(self, base: str, app_id: str, secret: str, clock: Clock) -> None:
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs addresses, and they hold the token
        self._app_id, self._secret, self._clock = app_id, secret, clock
        limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_KEPT, keepalive_expiry=wire.IDLE)
        self._http = httpx.AsyncClient(base_url=f"{base}/cgi-bin/", timeout=WHOLE, limits=limits, trust_env=False)
        self._token, self._token_ends = "", 0.0
        self._asking = asyncio.Lock()
        self._message, self._menu = WeChatMessage(self), WeChatMenu(self)

    async def send_text(self, user_id: str, content: str) -> None:
        """A customer-service message. Raises whatever Adapter.send may."""
        await self._message.send_text(user_id, content)

    async def create_menu(self, menu: dict[str, Any]) -> None:
        """Puts a menu in the place of the one before. Raises whatever Adapter.send may."""
        await self._menu.create(menu)

    async def close(self) -> None:
        """Lets go of connections."""
        await self._http.aclose()

    async def post(self, path: str, data: dict[str, Any], ends: float = 0.0) -> dict[str, Any]:
        """One call with the token, and one more if the token was stale. `ends`: by seconds(), when all must be over."""
        ends = ends or seconds() + WHOLE
        token = await self._current_token(ends)
        answer = await self._call(path, data, ends, token)
        if _code(answer) in STALE_TOKEN:
            answer = await self._call(path, data, ends, await self._current_token(ends, refused=token))
        if code := _code(answer):
            raise meaning(code, self._clock.real())
        return answer

    async def _current_token(self, ends: float, refused: str = "") -> str:
        """The token that every process is given; asked for again near its end, or if it is the one refused.

        Who waits for another's question waits no longer than for an own one.
        """
        try:
            async with asyncio.timeout(min(_TOKEN, ends - seconds())), self._asking:
                if not self._token or self._token == refused or seconds() >= self._token_ends:
                    self._token = ""
                    self._token, lasts = await self._ask_token()
                    self._token_ends = seconds() + lasts - _MARGIN
                return self._token
        except TimeoutError:
            raise NoConnection("WeChat: no access token in time", BUSY) from None

    async def _ask_token(self) -> tuple[str, float]:
        body = {"grant_type": "client_credential", "appid": self._app_id, "secret": self._secret}
        try:
            answer = await self._call("stable_token", {**body, "force_refresh": False}, seconds() + _TOKEN)
            match answer:
                case {"access_token": str(token), "expires_in": int(lasts)} if token:
                    return token, lasts
            code = _code(answer)
        except Unconfirmed as unknown:
            raise NoConnection(f"{unknown} (asked for an access token)", BUSY) from None  # no message can leave
        raise token_meaning(code, self._clock.real())

    async def _call(self, path: str, data: dict[str, Any], ends: float, token: str = "") -> dict[str, Any]:
        """One request. Raises TryLater where it certainly has not left, Unconfirmed where it may have arrived."""
        body = json.dumps(data, ensure_ascii=False).encode()  # raw UTF-8: \uXXXX is shown as it stands
        query = {"access_token": token} if token else {}
        within = ends - seconds()
        if within < _LEAST:
            raise TryLater("WeChat: too slow just now", BUSY)
        wire = Wire()
        try:
            async with asyncio.timeout(within):
                answer = await self._http.post(
                    path, params=query, content=body, headers=_JSON, extensions={"trace": wire.trace}
                )
        except (httpx.HTTPError, TimeoutError) as error:
            if not wire.written:
                raise NoConnection("WeChat: no connection", BUSY) from None
            late = isinstance(error, httpx.TimeoutException | TimeoutError)
            raise Unconfirmed(f"WeChat: {'no answer in time' if late else 'the connection was cut'}") from None
        return _read(answer)


def _read(answer: httpx.Response) -> dict[str, Any]:
    """The fields of an answer. WeChat's errors come with HTTP 200 too: any other status is a gateway's."""
    if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        raise Paused("WeChat: HTTP 429, too many calls", _rest(answer))
    if answer.status_code != httpx.codes.OK:
        raise Unconfirmed(f"WeChat: HTTP {answer.status_code} in place of its answer")
    try:
        read = json.loads(answer.content)
    except ValueError:
        raise Unconfirmed("WeChat: an answer that is no JSON") from None
    if not isinstance(read, dict):
        raise Unconfirmed("WeChat: an answer that is no object")
    return read


def _rest(answer: httpx.Response) -> float:
    after = answer.headers.get("Retry-After", "")
    return min(max(float(after), 1.0), _LONGEST_REST) if after.isdecimal() else _REST


def _code(answer: dict[str, Any]) -> int:
    code = answer.get("errcode")
    if not isinstance(code, int):
        raise Unconfirmed("WeChat: an answer without errcode")
    return code
