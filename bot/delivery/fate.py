"""What becomes of each delivery that is due: it leaves now, or stays with a reason, or goes to another lane."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.delivery.announcements import STOPPED, SUPERSEDED
from bot.delivery.batch import stored
from bot.delivery.due import Row
from bot.delivery.outage import waited_enough
from bot.delivery.people import Due
from bot.delivery.queueing import TOO_LATE
from bot.delivery.quiet import quiet_until
from bot.delivery.results import Attempt
from bot.delivery.routes import EMAIL_LANE, Accounts, Nowhere, Off, Step, Used, choose, has_short, unwanted
from bot.store.outbox import EXPECTED, DeliveryStatus, Kind, Route, State, Way

_OF_CHANNEL = {
    "wechat": (Route.WECHAT_MESSAGE, Route.WECHAT_TEMPLATE),
    "telegram": (Route.TELEGRAM,),
    "email": (Route.EMAIL,),
}
_HELD = timedelta(seconds=5)  # after which a row of a paused announcement is looked at again


class Plan:
    """What becomes of the rows of one flight."""

    def __init__(self, account: str, epoch: int, now: datetime, accounts: Accounts, off: Off, outage: str = "") -> None:
        """`outage`: why the platform cannot be reached; then the first leaves that still may, to see whether it can."""
        self._account, self._epoch, self._now, self._accounts, self._off = account, epoch, now, accounts, off
        self._outage = outage
        self._used = Used()
        self.leave: list[Attempt] = []
        self.stay: list[dict[str, Any]] = []

    def add(self, row: Row) -> None:
        """Decides about one row: it leaves, or stays with a reason, or is handed over to another lane."""
        due = replace(row.due, person=self._used.left(row.due.person))
        if kept := self._kept(replace(row, due=due)):
            self.stay.append(kept)
            return
        if self._outage and waited_enough(due, self._now):
            self.stay.append(self._given_up(due))
            return
        if self._outage and self.leave:
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
        if due.kind == Kind.DECISION and due.more.get("decision", due.person.status) != due.person.status:
            return _stays(due, DeliveryStatus.SKIPPED, SUPERSEDED)  # it was on its way when that was decided
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

    def _given_up(self, due: Due) -> dict[str, Any]:
        """What waited in vain for the platform: every route of this lane counts as tried for it."""
        steps = [
            {"route": str(route), "error": self._outage, "at": self._now.isoformat()}
            for route in _OF_CHANNEL.get(self._account.partition(":")[0], ())
        ]
        tried = (*due.tried, *(step for step in steps if step["route"] not in {one["route"] for one in due.tried}))
        step = self._choose(replace(due, tried=tried))
        if isinstance(step, Nowhere):
            status = DeliveryStatus.FAILED if step.status == DeliveryStatus.UNREACHABLE else step.status
            return _stays(due, status, step.reason) | {"tried": tried}
        return _stays(due, DeliveryStatus.QUEUED) | {"tried": tried, "lane": step.lane, "route": step.route}

    def _attempt(self, due: Due) -> Attempt:
        person, now = due.person, self._now
        if due.route == Route.EMAIL:
            return Attempt(due, person.email, self._epoch, now)
        assert person.address is not None  # or no route into a chat would have been chosen
        if due.route != Route.WECHAT_MESSAGE:
            return Attempt(due, person.address, self._epoch, now)
        name = self._used.take(person, now)
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
