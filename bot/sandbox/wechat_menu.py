"""The limits of an account's menu: three buttons, five under each, names and keys of a bounded length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.sandbox.wechat_refusal import Refused

_NEEDS = {
    "click": "key",
    "view": "url",
    "scancode_push": "key",
    "scancode_waitmsg": "key",
    "pic_sysphoto": "key",
    "pic_photo_or_album": "key",
    "pic_weixin": "key",
    "location_select": "key",
    "media_id": "media_id",
    "view_limited": "media_id",
    "article_id": "article_id",
    "article_view_limited": "article_id",
    "miniprogram": "appid",
}
_NAME_BYTES, _SUB_NAME_BYTES, _KEY_BYTES, _URL_BYTES = 16, 60, 128, 1024


def check_menu(fields: Mapping[str, Any]) -> None:
    """Raises Refused with the platform's errcode for what is wrong."""
    buttons = fields.get("button")
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
        raise Refused(40016, "invalid button size")
    for button in buttons:
        _named(button, _NAME_BYTES, 40018)
        under = button.get("sub_button")
        if not under:
            _does(button, kind=40017, key=40019, url=40020)
            continue
        if not isinstance(under, list) or len(under) > 5:
            raise Refused(40023, "invalid sub button size")
        for one in under:
            _named(one, _SUB_NAME_BYTES, 40025)
            _does(one, kind=40024, key=40026, url=40027)


def _named(button: Any, most: int, errcode: int) -> None:
    name = button.get("name") if isinstance(button, dict) else None
    if not isinstance(name, str) or not 1 <= len(name.encode()) <= most:
        raise Refused(errcode, "invalid button name size")


def _does(button: Mapping[str, Any], *, kind: int, key: int, url: int) -> None:
    needs = _NEEDS.get(str(button.get("type")))
    if needs is None:
        raise Refused(kind, "invalid button type")
    value = button.get(needs)
    most = _URL_BYTES if needs == "url" else _KEY_BYTES
    if not isinstance(value, str) or not 1 <= len(value.encode()) <= most:
        raise Refused(url if needs == "url" else key, f"invalid button {needs} size")
