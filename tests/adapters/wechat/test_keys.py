"""The dedupe key: appid + FromUserName + CreateTime + MsgType + (MsgId | Event + EventKey + MsgID + the rest)."""

from __future__ import annotations

import string

import pytest

from bot.adapters.wechat import convert
from bot.adapters.wechat.convert import Account


def key(understood, xml: bytes) -> str:
    return understood(xml).message.id


@pytest.mark.parametrize("other", [
    lambda p: p.text("hi", user="oB"),  # equal MsgIds of different people
    lambda p: p.text("hi", created="1570496401"),
    lambda p: p.text("hi", msg_id="2"),
    lambda p: p.body("image", ""),
    lambda p: p.event("CLICK"),
    lambda p: p.text("hi", msg_id=""),
])  # fmt: skip
def test_other_messages_have_other_keys(understood, platform, other):
    assert key(understood, platform.text("hi")) != key(understood, other(platform))


def test_different_events_of_one_second_have_different_keys(understood, platform):
    events = [
        platform.event("subscribe"), platform.event("unsubscribe"), platform.event("SCAN"), platform.event("CLICK"),
        platform.event("CLICK", "a"), platform.event("CLICK", "b"), platform.event("CLICK", user="oB"),
        platform.event("CLICK", created="1570496401"), platform.event("CLICK", more="<MsgID>7</MsgID>"),
        platform.event("CLICK", more="<Ticket>7</Ticket>"), platform.event("CLICK", more="<MenuId>7</MenuId>"),
        platform.event("CLICK", more="<List><A>1</A></List>"), platform.event("CLICK", more="<List><A>2</A></List>"),
    ]  # fmt: skip
    assert len({key(understood, event) for event in events}) == len(events)


def test_copies_have_one_key_however_they_are_written(understood, platform, plain, clock):
    one = platform.text("hi", more="<MsgDataId>x</MsgDataId>")
    other = platform.text("hi").replace(b"<![CDATA[oA]]>", b"oA").replace(b"<Content>", b"\n  <Content>")
    assert key(understood, one) == key(understood, other)
    assert convert.read(plain, clock, *platform.plain(one)).message.id == key(understood, one)
    event = platform.event("CLICK", "a", more="<MenuId>7</MenuId>")
    turned = event.replace(b"<MenuId>7</MenuId>", b"").replace(b"<xml>", b"<xml><MenuId>7</MenuId>")
    assert key(understood, event) == key(understood, turned)


def test_another_account_has_other_keys(understood, platform, clock):
    ours = key(understood, platform.text("hi"))
    platform.app_id = "wx0000000000000000"
    theirs = convert.read(Account.of(platform.settings()), clock, *platform.safe(platform.text("hi"))).message.id
    assert ours != theirs


def test_a_key_holds_no_personal_data(understood, platform):
    assert set(key(understood, platform.text("王芳"))) <= set(string.hexdigits)
    assert len(key(understood, platform.text("王芳"))) == 64
