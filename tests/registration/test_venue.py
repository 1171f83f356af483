"""Publishing the venue: what is refused, and that everybody speaks of it from then on, wherever they run."""

from __future__ import annotations

import itertools
import json
import math
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.clock import Clock
from bot.content.facts import Venue
from bot.content.records import Content
from bot.registration.venue import LIMITS, Details, WrongVenue, publish, read
from bot.store.database import Database
from bot.store.tables import Event
from tests.chat import Town
from tests.conftest import NOW
from tests.stored import rows

DETAILS = Details(
    *("深圳会展中心", "Shenzhen Convention Centre"),
    *("深圳市福田区福华三路", "Fuhua 3rd Road, Futian, Shenzhen"),
    *(22.5333, 114.0575),
    *("地铁1号线会展中心站E出口。\n步行5分钟。", "Metro line 1, exit E."),
)
OTHER = replace(DETAILS, name_zh="南山书城", name_en="Nanshan Book City", directions_zh="", directions_en="")
_PUBLISH = """
import sys, json
from datetime import datetime, timezone
from bot.registration.venue import Details, publish, read
from bot.store.database import Database
url, details = json.loads(sys.stdin.read())
database = Database(url)
venue = read(Details(**details))
database.transact_now(lambda connection: publish(connection, venue, datetime(2019, 10, 14, tzinfo=timezone.utc)))
database.close()
"""


def published(database: Database, details: Details = DETAILS) -> None:
    database.transact_now(lambda connection: publish(connection, read(details), NOW))


# What is refused


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"name_zh": ""}, "name zh: missing, expected some words"),
        ({"name_en": " \n"}, "name en: missing, expected some words"),
        ({"address_en": ""}, "address en: missing, expected some words"),
        ({"directions_en": ""}, "directions en: missing, expected some words"),
        ({"latitude": 90.01}, "latitude: 90.01, expected a number from -90 to 90"),
        ({"latitude": -91.0}, "latitude: -91.0, expected a number from -90 to 90"),
        ({"longitude": 180.5}, "longitude: 180.5, expected a number from -180 to 180"),
        ({"longitude": math.nan}, "longitude: nan, expected a number from -180 to 180"),
        ({"latitude": math.inf}, "latitude: inf, expected a number from -90 to 90"),
        ({"name_zh": "会" * 61}, "name zh: 61 characters, expected at most 60"),
        ({"address_zh": "路" * 121}, "address zh: 121 characters, expected at most 120"),
        ({"directions_zh": "走" * 301}, "directions zh: 301 characters, expected at most 300"),
        ({"name_en": "Hall {name}"}, "name en: holds { or }, expected words: nothing is filled in here"),
        ({"directions_zh": "走{"}, "directions zh: holds { or }, expected words: nothing is filled in here"),
        ({"name_en": "Hall\nA"}, "name en: holds line breaks or control characters, expected words in one line"),
        ({"directions_en": "exit\x07E"}, "directions en: holds line breaks or control characters, expected words"),
        ({"name_zh": "\udcff路"}, "name zh: holds line breaks or control characters, expected words in one line"),
        ({"name_zh": "", "latitude": 91.0},
         "name zh: missing, expected some words; latitude: 91.0, expected a number from -90 to 90"),
    ],
)  # fmt: skip
def test_what_is_no_venue_is_refused_by_name(wrong: dict[str, str | float], says: str) -> None:
    with pytest.raises(WrongVenue) as raised:
        read(replace(DETAILS, **wrong))
    assert str(raised.value) == says


@pytest.mark.parametrize(("latitude", "longitude"), [(90, 180), (-90, -180), (0, 0)])
def test_the_poles_and_the_date_line_are_places(latitude: float, longitude: float) -> None:
    venue = read(replace(DETAILS, latitude=latitude, longitude=longitude))
    assert (venue.latitude, venue.longitude) == (latitude, longitude)


def test_the_longest_venue_leaves_room_in_one_message_for_the_words_around_it(content: Content) -> None:
    longest = sum(LIMITS.values()) * len("会".encode())
    words = max(len(row.text.zh.encode()) for row in content.reminders.reminders)
    assert longest + words < 2000


# What is written


def test_what_was_published_reads_back_and_takes_the_place_of_what_was_there(database: Database) -> None:
    published(database)
    (event,) = rows(database, Event)
    assert event.venue is not None
    assert Venue.from_stored(event.venue) == read(DETAILS)
    assert event.venue["published_at"] == NOW.isoformat()
    published(database, OTHER)
    (event,) = rows(database, Event)
    assert Venue.from_stored(event.venue or {}) == read(OTHER)


def test_nothing_else_in_the_row_is_cleared(database: Database) -> None:
    database.write_now(lambda session: session.add(Event(id="event", sequence=3, digest="d")))
    published(database)
    (event,) = rows(database, Event)
    assert (event.sequence, event.digest) == (3, "d")


# Who speaks of it


async def test_every_answer_uses_it_from_then_on(town: Town) -> None:
    chat = town.chat()
    await chat.registers()
    assert "还没公布" in await chat.says("地点")
    published(town.database)
    address = "会场：深圳会展中心\n深圳市福田区福华三路"
    assert f"{address}\n地铁1号线会展中心站E出口。\n步行5分钟。" in await chat.says("地点")
    for question in ("会场在哪里？", "怎么去会场"):
        assert "深圳会展中心" in await chat.says(question), question
    english = town.chat("u2", language="en")
    assert "Shenzhen Convention Centre\nFuhua 3rd Road" in await english.says("venue")
    published(town.database, OTHER)
    town.clock.wind(timedelta(seconds=1))
    assert "南山书城" in await chat.says("地点")
    assert "地铁" not in chat.read


async def test_what_another_process_publishes_is_said_at_once(town: Town, content: Content, clock: Clock) -> None:
    other = Town(Database(town.database.url.render_as_string(hide_password=False)), content, clock)
    other.ids = itertools.count(1000)
    assert "还没公布" in await other.chat("u2").says("地点")
    details = {name: getattr(DETAILS, name) for name in DETAILS.__slots__}
    given = json.dumps([town.database.url.render_as_string(hide_password=False), details])
    subprocess.run([sys.executable, "-c", _PUBLISH], input=given, text=True, check=True, timeout=60)
    for place in (town, other):
        assert "深圳会展中心" in await place.chat("u2").says("地点")
    other.database.close()
