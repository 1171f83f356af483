"""Bot API methods about the bot itself: who it is, where its updates go, its commands."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bot.sandbox.telegram_params import Parameters, bad
from bot.sandbox.telegram_text import utf16
from bot.sandbox.telegram_updates import KINDS, Updates, Webhook

if TYPE_CHECKING:
    from bot.sandbox.telegram import TelegramPlatform

_PORTS = (443, 80, 88, 8443)


def get_me(platform: TelegramPlatform, _given: Parameters) -> Any:
    """Who the bot is."""
    groups = {"can_join_groups": True, "can_read_all_group_messages": False, "supports_inline_queries": False}
    return platform.bot | groups | {"can_connect_to_business": False, "has_main_web_app": False}


def set_webhook(platform: TelegramPlatform, given: Parameters) -> Any:
    """Sends updates to an address from now on."""
    url, secret = given.text("url"), given.text("secret_token")
    if not url:
        return delete_webhook(platform, given)
    _reachable(url)
    if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", secret):
        raise bad("secret token contains unallowed characters" if len(secret) <= 256 else "secret token is too long")
    connections = given.number("max_connections", 40)
    allow(platform.updates, given)
    hook = Webhook(url, secret, connections if 1 <= connections <= 100 else 40)
    platform.updates.set_webhook(hook, given.flag("drop_pending_updates"))
    return True


def delete_webhook(platform: TelegramPlatform, given: Parameters) -> Any:
    """Leaves updates to getUpdates."""
    platform.updates.set_webhook(None, given.flag("drop_pending_updates"))
    return True


def webhook_info(platform: TelegramPlatform, _given: Parameters) -> Any:
    """Where updates go, and how that went."""
    updates, hook = platform.updates, platform.updates.webhook
    info: dict[str, Any] = {"url": hook.url if hook else "", "has_custom_certificate": False}
    info["pending_update_count"] = len(updates.pending)
    if hook:
        info |= {"max_connections": hook.connections, "allowed_updates": sorted(updates.allowed)}
    if hook and hook.last_error:
        info |= {"last_error_date": hook.last_error_at, "last_error_message": hook.last_error}
    return info


def set_commands(platform: TelegramPlatform, given: Parameters) -> Any:
    """The list behind the menu button, for one scope and language."""
    commands = given.structure("commands")
    if not isinstance(commands, list) or len(commands) > 100:
        raise bad("can't parse commands: expected an Array of at most 100 BotCommand")
    for command in commands:
        if not isinstance(command, dict) or not re.fullmatch(r"[a-z0-9_]{1,32}", str(command.get("command", ""))):
            raise bad("BOT_COMMAND_INVALID")
        if not 1 <= utf16(str(command.get("description", ""))) <= 256:
            raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
    platform.commands[_scope(given)] = commands
    return True


def get_commands(platform: TelegramPlatform, given: Parameters) -> Any:
    """What set_commands stored for exactly that scope and language."""
    return platform.commands.get(_scope(given), [])


def delete_commands(platform: TelegramPlatform, given: Parameters) -> Any:
    """Forgets that list."""
    platform.commands.pop(_scope(given), None)
    return True


def allow(updates: Updates, given: Parameters) -> None:
    """Takes allowed_updates where it is given; without it the last one stays. Unknown names are skipped in silence."""
    allowed = given.structure("allowed_updates")
    if allowed is None:
        return
    if not isinstance(allowed, list) or not all(isinstance(kind, str) for kind in allowed):
        raise bad("can't parse allowed_updates: expected an Array of Strings")
    updates.allow(frozenset(allowed) & KINDS or None)


def _scope(given: Parameters) -> tuple[str, str]:
    language = given.text("language_code")
    if not re.fullmatch(r"([a-z]{2})?", language):
        raise bad("LANG_CODE_INVALID")
    scope = given.structure("scope") or {"type": "default"}
    return json.dumps(scope, sort_keys=True), language


def _reachable(url: str) -> None:
    """HTTPS on four ports, as in reality; HTTP to this machine only, which is the sandbox's one exception."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        raise bad("bad webhook: port number is invalid") from None
    if not parts.hostname:
        raise bad("invalid webhook URL specified")
    if parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1"):
        return
    if parts.scheme != "https":
        raise bad("bad webhook: An HTTPS URL must be provided for webhook")
    if (port or 443) not in _PORTS:
        raise bad("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")


METHODS: dict[str, Callable[[TelegramPlatform, Parameters], Any]] = {
    "getme": get_me,
    "setwebhook": set_webhook,
    "deletewebhook": delete_webhook,
    "getwebhookinfo": webhook_info,
    "setmycommands": set_commands,
    "getmycommands": get_commands,
    "deletemycommands": delete_commands,
}
