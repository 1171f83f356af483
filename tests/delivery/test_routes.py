"""How a person is reached: the order of routes, who falls through to the next, and why somebody is not reached."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.delivery.people import Person
from bot.delivery.routes import Accounts, Nowhere, Step, choose, has_short, until, unwanted, window
from bot.message import Address
from bot.settings import read
from bot.store.outbox import DeliveryStatus, Kind, Route, Way
from tests.conftest import NOW
from tests.delivery.crowd import ALL, APP, BOT, NOBODY

LATER, EARLIER = NOW + timedelta(hours=1), NOW - timedelta(seconds=1)
WECHAT, TELEGRAM, MAIL = f"wechat:{APP}", f"telegram:{BOT}", "email"
CLOSED = Person("r1", "zh", 1, Address("wechat", APP, "o1"), registration_id=1, reference="FFS-1")
OPEN = replace(CLOSED, message_until=LATER, message_left=1)
TAPPED = replace(CLOSED, tap_until=LATER, tap_left=1)
ON_TELEGRAM = replace(CLOSED, address=Address("telegram", BOT, "7"))
GONE = replace(CLOSED, contact_id=None, address=None)
WITH_MAIL = {"email": "a@example.com"}
BLOCKED: dict[str, Any] = {"blocked_at": EARLIER}
SUBSCRIPTION = replace(ALL, wechat_service=False)
UNVERIFIED = replace(ALL, wechat_verified=False)
NO_TEMPLATES = replace(ALL, template_reminder="", template_confirmation="")
TEMPLATE_OFF = {WECHAT: {"wechat_template": "40037"}}
MESSAGE_OFF = {WECHAT: {"wechat_message": "48001"}}
WAITING, UNREACHABLE = DeliveryStatus.WAITING, DeliveryStatus.UNREACHABLE


def chosen(person: Person, accounts: Accounts = ALL, kind: str = "reminder", **more: Any) -> Any:
    """What a table's row says: (route, lane) or the status."""
    way, off = more.pop("way", Way.CHAT), more.pop("off", {})
    found = choose(person, way, kind, NOW, accounts, off, **more)
    return (found.route.value, found.lane) if isinstance(found, Step) else found.status


REACHED: dict[str, tuple[Any, Any]] = {
    "an open window": ((OPEN,), ("wechat_message", WECHAT)),
    "an open window before everything else": ((replace(OPEN, **WITH_MAIL),), ("wechat_message", WECHAT)),
    "a tap's window": ((TAPPED,), ("wechat_message", WECHAT)),
    "the template, when the window is closed": ((CLOSED,), ("wechat_template", WECHAT)),
    "the template, when the count is used up": ((replace(OPEN, message_left=0),), ("wechat_template", WECHAT)),
    "the template, when the window ends this moment": (
        (replace(OPEN, message_until=NOW),),
        ("wechat_template", WECHAT),
    ),
    "the tap's window, when the other is used up": (
        (replace(TAPPED, message_until=LATER, message_left=0),),
        ("wechat_message", WECHAT),
    ),
    "Telegram": ((ON_TELEGRAM,), ("telegram", TELEGRAM)),
    "Telegram before e-mail": ((replace(ON_TELEGRAM, **WITH_MAIL),), ("telegram", TELEGRAM)),
    "e-mail, when they blocked the bot": ((replace(ON_TELEGRAM, **WITH_MAIL, **BLOCKED),), ("email", MAIL)),
    "e-mail, when the chat was erased": ((replace(GONE, **WITH_MAIL),), ("email", MAIL)),
}


@pytest.mark.parametrize("case", REACHED)
def test_a_person_is_reached_by(case: str) -> None:
    given, expected = REACHED[case]
    assert chosen(*given) == expected


KINDS: list[tuple[Kind, Accounts, Any]] = [
    (Kind.REMINDER, ALL, "wechat_template"),
    (Kind.DECISION, ALL, "wechat_template"),
    (Kind.BROADCAST, ALL, "wechat_template"),
    (Kind.BROADCAST, replace(ALL, template_reminder=""), "email"),
    (Kind.REMINDER, replace(ALL, template_reminder=""), "email"),
    (Kind.DECISION, replace(ALL, template_reminder=""), "wechat_template"),
    (Kind.DECISION, replace(ALL, template_confirmation=""), "email"),
    (Kind.REMINDER, SUBSCRIPTION, "email"),
    (Kind.REMINDER, UNVERIFIED, "email"),
]


