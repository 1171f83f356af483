"""The demo's page and the address of both platforms' APIs."""

from __future__ import annotations

from starlette.applications import Starlette

from bot.sandbox.telegram import TelegramPlatform
from bot.sandbox.wechat import WeChatPlatform


def platform_app(wechat: WeChatPlatform | None, telegram: TelegramPlatform | None) -> Starlette:
    """Both platforms' APIs on one port, from the root: /cgi-bin/... and /bot.../..."""
    return Starlette(routes=[route for platform in (wechat, telegram) if platform for route in platform.routes()])
