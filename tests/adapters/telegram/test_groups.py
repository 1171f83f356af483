"""Who in a group speaks to us."""

from __future__ import annotations

from typing import Any

from bot.adapters.telegram.convert import Called, Skipped
from tests.adapters.telegram.updates import BOT, convert, skipped


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