@pytest.mark.parametrize(("kind", "accounts", "route"), KINDS)
def test_only_kinds_with_a_template_on_a_verified_service_account_use_one(
    kind: Kind, accounts: Accounts, route: str
) -> None:
    assert chosen(replace(CLOSED, **WITH_MAIL), accounts, kind)[0] == route


OUT: dict[str, tuple[Any, dict[str, Any], Any, str]] = {
    "a closed window waits": ((CLOSED, NO_TEMPLATES), {}, WAITING, "WeChat window closed, no template; no e-mail"),
    "an unverified account waits": ((OPEN, UNVERIFIED), {}, WAITING, "can only answer; no e-mail address"),
    "no secret, no token": ((OPEN, replace(ALL, wechat_secret=False)), {}, WAITING, "can only answer"),
    "no short form": ((CLOSED,), {"short": False}, WAITING, "no template"),
    "unfollowed": ((replace(OPEN, **BLOCKED),), {}, UNREACHABLE, "unfollowed, or blocked the bot; no e-mail address"),
    "blocked": ((replace(ON_TELEGRAM, **BLOCKED),), {}, UNREACHABLE, "unfollowed, or blocked the bot"),
    "no chat, no mail": ((GONE,), {}, UNREACHABLE, "no chat; no e-mail address"),
    "mail is off": (
        (replace(GONE, **WITH_MAIL), replace(ALL, email=False)), {}, UNREACHABLE, "no chat; mail is not set up",
    ),
    "another bot now": ((replace(ON_TELEGRAM, address=Address("telegram", "9", "7")),), {}, UNREACHABLE, "not set up"),
    "WeChat gone": ((OPEN, replace(ALL, wechat="")), {}, UNREACHABLE, "is not set up"),
    "told by mail anyway": (
        (replace(CLOSED, **WITH_MAIL), NO_TEMPLATES), {"also_mail": True}, WAITING, "told by e-mail",
    ),
    "no address to mail to": ((OPEN,), {"way": Way.MAIL}, UNREACHABLE, "no e-mail address"),
    "Telegram is off": ((ON_TELEGRAM,), {"off": {TELEGRAM: {"telegram": "401"}}}, UNREACHABLE, "telegram is off (401)"),
    "a draft's owner never waits": (
        (replace(CLOSED, registration_id=None),), {}, UNREACHABLE, "WeChat window closed, no template",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", OUT)
def test_who_is_not_reached_and_why(case: str) -> None:
    given, more, status, reason = OUT[case]
    person, accounts = (*given, ALL)[:2]
    found = choose(
        person, **{"way": Way.CHAT, "off": {}, "kind": Kind.REMINDER, "now": NOW, "accounts": accounts} | more
    )
    assert isinstance(found, Nowhere)
    assert found.status is status
    assert reason in found.reason


def test_a_route_that_the_platform_took_away_is_passed_over() -> None:
    person = replace(OPEN, **WITH_MAIL)
    assert chosen(person, off=MESSAGE_OFF) == ("wechat_template", WECHAT)
    assert chosen(person, off={WECHAT: {**MESSAGE_OFF[WECHAT], **TEMPLATE_OFF[WECHAT]}}) == ("email", MAIL)
    assert chosen(replace(CLOSED, **WITH_MAIL), off=TEMPLATE_OFF) == ("email", MAIL)
    assert chosen(person, off={"wechat:another": {"wechat_message": "48001"}}) == ("wechat_message", WECHAT)


def test_a_colleague_is_written_to_and_else_told_through_who_registered_them() -> None:
    colleague = replace(ON_TELEGRAM, colleague=True)
    assert chosen(replace(colleague, **WITH_MAIL)) == ("email", MAIL)
    assert chosen(colleague) == ("telegram", TELEGRAM)
    assert chosen(replace(colleague, **WITH_MAIL), replace(ALL, email=False)) == ("telegram", TELEGRAM)
    assert chosen(replace(colleague, **WITH_MAIL), also_mail=True) == ("telegram", TELEGRAM)


def test_mail_as_a_way_of_its_own_goes_whatever_the_chat_can_do() -> None:
    assert chosen(replace(OPEN, **WITH_MAIL), way=Way.MAIL) == ("email", MAIL)
    assert chosen(replace(OPEN, **WITH_MAIL, **BLOCKED), way=Way.MAIL) == ("email", MAIL)


def test_nothing_is_ever_chosen_that_is_not_set_up() -> None:
    people = [OPEN, TAPPED, CLOSED, ON_TELEGRAM, GONE]
    for person, mail, colleague in itertools.product(people, ("", "a@example.com"), (False, True)):
        someone = replace(person, email=mail, colleague=colleague)
        assert chosen(someone, NOBODY) is UNREACHABLE
        for accounts in (ALL, SUBSCRIPTION, UNVERIFIED, NO_TEMPLATES, replace(ALL, email=False)):
            found = choose(someone, Way.CHAT, Kind.REMINDER, NOW, accounts, {})
            assert not isinstance(found, Step) or found.lane in accounts.lanes


# Windows


def test_a_window_is_open_while_its_time_and_its_count_last() -> None:
    assert [window(person, NOW) for person in (OPEN, TAPPED, CLOSED)] == ["message", "tap", ""]
    assert [until(person, NOW) for person in (OPEN, TAPPED, CLOSED)] == [LATER, LATER, None]
    assert window(replace(OPEN, tap_until=LATER, tap_left=3), NOW) == "message"
    assert until(replace(TAPPED, message_until=EARLIER, message_left=5), NOW) == LATER


# Who wants it


def test_who_unsubscribed_still_hears_decisions() -> None:
    stopped = replace(OPEN, stopped_at=EARLIER)
    wanted = {kind: not unwanted(stopped, kind, ALL) for kind in Kind}
    told = {Kind.DECISION: True, Kind.NOTE: True, Kind.ANSWER: True}  # what they wait for
    assert wanted == {**told, Kind.REMINDER: False, Kind.BROADCAST: False}
    assert not any(unwanted(OPEN, kind, ALL) for kind in Kind)


def test_a_colleague_has_not_unsubscribed_from_their_own_mail() -> None:
    colleague = replace(OPEN, stopped_at=EARLIER, colleague=True, email="li@example.com")
    assert unwanted(colleague, Kind.REMINDER, ALL) == ""
    assert unwanted(colleague, Kind.REMINDER, replace(ALL, email=False)) == "unsubscribed"
    assert unwanted(replace(colleague, email=""), Kind.REMINDER, ALL) == "unsubscribed"


def test_a_decision_fills_its_template_with_facts_and_a_reminder_needs_a_short_form() -> None:
    texts = {"zh": {"text": "…", "short": "短"}, "en": {"text": "..."}}
    assert has_short(Kind.REMINDER, texts, "zh")
    assert not has_short(Kind.REMINDER, texts, "en")
    assert has_short(Kind.DECISION, {}, "en")


# Settings


def test_accounts_follow_the_settings() -> None:
    assert Accounts.of(read({})) == NOBODY
    settings = {
        "USHER_WECHAT_APP_ID": APP, "USHER_WECHAT_APP_SECRET": "s", "USHER_WECHAT_TOKEN": "tok",
        "USHER_WECHAT_AES_KEY": "a" * 43, "USHER_WECHAT_TEMPLATE_REMINDER": "R",
        "USHER_WECHAT_TEMPLATE_CONFIRMATION": "C", "USHER_TELEGRAM_TOKEN": f"{BOT}:AA",
        "USHER_SMTP_URL": "smtp://localhost:25", "USHER_MAIL_FROM": "usher@example.org",
    }  # fmt: skip
    assert Accounts.of(read(settings)) == ALL
    assert ALL.lanes == (WECHAT, TELEGRAM, MAIL)
    subscription = Accounts.of(read({**settings, "USHER_WECHAT_ACCOUNT": "subscription"}))
    assert (subscription.wechat_sends, subscription.template(Kind.REMINDER)) == (True, "")
    unverified = Accounts.of(read({**settings, "USHER_WECHAT_VERIFIED": "false"}))
    assert unverified.lanes == (TELEGRAM, MAIL)
    templates = {"reminder": "R", "broadcast": "R", "decision": "C", "note": "", "answer": ""}
    assert {kind: ALL.template(kind) for kind in Kind} == templates


def test_every_route_but_those_of_others_can_be_chosen() -> None:
    found = {chosen(person)[0] for person in (OPEN, CLOSED, ON_TELEGRAM, replace(GONE, **WITH_MAIL))}
    assert found == set(Route) - {Route.WECHAT_REPLY}
