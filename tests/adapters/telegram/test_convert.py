"""What each kind of update becomes for the core."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.adapters.telegram.convert import Called, Came, Skipped, read
from bot.message import Address, Kind

BOT = "123456789"
NOW = datetime(2026, 9, 21, 12, tzinfo=UTC)
SAMPLES = Path(__file__).parents[2] / "samples" / "telegram"
SENT = datetime.fromtimestamp(1790000000, UTC)

MESSAGES: dict[str, dict[str, Any]] = {
    "callback_inaccessible": {"tapped": "?", "text": "", "sent_at": NOW},
    "callback_query": {"tapped": "?", "text": "Yes", "sent_at": NOW},
    "contact_foreign": {"kind": Kind.PHONE, "phone": ""},
    "contact_shared": {"kind": Kind.PHONE, "phone": "+4930123456"},
    "edited_message": {
        "kind": Kind.EDITED,
        "text": "When does it end?",
        "sent_at": datetime.fromtimestamp(1790000060, UTC),
    },
    "location": {"kind": Kind.MEDIA},
    "my_chat_member_blocked": {"kind": Kind.BLOCK, "sent_at": datetime.fromtimestamp(1790000100, UTC)},
    "my_chat_member_unblocked": {"kind": Kind.UNBLOCK, "sent_at": datetime.fromtimestamp(1790000200, UTC)},
    "photo": {"kind": Kind.MEDIA, "text": "my ticket"},
    "start_deeplink": {"kind": Kind.START, "source": "ev_42-src_poster"},
    "text": {"text": "When does the workshop start? 🙂"},
    "text_entities_utf16": {"text": "🙂 mail me ann@example.org or +49 30 123456"},
    "web_app_data": {"kind": Kind.MEDIA},
}
OTHERS: dict[str, Called | Skipped] = {
    "group_command": Called(
        hashlib.sha256(b"telegram:123456789:900000014").hexdigest(), -1001234567890, 5, frozenset({"events_bot"}), ""
    ),
    "group_migrated": Skipped("talk in a group", keep=False),
    "inline_query": Skipped("not handled: inline_query", keep=True, user_id="7000001"),
    "message_reaction": Skipped("not handled: message_reaction", keep=True, user_id="7000001"),
    "unknown_future_type": Skipped("not handled: some_future_update", keep=True),
}
UPDATES = sorted(path.stem for path in SAMPLES.glob("*.json") if not path.stem.startswith("err_"))


def convert(update: object) -> Came | Called | Skipped:
    return read(json.dumps(update).encode(), BOT, NOW)


def came(update: object) -> Came:
    found = convert(update)
    assert isinstance(found, Came), found
    return found


def skipped(update: object) -> Skipped:
    found = convert(update)
    assert isinstance(found, Skipped), found
    return found


def test_every_sample_has_its_line_in_one_of_the_tables() -> None:
    assert sorted([*MESSAGES, *OTHERS]) == UPDATES


@pytest.mark.parametrize("name", MESSAGES)
def test_a_sample_becomes_this_message(name: str, sample: Callable[[str], Any]) -> None:
    update = sample(name)
    message = came(update).message
    expected = {"kind": Kind.TEXT, "text": "", "tapped": "", "source": "", "phone": "", "language": "", "sent_at": SENT}
    assert {key: getattr(message, key) for key in expected} == {**expected, **MESSAGES[name]}
    assert message.sender == Address("telegram", BOT, "7000001")
    assert message.id == hashlib.sha256(f"telegram:{BOT}:{update['update_id']}".encode()).hexdigest()
    assert message.opened is None


@pytest.mark.parametrize("name", OTHERS)
def test_a_sample_is_not_for_the_core(name: str, sample: Callable[[str], Any]) -> None:
    assert convert(sample(name)) == OTHERS[name]


def test_ids_differ_between_bots_and_updates(text_update: Callable[..., Any]) -> None:
    body = json.dumps(text_update("hi", 5)).encode()
    ours, theirs = read(body, BOT, NOW), read(body, "987", NOW)
    assert isinstance(ours, Came)
    assert isinstance(theirs, Came)
    assert len({ours.message.id, theirs.message.id, came(text_update("hi", 6)).message.id}) == 3


@pytest.mark.parametrize(
    ("typed", "kind", "text", "source"),
    [
        ("/register", Kind.TEXT, "register", ""),
        ("/Register@Events_Bot", Kind.TEXT, "register", ""),
        ("/agenda 3", Kind.TEXT, "agenda", ""),
        ("/help\nplease", Kind.TEXT, "help", ""),
        ("/start", Kind.START, "", ""),
        ("/start@events_bot brand-mail", Kind.START, "", "brand-mail"),
        ("/start " + "x" * 64, Kind.START, "", "x" * 64),
        ("/start " + "x" * 65, Kind.START, "", ""),
        ("/start <script>", Kind.START, "", ""),
        ("/starting", Kind.TEXT, "starting", ""),
        ("/报名", Kind.TEXT, "/报名", ""),
        ("/etc/passwd", Kind.TEXT, "/etc/passwd", ""),
        ("/", Kind.TEXT, "/", ""),
        ("see /help", Kind.TEXT, "see /help", ""),
        ("报名", Kind.TEXT, "报名", ""),
        ("a\x00b\x1bc\x7fd\ud800e\r\nf", Kind.TEXT, "abcd\ufffde\nf", ""),
    ],
)
def test_typed_words_and_commands(typed: str, kind: Kind, text: str, source: str, text_update: Any) -> None:
    message = came(text_update(typed)).message
    assert (message.kind, message.text, message.source) == (kind, text, source)


@pytest.mark.parametrize(
    ("code", "language"),
    [
        *(("en", "en"), ("en-GB", "en"), ("EN", "en"), ("zh", "zh"), ("zh-hans", "zh"), ("zh_CN", "zh")),
        *(("de", ""), ("enm", ""), ("", ""), (None, "")),
    ],
)
def test_only_two_languages_are_known(code: str | None, language: str, text_update: Any) -> None:
    update = text_update("hi")
    update["message"]["from"]["language_code"] = code
    assert came(update).message.language == language


@pytest.mark.parametrize(
    ("contact", "phone"),
    [
        ({"phone_number": "8613800138000", "user_id": 7000001}, "+8613800138000"),
        ({"phone_number": "+86 138-0013-8000", "user_id": 7000001}, "+8613800138000"),
        ({"phone_number": "+8613800138000", "user_id": 7000002}, ""),
        ({"phone_number": "+8613800138000"}, ""),
        ({"phone_number": "none", "user_id": 7000001}, ""),
    ],
)
def test_only_ones_own_number_is_taken(contact: dict[str, Any], phone: str, sample: Any) -> None:
    update = sample("contact_shared")
    update["message"]["contact"] = {"first_name": "Ann", **contact}
    message = came(update).message
    assert (message.kind, message.phone) == (Kind.PHONE, phone)


def test_no_number_is_believed_without_a_sender(sample: Any) -> None:
    update = sample("contact_shared")
    del update["message"]["from"]
    assert came(update).message.phone == ""


@pytest.mark.parametrize(
    "content",
    [
        {"voice": {"file_id": "a", "file_unique_id": "b", "duration": 2}},
        {"sticker": {"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1, "is_animated": False}},
        {"document": {"file_id": "a", "file_unique_id": "b"}},
        {"dice": {"emoji": "🎲", "value": 3}},
        {"something_of_next_year": {"id": 1}},
    ],
)
def test_what_we_cannot_read_is_still_answered(content: dict[str, Any], text_update: Any) -> None:
    update = text_update("", **content)
    del update["message"]["text"]
    if "sticker" in content:
        content["sticker"].update(is_video=False, type="regular")
    assert came(update).message.kind == Kind.MEDIA


@pytest.mark.parametrize(
    "change",
    [
        {"pinned_message": {"message_id": 1, "chat": {"id": 1, "type": "private"}, "date": 0}},
        {"message_auto_delete_timer_changed": {"message_auto_delete_time": 86400}},
        {"from": {"id": 5, "is_bot": True, "first_name": "Bot"}},
        {"sender_chat": {"id": -5, "type": "channel", "title": "News"}, "chat": {"id": -5, "type": "channel"}},
    ],
)
def test_nobody_said_anything(change: dict[str, Any], text_update: Any) -> None:
    update = text_update("hi")
    update["message"].update(change)
    assert not skipped(update).keep


def test_a_place_shared_live_is_not_answered_again_and_again(sample: Any) -> None:
    update = sample("location")
    update["edited_message"] = {**update.pop("message"), "edit_date": 1790000099}
    assert not skipped(update).keep


# Buttons


@pytest.mark.parametrize(
    ("answered", "to", "tag"),
    [
        ({}, "7", ""),
        ({"reply_markup": {"inline_keyboard": [[{"text": "结束", "callback_data": "1:handoff.close.N-1"}]]}}, "7",
         "handoff.close.N-1"),
        ({"reply_markup": {"inline_keyboard": [[{"text": "?", "url": "https://example.org"}]]}}, "7", "?"),
        ({"reply_markup": {"inline_keyboard": []}}, "7", ""),
        ({"from": {"id": 7000001, "is_bot": False, "first_name": "Ann"}}, "", ""),
        ({"from": {"id": 987, "is_bot": True, "first_name": "Another bot"}}, "", ""),
        ({"from": None}, "", ""),
        ({"message_id": 2**60}, "", ""),
        ({"message_id": 0}, "", ""),
    ],
)  # fmt: skip
def test_which_of_our_messages_is_answered(answered: dict[str, Any], to: str, tag: str, text_update: Any) -> None:
    update = text_update("好的")
    head = {"message_id": 7, "date": 1790000000, "chat": update["message"]["chat"], "text": "想问"}
    ours = {"from": {"id": int(BOT), "is_bot": True, "first_name": "Usher"}}
    update["message"]["reply_to_message"] = {**head, **ours, **answered}
    message = came(update).message
    assert (message.text, message.reply_to, message.reply_tag) == ("好的", to, tag)


def test_a_pressed_button_says_on_which_message_it_stands(sample: Any) -> None:
    update = press(sample, "1=议程")
    update["callback_query"]["message"]["message_id"] = 77
    assert came(update).message.reply_to == "77"
    update["callback_query"]["message"]["message_id"] = "odd"
    assert came(update).message.text == "议程"


def press(sample: Any, data: str | None, label: str = "看议程") -> dict[str, Any]:
    update: dict[str, Any] = sample("callback_query")
    update["callback_query"]["data"] = data
    keyboard = [[{"text": "other", "callback_data": "1=other"}], [{"text": label, "callback_data": data}]]
    update["callback_query"]["message"]["reply_markup"]["inline_keyboard"] = keyboard
    return update


@pytest.mark.parametrize(
    ("data", "tapped", "text"),
    [
        ("1:form.category.factory", "form.category.factory", "看议程"),
        ("1=议程", "", "议程"),
        ("1#0123456789abcdef", "", "看议程"),
        ("1#0123456789ABCDEF", "?", "看议程"),
        ("1:", "?", "看议程"),
        ("1=", "?", "看议程"),
        ("2:form.category.factory", "?", "看议程"),
        ("reg:42:y", "?", "看议程"),
        ("x" * 65, "?", "看议程"),
        ("", "?", "看议程"),
        ("1=a\x00\ud800", "", "a\ufffd"),
    ],
)
def test_what_a_button_says(data: str, tapped: str, text: str, sample: Any) -> None:
    found = came(press(sample, data))
    assert (found.message.tapped, found.message.text) == (tapped, text)
    assert found.query == "30064771072000001"


@pytest.mark.parametrize(
    ("data", "tapped", "text"),
    [
        ("1:form.category.factory", "form.category.factory", "form.category.factory"),
        ("1=议程", "", "议程"),
        ("1#0123456789abcdef", "?", ""),
        ("garbage", "?", ""),
    ],
)
def test_a_button_whose_message_telegram_no_longer_shows(data: str, tapped: str, text: str, sample: Any) -> None:
    update = sample("callback_inaccessible")
    update["callback_query"]["data"] = data
    found = came(update)
    assert (found.message.tapped, found.message.text, found.query) == (tapped, text, "30064771072000002")


def test_a_button_without_data_is_an_unknown_one(sample: Any) -> None:
    update = press(sample, "1=a")
    del update["callback_query"]["data"]
    assert came(update).message.tapped == "?"


def test_a_button_outside_a_private_chat_is_only_acknowledged(sample: Any) -> None:
    update = press(sample, "1=a")
    update["callback_query"]["message"]["chat"] = {"id": -100, "type": "supergroup", "title": "Team"}
    assert skipped(update) == Skipped("a button outside a private chat", keep=False, query="30064771072000001")
    del update["callback_query"]["message"]
    assert skipped(update).query == "30064771072000001"


# Groups


def group(sample: Any, text: str, entities: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    update: dict[str, Any] = sample("group_command")
    update["message"].update(text=text, entities=entities or [], **more)
    return update


def called(update: dict[str, Any]) -> Called:
    found = convert(update)
    assert isinstance(found, Called), found
    return found


def test_a_command_in_a_group_says_whom_it_is_for(sample: Any) -> None:
    assert called(group(sample, "/help@Events_Bot now")).names == {"events_bot"}
    assert called(group(sample, "/help")).names == frozenset()
    assert called(group(sample, "/help@other_bot")).names == {"other_bot"}


def test_a_mention_is_cut_in_utf16_units(sample: Any) -> None:
    text = "🙂🙂 hi @events_bot!"
    mention = {"type": "mention", "offset": 8, "length": 11}
    assert called(group(sample, text, [mention])).names == {"events_bot"}


def test_a_mention_by_id_is_certainly_us(sample: Any) -> None:
    user = {"id": int(BOT), "is_bot": True, "first_name": "Events"}
    entity = {"type": "text_mention", "offset": 0, "length": 6, "user": user}
    assert called(group(sample, "Events?", [entity])).names == frozenset()


def test_a_mention_below_a_picture_counts(sample: Any) -> None:
    update = group(sample, "")
    del update["message"]["text"]
    update["message"].update(caption="@events_bot", caption_entities=[{"type": "mention", "offset": 0, "length": 11}])
    assert called(update).names == {"events_bot"}


def test_talk_in_groups_and_channels_is_nobodys_business(sample: Any, text_update: Any) -> None:
    assert skipped(group(sample, "hello all")) == Skipped("talk in a group", keep=False)
    edited = group(sample, "/help")
    edited["edited_message"] = edited.pop("message")
    assert not skipped(edited).keep
    channel = text_update("/help", chat=-100)
    channel["channel_post"] = {**channel.pop("message"), "chat": {"id": -100, "type": "channel", "title": "News"}}
    assert skipped(channel) == Skipped("channel", keep=False)
    member = sample("my_chat_member_blocked")
    member["my_chat_member"]["chat"] = {"id": -100, "type": "group", "title": "Team"}
    assert not skipped(member).keep


def test_bots_in_a_group_are_not_answered_but_anonymous_administrators_are(sample: Any) -> None:
    bot = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
    update = group(sample, "/help", **{"from": bot})
    assert not skipped(update).keep
    update["message"]["sender_chat"] = {"id": -1001234567890, "type": "supergroup", "title": "Team"}
    assert called(update).names == frozenset()


def test_the_topic_of_a_forum_is_remembered(sample: Any) -> None:
    assert called(group(sample, "/help")).thread == 5
    assert called(group(sample, "/help", is_topic_message=False)).thread is None


# What is no update


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"null", b"[]", b"{}", b"7", b"\xff\xfe", b'{"update_id":"1"}', b'{"update_id":true}'),
        *(b'{"update_id":-1}', b'{"update_id":1e3}', b'{"update_id":' + b"9" * 5000 + b"}", b"[" * 100_000),
        b'{"update_id":1,"message":7}',
        b'{"update_id":1,"message":{"text":"no chat"}}',
        b'{"update_id":1,"message":{"message_id":1,"date":1,"chat":{"id":"1","type":"private"},"text":"a"}}',
        b'{"update_id":1,"message":{"message_id":1,"date":1,"chat":{"id":1,"type":"private"},"text":["a"]}}',
        b'{"update_id":1,"message":{"message_id":1,"date":1e99,"chat":{"id":1,"type":"private"},"text":"a"}}',
        b'{"update_id":1,"message":{"message_id":1,"date":1,"chat":{"id":99999999999999999999,"type":"private"}}}',
    ],
)
def test_what_is_no_update_is_kept(body: bytes) -> None:
    found = read(body, BOT, NOW)
    assert isinstance(found, Skipped)
    assert found.keep
    assert re.fullmatch(r"no update: [A-Za-z]+", found.reason)


def test_what_is_kept_carries_its_owner_so_that_it_can_be_forgotten(sample: Any) -> None:
    update = sample("text")
    update["message"]["text"] = 7
    assert skipped(update).user_id == "7000001"


def _paths(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(found for key, value in items for found in _paths(value, (*path, key)))]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A sample with up to three of its parts replaced by something else or taken away."""
    update = json.loads((SAMPLES / f"{draw(st.sampled_from(UPDATES))}.json").read_text())
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from([path for path in _paths(update) if path] or [("update_id",)]))
        node = update
        for key in way:
            node = node[key]
        if draw(st.booleans()):
            node[last] = draw(JSON)
        else:
            node.pop(last, None) if isinstance(node, dict) else node.pop(last)
    return json.dumps(update).encode()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutated() | st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_comes_a_value_goes_out(body: bytes) -> None:
    found = read(body, BOT, NOW)
    if isinstance(found, Came):
        message = found.message
        assert re.fullmatch(r"[0-9a-f]{64}", message.id)
        assert re.fullmatch(r"-?\d{1,16}", message.sender.user_id)
        assert message.sent_at.tzinfo is not None
        for text in (message.text, message.tapped, message.source, message.phone, message.language, found.query):
            assert "\0" not in text
            text.encode()
    elif isinstance(found, Called):
        assert re.fullmatch(r"[0-9a-f]{64}", found.id)
        assert isinstance(found.chat, int)
    else:
        assert re.fullmatch(r"[A-Za-z_: ]+", found.reason)
        assert re.fullmatch(r"\d*", found.user_id)
