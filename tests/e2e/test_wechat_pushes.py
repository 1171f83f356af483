"""What WeChat pushes besides texts, and the modes in which it pushes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.sandbox.wechat_xml import Value
from tests.e2e.conftest import Visit
from tests.e2e.talk import (
    FORM,
    act,
    contact,
    everything,
    follower,
    kept,
    lines,
    options,
    provoked,
    registers,
    registrations,
    says,
    talk,
)
from tests.served import House

on_the_shared_loop = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("mode", ["plain", "compatible"])
async def test_a_registration_in_the_other_modes(visit: Visit, mode: str) -> None:
    async with visit(WECHAT_MODE=mode) as home:
        assert await home.wechat.verifies(), "the address is checked as when it is saved"
        assert not await home.wechat.verifies(signature="0" * 40)
        wang = follower(home)
        assert "您好" in await wang.follows("poster")
        reference = await registers(wang)
        [row] = await registrations(home.usher.database, wang)
        assert (row.reference, row.source) == (reference, "poster")
        if mode == "plain":
            await _a_plain_signature_belongs_to_the_first_body_seen_with_it(home)


async def _a_plain_signature_belongs_to_the_first_body_seen_with_it(home: House) -> None:
    """In plain mode the signature does not cover the body."""
    li = follower(home)
    head: dict[str, Value] = {"ToUserName": home.wechat.original_id, "FromUserName": li.openid}
    head |= {"CreateTime": int(home.wechat.now().timestamp()), "MsgType": "text", "MsgId": home.wechat.next_id()}
    first, again, forged = [
        (await home.wechat.push({**head, "Content": text}, nonce="4711"))[0] for text in ("议程", "议程", "报名")
    ]
    assert "6. " in first.shown.text
    assert again.shown == first.shown
    assert (forged.status, forged.body) == (403, b"")


@on_the_shared_loop
async def test_a_message_and_a_tap_open_their_own_windows(home: House) -> None:
    li = follower(home)
    await says(li, "报名")
    after_words = await contact(home.usher.database, li)
    assert after_words
    assert after_words.message_until
    assert (after_words.message_left, after_words.tap_left) == (5, 0)
    await says(li, "[同意]")
    after_tap = await contact(home.usher.database, li)
    assert after_tap
    assert after_tap.tap_until
    assert (after_tap.message_until, after_tap.message_left, after_tap.tap_left) == (after_words.message_until, 5, 3)
    assert after_tap.tap_until < after_tap.message_until


@on_the_shared_loop
async def test_a_plain_body_is_refused_by_a_safe_account(home: House) -> None:
    li = follower(home)
    fields: dict[str, Value] = {"ToUserName": home.wechat.original_id, "FromUserName": li.openid}
    fields |= {"CreateTime": int(home.wechat.now().timestamp()), "MsgType": "text", "Content": "报名", "MsgId": 1}
    [answer] = await home.wechat.push(fields, mode="plain")
    assert (answer.status, answer.body) == (403, b"")
    assert await contact(home.usher.database, li) is None


@on_the_shared_loop
async def test_menu_buttons_say_their_key(home: House) -> None:
    li = follower(home)
    assert "隐私" in await li.clicks("报名")
    await talk(li, ("同意", "1/8"))
    agenda = await li.clicks("agenda")
    assert "6. " in agenda
    assert "1/8" in agenda
    assert await li.views("https://example.com/") == ""
    assert await li.reports_location() == ""


@on_the_shared_loop
async def test_a_scan_welcomes_and_its_scene_is_kept_as_the_source(home: House) -> None:
    li = follower(home)
    await li.follows()
    assert "您好" in await li.scans("booth-7")
    await registers(li)
    assert [row.source for row in await registrations(home.usher.database, li)] == ["booth-7"]
    home.wechat.clock.wind(timedelta(seconds=2))  # two scans in one second are one to whoever sees only the pushes
    await li.scans("booth-7")
    assert "我的报名" in options(li)


@on_the_shared_loop
@pytest.mark.parametrize("what", ["image", "voice", "video", "location", "link", "sticker"])
async def test_what_cannot_be_read_gets_a_polite_sentence_and_the_form_goes_on(home: House, what: str) -> None:
    li = follower(home)
    assert "打字" in await getattr(li, f"sends_{what}")()
    await says(li, *FORM[:5])
    reply: str = await getattr(li, f"sends_{what}")()
    assert "打字" in reply
    assert "4/8" in reply
    await talk(li, ("王芳", "5/8"))


@on_the_shared_loop
async def test_who_unfollows_takes_the_draft_along_and_finds_the_registration_again(home: House) -> None:
    li, database = follower(home), home.usher.database
    await li.follows("mail")
    reference = await registers(li)
    await says(li, "替同事报名", "同意", "和我一样", "李独二", "人工", "独二份留言")
    for there in ("独二", li.openid):
        assert there in await everything(database)
    await li.unfollows()
    left = await everything(database)
    assert reference in left
    for gone in ("独二", li.openid):
        assert gone not in left
    assert "您好" in await li.follows()
    await talk(li, ("我的报名", reference), ("替同事报名", "同意"))
    assert [row.reference for row in await registrations(database, li)] == [reference]


@on_the_shared_loop
async def test_who_unfollows_in_mid_form_starts_anew(home: House) -> None:
    li = follower(home)
    await li.follows()
    await says(li, *FORM[:7])
    await li.unfollows()
    assert await contact(home.usher.database, li) is None
    await li.follows()
    await talk(li, ("我的报名", "还没有报名"), ("报名", "隐私"))


@on_the_shared_loop
async def test_pushes_that_nobody_understands_are_kept_and_accepted(home: House) -> None:
    li = follower(home)
    await says(li, *FORM[:5])
    head: dict[str, Value] = {"ToUserName": home.wechat.original_id, "FromUserName": li.openid}
    head |= {"CreateTime": int(home.wechat.now().timestamp())}
    for fields in ({"MsgType": "hologram", "MsgId": home.wechat.next_id()}, {"MsgType": "event", "Event": "teleport"}):
        [answer] = await home.wechat.push({**head, **fields})
        assert (answer.status, answer.body) == (200, b"success")
    assert [row.reason for row in await kept(home.usher.database, li)] == ["unknown MsgType", "unknown Event"]
    await talk(li, ("王芳", "5/8"))


@on_the_shared_loop
async def test_control_characters_and_markup_from_people_do_no_harm(home: House) -> None:
    li = follower(home)
    await says(li, *FORM[:4])
    name = '东莞\x08市<a href="weixin://x">厂</a>]]>&lt;公司'
    await talk(li, (name, "4/8"))
    await says(li, *FORM[5:])
    shown = lines(li)[-1]
    assert "]]＞" in shown
    assert "[确认]" in (f"[{option}]" for option in options(li))
    await act(li, "[确认]")
    [row] = await registrations(home.usher.database, li)
    assert row.organization == '东莞市<a href="weixin://x">厂</a>]]>&lt;公司'


@on_the_shared_loop
async def test_a_stale_copy_of_a_push_is_refused_after_the_time(home: House) -> None:
    li = follower(home)
    fields: dict[str, Value] = {"ToUserName": home.wechat.original_id, "FromUserName": li.openid, "MsgType": "text"}
    fields |= {"CreateTime": int(home.wechat.now().timestamp()), "Content": "报名", "MsgId": home.wechat.next_id()}
    old = int(home.wechat.now().timestamp()) - 3600
    [answer] = await home.wechat.push(fields, timestamp=old)
    assert (answer.status, answer.body) == (403, b"")
    assert provoked(home) == []
