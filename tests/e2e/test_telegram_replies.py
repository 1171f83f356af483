"""Telegram does not take a reply, or says nothing clear about it: what the person sees, and that it is never twice."""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, update
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.sandbox.telegram_phone import Phone
from bot.store import tables
from tests import served
from tests.e2e.conftest import Visit
from tests.e2e.talk import FORM, lines, provoked, reference_in, registrations, says, talk, writer
from tests.served import House

TOO_MANY = "Too Many Requests: retry after {}"


class BadLine:
    """The Bot API over a line that breaks: answers to sendMessage get lost, after the call was done or before."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.breaks: deque[str] = deque()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not (self.breaks and scope.get("path", "").endswith("/sendMessage")):
            return await self.app(scope, receive, send)
        if self.breaks.popleft() == "after":
            await self.app(scope, receive, _nobody)
        # An answer that ends too early makes the server hang up.
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"999")]})
        return await send({"type": "http.response.body", "body": b'{"ok": true', "more_body": True})


async def _nobody(_: Message) -> None:
    """Hears the answer instead of the bot."""


def _update(home: House, phone: Phone, text: str) -> dict[str, Any]:
    head = {"message_id": home.telegram.next_message_id(), "from": phone.user, "chat": phone.chat.shape}
    message = {**head, "date": home.telegram.now(), "text": text}
    return {"update_id": home.telegram.updates.next_id(), "message": message}


def _sends(home: House) -> int:
    return sum(method == "sendmessage" for method, _ in home.telegram.api.calls)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_short_429_delays_the_reply_and_sends_it_once(home: House) -> None:
    li = writer(home)
    await says(li, *FORM)
    home.telegram.api.refuse("sendMessage", 429, TOO_MANY.format(1), retry_after=1)
    before = _sends(home)
    reply = await says(li, "[确认]")
    assert _sends(home) - before == 2
    assert [row.reference for row in await registrations(home.usher.database, li)] == [reference_in(reply)]
    assert "".join(lines(li)).count("报名已提交") == 1


@pytest.mark.asyncio(loop_scope="session")
async def test_a_long_429_has_the_update_come_again_which_sends_the_reply_once(home: House) -> None:
    li = writer(home)
    await says(li, *FORM)
    sent = _update(home, li, "确认")
    home.telegram.api.refuse("sendMessage", 429, TOO_MANY.format(40), retry_after=40)
    assert await home.telegram.deliver(sent) == [503]
    assert len(await registrations(home.usher.database, li)) == 1, "the effect is there; only the reply waits"
    assert await home.telegram.deliver(sent) == [200]
    assert await home.telegram.deliver(sent) == [200]
    assert "".join(lines(li)).count("报名已提交") == 1
    assert len(await registrations(home.usher.database, li)) == 1


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("status", [500, 502])
async def test_a_500_means_that_nobody_knows_so_it_is_not_sent_again(home: House, status: int) -> None:
    li = writer(home)
    await says(li, *FORM)
    sent, before = _update(home, li, "确认"), _sends(home)
    home.telegram.api.refuse("sendMessage", status, "Internal Server Error")
    assert await home.telegram.deliver(sent) == [200]
    assert await home.telegram.deliver(sent) == [200]
    assert _sends(home) - before == 1
    [row] = await registrations(home.usher.database, li)
    await talk(li, ("我的报名", row.reference))


@pytest.mark.asyncio(loop_scope="session")
async def test_a_refused_token_alarms_and_the_update_is_not_lost(home: House, caplog: pytest.LogCaptureFixture) -> None:
    li = writer(home)
    await li.starts()
    sent = _update(home, li, "帮助")
    home.telegram.api.refuse("sendMessage", 401, "Unauthorized")
    assert await home.telegram.deliver(sent) == [503]
    assert await home.telegram.deliver(sent) == [200]
    assert len(lines(li)) == 2
    assert "USHER_TELEGRAM_TOKEN" in caplog.text


@pytest.mark.asyncio(loop_scope="session")
async def test_a_press_that_cannot_be_answered_any_more_still_gets_its_reply(home: House) -> None:
    li = writer(home)
    await li.starts()
    home.telegram.api.refuse("answerCallbackQuery", 400, "Bad Request: query is too old")
    assert "6. " in await li.taps("看议程")
    assert len(home.telegram.unanswered) == 1
    assert provoked(home) == []


@pytest.mark.asyncio(loop_scope="session")
async def test_a_crash_before_the_reply_was_sent_leaves_it_to_a_later_copy(home: House) -> None:
    """As a kill between commit and send leaves the row: claimed, and not sent."""
    li = writer(home)
    await says(li, *FORM)
    sent = _update(home, li, "确认")
    home.telegram.api.refuse("sendMessage", 429, TOO_MANY.format(40), retry_after=40)
    assert await home.telegram.deliver(sent) == [503]
    await _claimed(home, seconds_ago=1)
    assert await home.telegram.deliver(sent) == [503], "somebody may be sending it just now"
    await _claimed(home, seconds_ago=31)
    assert await home.telegram.deliver(sent) == [200]
    assert await home.telegram.deliver(sent) == [200]
    assert "".join(lines(li)).count("报名已提交") == 1


async def _claimed(home: House, seconds_ago: float) -> None:
    at = home.usher.clock.real() - timedelta(seconds=seconds_ago)
    newest = update(tables.Message).where(col(tables.Message.sent_at).is_(None), col(tables.Message.reply).is_not(None))
    telegram = col(tables.Message.reply).contains("报名已提交")
    await home.usher.database.write(lambda session: session.execute(newest.where(telegram).values(claimed_at=at)))


async def test_a_connection_cut_while_a_reply_is_sent(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut after the message went out, a second try would show it twice; so there is none, in either case."""
    bad: list[BadLine] = []
    real = served.platform_app

    def over_a_bad_line(*platforms: Any) -> BadLine:
        bad.append(BadLine(real(*platforms)))
        return bad[0]

    monkeypatch.setattr(served, "platform_app", over_a_bad_line)
    async with visit() as home:
        for broken, shown in (("before", 0), ("after", 1)):
            li = writer(home)
            await says(li, *FORM)
            sent = _update(home, li, "确认")
            bad[0].breaks.append(broken)
            assert await home.telegram.deliver(sent) == [200]
            assert await home.telegram.deliver(sent) == [200]
            assert not bad[0].breaks
            assert "".join(lines(li)).count("报名已提交") == shown
            [row] = await registrations(home.usher.database, li)
            await talk(li, ("我的报名", row.reference))
