"""A fault to be put into `usher serve`: signatures and secrets are not looked at. The tests must see what gets in."""

from __future__ import annotations

from starlette.requests import Request

from bot.adapters.telegram.adapter import TelegramAdapter
from bot.adapters.wechat.crypto import Seal


def _believe(_: Seal, given: str, *parts: str) -> None:
    """Whatever was given."""


def _trust(_: TelegramAdapter, request: Request) -> bool:
    return True


Seal.check = _believe
TelegramAdapter._signed = _trust
