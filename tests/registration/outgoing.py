"""Deliveries as a lane would take them up, for the tests of what is composed of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bot.content.facts import Venue
from bot.content.records import Content
from bot.content.words import Words
from bot.delivery.people import Due, Person
from bot.message import Address
from bot.registration.compose import Composer
from bot.store.outbox import Route

SECRET = b"a secret of the tests"
PUBLIC = "https://usher.example.org"
TEMPLATES = {"reminder": "TEMPLATE-R", "decision": "TEMPLATE-D"}
REFERENCE = "FFS-7K2M9Q"
VENUE = Venue(
    Words(zh="示例大厦", en="Example Tower"),
    Words(zh="深圳市示例路1号", en="1 Example Road, Shenzhen"),
    22.5431,
    114.0579,
    Words(zh="坐地铁", en="by metro"),
)
WANG = Person(
    "r1",
    "zh",
    contact_id=1,
    address=Address("wechat", "wx1", "o1"),
    registration_id=1,
    reference=REFERENCE,
    status="confirmed",
    name="王芳",
    email="wangfang@example.com",
)
COLLEAGUE = replace(WANG, name="李四", colleague=True)
BEFORE = datetime(2019, 10, 9, 2, 0, tzinfo=UTC)


def composer(content: Content, **more: Any) -> Composer:
    """One that may do everything, unless told otherwise."""
    given: dict[str, Any] = {
        "public_url": PUBLIC,
        "secret": SECRET,
        "templates": TEMPLATES,
        "mail_from": "会务组 <usher@example.org>",
    }
    return Composer(lambda: content, **(given | more))


def due(kind: str, zh: str = "", en: str = "", *, person: Person = WANG, short: str = "", **fields: Any) -> Due:
    """A delivery; `zh` and `en` are its texts."""
    texts = {language: {"text": text, "short": short} for language, text in (("zh", zh), ("en", en)) if text}
    given: dict[str, Any] = {"announcement_id": "A1", "state": "planned", "texts": texts, "more": {}, "way": "chat"}
    given |= {"route": "telegram", "attempts": 1, "tried": (), "due_at": BEFORE, "latest_at": None}
    return Due(id=7, kind=kind, person=person, **(given | fields))


def decision(status: str, before: str = "pending", number: int = 1, *, person: Person = WANG, **fields: Any) -> Due:
    """A decision about somebody, who stands so now; the first one, or a later one."""
    stands = "confirmed" if status == "promoted" else status
    more = {"decision": status, "before": before, "number": number}
    return due("decision", person=replace(person, status=stands), more=more, **fields)


def text(content: Content, row: Due, route: str = Route.TELEGRAM, venue: Venue | None = None, **more: Any) -> str:
    """What it says in a chat."""
    outgoing = composer(content, **more)(row, route, venue, 0)
    assert outgoing.reply.choices == ()
    assert outgoing.mail is None
    return outgoing.reply.text
