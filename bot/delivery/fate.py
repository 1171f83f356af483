"""What becomes of each delivery that is due: it leaves now, or stays with a reason, or goes to another lane."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.delivery.announcements import STOPPED
from bot.delivery.batch import stored
from bot.delivery.due import Row
from bot.delivery.people import Due
from bot.delivery.queueing import TOO_LATE
from bot.delivery.quiet import quiet_until
from bot.delivery.results import Attempt
from bot.delivery.routes import EMAIL_LANE, Accounts, Nowhere, Off, Step, choose, has_short, unwanted, window
from bot.store.outbox import EXPECTED, DeliveryStatus, Route, State, Way

_HELD = timedelta(seconds=5)  # after which a row of a paused announcement is looked at again


class Plan:
    """What becomes of the rows of one flight."""

    def __init__(self, account: str, epoch: int, now: datetime, accounts: Accounts, off: Off) -> None:
        self._account, self._epoch, self._now, self._accounts, self._off = account, epoch, now, accounts, off
        self._used: Counter[tuple[str, int | None]] = Counter()  # WeChat counts, by window and contact
        self.leave: list[Attempt] = []
        self.stay: list[dict[str, Any]] = []

    def add(self, row: Row) -> None:
        """Decides about one row: it leaves, or stays with a reason, or is handed over to another lane."""
        due = self._with_counts(row.due)
        if kept := self._kept(replace(row, due=due)):
            self.stay.append(kept)
            return
        step = self._choose(due)
        if isinstance(step, Nowhere):
            self.stay.append(_stays(due, step.status, step.reason))
        elif step.lane != self._account:
            self.stay.append({**_stays(due, DeliveryStatus.QUEUED), "lane": step.lane, "route": step.route})
        else:
            self.leave.append(self._attempt(replace(due, route=step.route)))

    def _kept(self, row: Row) -> dict[str, Any] | None:
        """Why it does not leave now, or never, whatever the route."""
        due, now = row.due, self._now
        if due.state == State.STOPPED:
            return _stays(due, DeliveryStatus.SKIPPED, STOPPED)
        if due.latest_at is not None and due.latest_at <= now:
            return _stays(due, DeliveryStatus.SKIPPED, TOO_LATE)
        if due.kind not in EXPECTED and row.withdrawn:
            return _stays(due, DeliveryStatus.SKIPPED, f"the registration is {due.person.status}")
        if reason := unwanted(due.person, due.kind, self._accounts):
            return _stays(due, DeliveryStatus.SKIPPED, reason)
        if due.state == State.PAUSED:
            return _stays(due, DeliveryStatus.QUEUED, until=now + _HELD)
        if ends := quiet_until(now, ZoneInfo(due.more["zone"])) if "zone" in due.more else None:
            return _stays(due, DeliveryStatus.QUEUED, until=ends)
        return None

    def _choose(self, due: Due) -> Step | Nowhere:
        """The best route now; one that was given up for this delivery is not taken again."""
        off, chat = self._off, due.person.address
        for step in due.tried:
            lane = EMAIL_LANE if step["route"] == Route.EMAIL or chat is None else f"{chat.channel}:{chat.account}"
            off = {**off, lane: {**off.get(lane, {}), step["route"]: step["error"]}}
        also_mail = due.way == Way.CHAT and Way.MAIL in due.more.get("ways", ())
        short = has_short(due.kind, due.texts, due.person.language)
        return choose(due.person, due.way, due.kind, self._now, self._accounts, off, also_mail, short=short)

    def _with_counts(self, due: Due) -> Due:
        """What earlier rows of this flight take from the counts of the same chat is gone."""
        person = due.person
        message, tap = (self._used.get((name, person.contact_id), 0) for name in ("message", "tap"))
        if not message and not tap:
            return due
        left, tap_left = person.message_left - message, person.tap_left - tap
        return replace(due, person=replace(person, message_left=left, tap_left=tap_left))

    def _attempt(self, due: Due) -> Attempt:
        person, now = due.person, self._now
        if due.route == Route.EMAIL:
            return Attempt(due, person.email, self._epoch, now)
        assert person.address is not None  # or no route into a chat would have been chosen
        if due.route != Route.WECHAT_MESSAGE:
            return Attempt(due, person.address, self._epoch, now)
        name = window(person, now)
        self._used[name, person.contact_id] += 1
        until = person.message_until if name == "message" else person.tap_until
        return Attempt(due, person.address, self._epoch, now, name, until)


def _stays(due: Due, status: DeliveryStatus, error: str = "", until: datetime | None = None) -> dict[str, Any]:
    return {
        "id": due.id,
        "status": status,
        "route": due.route or None,
        "error": error,
        "available_at": stored(until),
    }
