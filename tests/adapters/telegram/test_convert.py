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
from tests.adapters.telegram.updates import BOT, NOW, came, convert, skipped

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
        ("/register", Kind.TEXT, "/register", ""),
        ("/Register@Events_Bot", Kind.TEXT, "/register", ""),
        ("/agenda 3", Kind.TEXT, "/agenda", ""),
        ("/help\nplease", Kind.TEXT, "/help", ""),
        ("/start", Kind.START, "", ""),
        ("/start@events_bot brand-mail", Kind.START, "", "brand-mail"),
        ("/start " + "x" * 64, Kind.START, "", "x" * 64),
        ("/start " + "x" * 65, Kind.START, "", ""),
        ("/start <script>", Kind.START, "", ""),
        ("/starting", Kind.TEXT, "/starting", ""),
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
