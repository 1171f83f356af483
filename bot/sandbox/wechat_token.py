"""The access token as stable_token gives it: the same one for every caller until 5 minutes before its end."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from bot.clock import seconds
from bot.sandbox.wechat_refusal import Refused

LASTS = 7200  # seconds
_RENEWED_BEFORE = 300  # seconds before its end a token is replaced; the old one lives that long beside it
_FORCED_A_DAY = 20
_REMEMBERED = 10  # ended tokens which are still told apart from made-up ones


class Tokens:
    """The tokens given out for one account."""

    def __init__(self, app_id: str, secret: str) -> None:
        self._app_id, self._secret = app_id, secret
        self._ends: dict[str, float] = {}  # by seconds()
        self._current = ""
        self._forced = 0

    def expire(self) -> None:
        """Ends all that are out, as the platform does at times."""
        self._ends = dict.fromkeys(self._ends, 0.0)

    def check(self, token: str) -> None:
        """Raises Refused for a token that opens nothing."""
        if not token:
            raise Refused(41001, "access_token missing")
        if token not in self._ends:
            raise Refused(40001, "invalid credential, access_token is invalid or not latest")
        if self._ends[token] <= seconds():
            raise Refused(42001, "access_token expired", ours=True)

    def give(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Answers stable_token. Raises Refused."""
        self._credentials(fields)
        if fields.get("force_refresh", False) is True:
            self._forced += 1
            if self._forced > _FORCED_A_DAY:
                raise Refused(45009, "reach max api daily quota limit")
            self.expire()
        now = seconds()
        if self._ends.get(self._current, 0.0) - now <= _RENEWED_BEFORE:
            self._current = secrets.token_urlsafe(96)
            self._ends = dict(list(self._ends.items())[-_REMEMBERED:]) | {self._current: now + LASTS}
        return {"access_token": self._current, "expires_in": int(self._ends[self._current] - now)}

    def _credentials(self, fields: Mapping[str, Any]) -> None:
        if fields.get("grant_type") != "client_credential":
            raise Refused(40002, "invalid grant_type")
        if not fields.get("appid"):
            raise Refused(41002, "appid missing")
        if fields["appid"] != self._app_id:
            raise Refused(40013, "invalid appid")
        if not fields.get("secret"):
            raise Refused(41004, "appsecret missing")
        if fields["secret"] != self._secret:
            raise Refused(40125, "invalid appsecret")
