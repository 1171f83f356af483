"""Template messages: what one must look like, and how one is sent once although its answer may get lost.

WeChat knows a client_msg_id for ten minutes and takes the message once under it. So an answer that got lost is asked
for again at once, under the same id and within the one call of Adapter.send: nothing has to be remembered beyond it,
not even across a crash. If no answer comes at all, nobody knows, and only an organizer may decide to send again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

from bot.adapters.base import Outgoing
from bot.adapters.wechat.api import WHOLE
from bot.clock import seconds
from bot.errors import Refused, Unconfirmed, UsherError

MOST = 20  # characters of a field; what is longer the platform cuts in silence
_LINE_ENDS = frozenset("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029")
_ID_BYTES = 64  # of a client_msg_id; the limit of a mass message's, as none is told for a template's
_WAITS = (0.3, 1.0)  # seconds before an answer that got lost is asked for again
Post = Callable[[str, dict[str, Any], float], Awaitable[dict[str, Any]]]
Sleep = Callable[[float], Awaitable[object]]


def body(user_id: str, outgoing: Outgoing) -> dict[str, Any]:
    """What message/template/send takes. Raises Refused for what people would see cut or broken."""
    if not outgoing.template or not outgoing.data:
        raise Refused("WeChat template: no template is set, or nothing to fill it with")
    for name, words in outgoing.data.items():
        if len(words) > MOST:
            raise Refused(f"WeChat template: {name} has {len(words)} characters, at most {MOST} are shown")
        if not _LINE_ENDS.isdisjoint(words):
            raise Refused(f"WeChat template: {name} has a line break, which a template cannot show")
    fields = {name: {"value": words} for name, words in outgoing.data.items()}
    sent = {"touser": user_id, "template_id": outgoing.template, "data": fields, "client_msg_id": _id(outgoing.key)}
    return sent | ({"url": outgoing.link} if outgoing.link else {})


async def send(post: Post, user_id: str, outgoing: Outgoing, sleep: Sleep = asyncio.sleep) -> str:
    """Sends a template message; its msgid, by which TEMPLATESENDJOBFINISH tells its end. Raises as Adapter.send."""
    sent, began = body(user_id, outgoing), seconds()
    lost: Unconfirmed | None = None
    for wait in (0.0, *_WAITS):
        ends = began + (WHOLE if lost else WHOLE / 2)  # an answer that does not come leaves time to ask for it again
        if seconds() + wait > ends:
            break
        await sleep(wait)
        try:
            return _msgid(await post("message/template/send", sent, ends))
        except Unconfirmed as unknown:
            lost = unknown
        except UsherError:
            if lost is None:
                raise
            # A no to the repeat says nothing about the first one: it may have been taken.
    assert lost
    raise Unconfirmed(f"{lost}, nor when asked again")


def _id(key: str) -> str:
    return key if len(key.encode()) <= _ID_BYTES else hashlib.sha256(key.encode()).hexdigest()


def _msgid(answer: dict[str, Any]) -> str:
    msgid = answer.get("msgid")
    if not isinstance(msgid, int | str) or not str(msgid).isdecimal():
        raise Unconfirmed("WeChat: an answer without msgid")
    return str(msgid)
