"""Compares what the database and the export hold with what was acknowledged to people."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import create_engine, make_url, text

from tests.long.people import REVIEW, Person

_DRAFTS = "SELECT user_id, state FROM conversation JOIN contact ON contact.id = conversation.contact_id"
_REGISTERED = "SELECT contact.user_id, registration.* FROM registration JOIN contact ON contact.id = contact_id"


class Stored:
    """Looks into the database beside the server, without writing."""

    def __init__(self, database_url: str) -> None:
        url = make_url(database_url.replace("postgresql://", "postgresql+psycopg://"))
        sqlite = url.get_backend_name() == "sqlite"
        if sqlite:
            url = url.set(database=f"file:{url.database}", query={"mode": "ro", "uri": "true"})
        self._engine = create_engine(url, isolation_level="SERIALIZABLE" if sqlite else "REPEATABLE READ")

    def lacks(self, people: list[Person]) -> set[str]:
        """What was acknowledged and is neither in a draft nor in a registration. Nothing is awaited in between."""
        drafts, registered = self._snapshot()
        missing: set[str] = set()
        for person in people:
            rows = registered.get(person.user_id, {})
            if REVIEW in person.acknowledged and person.reference not in rows:
                missing.add(f"the registration of person {person.number}")
            answers = [drafts.get(person.user_id, {}), *rows.values()]
            for question in person.acknowledged.keys() - {REVIEW}:
                if not any(_holds(row, question, person.acknowledged[question]) for row in answers):
                    missing.add(f"the {question} of person {person.number}")
        return missing

    def _snapshot(self) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Answers of drafts by user id; registrations by user id and reference. Both of one moment."""
        drafts: dict[str, Any] = {}
        registered: dict[str, dict[str, Any]] = {}
        with self._engine.begin() as connection:
            for user_id, state in connection.execute(text(_DRAFTS)):
                drafts[user_id] = json.loads(state).get("draft", {}).get("answers", {})
            for row in connection.execute(text(_REGISTERED)).mappings():
                registered.setdefault(row["user_id"], {})[row["reference"]] = {**row, "consent": "agree"}
        return drafts, registered

    def close(self) -> None:
        """Lets go of connections."""
        self._engine.dispose()


def _holds(row: Mapping[str, Any], question: str, value: str) -> bool:
    return question in row and (row[question] or "") == value


def differences(people: list[Person], exported: list[dict[str, Any]]) -> Iterator[str]:
    """Where the export is not what the people said."""
    rows = {row["user_id"]: row for row in exported}
    for person in people:
        row = rows.pop(person.user_id, {})
        wrong = [name for name, value in person.record.items() if row.get(name) != value]
        if wrong:
            yield f"the export of person {person.number}: {', '.join(wrong)}"
    yield from (f"nobody made {row['reference']}" for row in itertools.islice(rows.values(), 10))


def doubled(exported: list[dict[str, Any]]) -> list[str]:
    """Who has more than one registration."""
    counts = Counter(row["user_id"] for row in exported)
    return [f"{user_id} has {count} registrations" for user_id, count in counts.items() if count > 1]
