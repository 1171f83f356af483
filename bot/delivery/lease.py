"""The lease on a lane: who sends for an account, until when, how long it rests and which routes it may not use."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from bot.clock import Clock
from bot.message import dumps
from bot.store.statement import Statement, moment

_LATER = re.compile(r"NOW\+(\w+)")
_POSTGRESQL_LATER = r"(clock_timestamp() + :\1 * interval '1 second')"
# Nobody has a lane for longer than one lease from now: if it says so, the clock was set back.
_FREE = "(until <= NOW OR until > NOW+far)"
_OFF = "(SELECT AS_OBJECT FROM lane AS any_lane WHERE CAST(any_lane.off AS text) <> '{}')"
_AS_OBJECT = ("json_group_object(account, json(off))", "CAST(json_object_agg(account, off) AS text)")


class _Timed:
    """A statement that asks what time it is: the machine on SQLite, the database itself on PostgreSQL.

    NOW is that time, NOW+name is `name` seconds later; FREE says that nobody holds the lane; OFF are the routes of all
    lanes that were switched off.
    """

    def __init__(self, sql: str) -> None:
        sql = sql.replace("FREE", _FREE)
        sqlite, postgresql = (sql.replace("OFF", _OFF.replace("AS_OBJECT", collect)) for collect in _AS_OBJECT)
        self._sqlite = Statement(_LATER.sub(r":later_\1", sqlite).replace("NOW", ":real"))
        self._postgresql = Statement(_LATER.sub(_POSTGRESQL_LATER, postgresql).replace("NOW", "clock_timestamp()"))

    def row(self, connection: Connection, real: datetime, **values: Any) -> Any:
        """Runs it; its first row, or None. `real` is the machine's time."""
        return next(iter(self.rows(connection, real, **values)), None)

    def rows(self, connection: Connection, real: datetime, **values: Any) -> Sequence[Any]:
        """Runs it; all its rows."""
        if connection.dialect.name != "sqlite":
            return self._postgresql.run(connection, **values)
        later = {f"later_{name}": real + timedelta(seconds=n) for name, n in values.items() if isinstance(n, float)}
        return self._sqlite.run(connection, **values, **later, real=real)


_LATELY = 3.0  # seconds
_LOOK = _Timed("""
    SELECT account, holder, wanted_by, CASE WHEN FREE THEN 1 ELSE 0 END FROM lane WHERE until > NOW+lately
""")
_ASK = _Timed("UPDATE lane SET wanted_by = :holder WHERE account = :account AND until > NOW RETURNING epoch")
_OPEN = Statement("""
    INSERT INTO lane (account, holder, epoch, until, reason, off) VALUES (:account, '', 0, :never, '', '{}')
    ON CONFLICT (account) DO NOTHING
""")
_BEFORE = _Timed("SELECT epoch, until, NOW FROM lane WHERE account = :account")
# What the platform took away is asked for anew by each new holder: the account may have been upgraded since.
_TAKE = _Timed("""
    UPDATE lane SET holder = :holder, epoch = epoch + 1, until = NOW+lease, off = '{}', wanted_by = NULL
    WHERE account = :account AND epoch = :epoch AND FREE RETURNING epoch
""")
_EXTEND = _Timed("""
    UPDATE lane SET until = NOW+lease
    WHERE account = :account AND holder = :holder AND epoch = :epoch AND until > NOW
    RETURNING paused_until, NOW, wanted_by, OFF
""")
_GIVE_BACK = _Timed("""
    UPDATE lane SET until = NOW, holder = '', wanted_by = NULL
    WHERE account = :account AND holder = :holder AND epoch = :epoch RETURNING epoch
""")
_PAUSE = _Timed("""
    UPDATE lane SET paused_until = NOW+delay, reason = :reason
    WHERE account = :account AND (paused_until IS NULL OR paused_until < NOW+delay) RETURNING epoch
""")
_SWITCH_OFF = {
    "sqlite": Statement("UPDATE lane SET off = json_patch(off, :off) WHERE account = :account"),
    "postgresql": Statement("""
        UPDATE lane SET off = CAST(CAST(off AS jsonb) || CAST(:off AS jsonb) AS json) WHERE account = :account
    """),
}


@dataclass(frozen=True, slots=True)
class Look:
    """How a lane stands for somebody who would like to have it."""

    free: bool
    held: int  # how many other lanes this holder has
    asks: bool = False  # for it: whoever holds it has two more, and this is the one of them to be asked for

    @classmethod
    def of(cls, rows: Sequence[Any], account: str, holder: str) -> Look:
        """How it stands by the rows of all lanes that are held, or were lately: (account, holder, wanted_by, free).

        Of each holder's lanes one alone is asked for, and none while another is changing hands: so two are not given up
        where one would do.
        """
        held = [row for row in rows if not row[3]]
        mine = sum(row[1] == holder for row in held)
        theirs = next((row[1] for row in held if row[0] == account), None)
        if theirs is None:
            return cls(True, mine)
        lanes = {row[0]: row[2] for row in held if row[1] == theirs}
        more = len(lanes) >= mine + 2 and len(held) == len(rows)
        return cls(False, mine, more and account == min(lanes) and lanes[account] != holder)


@dataclass(frozen=True, slots=True)
class Taken:
    """A lane that was just taken."""

    epoch: int
    silence: float  # seconds since the holder before gave its last sign of life


@dataclass(frozen=True, slots=True)
class Extended:
    """A lane that is ours for one more lease."""

    rest: float  # seconds for which it has to rest
    off: dict[str, dict[str, Any]]  # {account of any lane: what of it may not be used}, for `routes.in_force`
    wanted: bool = False  # a node that has two lanes less would like to have it


@dataclass(frozen=True, slots=True)
class Lease:
    """One lane's lease, as one holder sees it. Each verb runs in the caller's transaction, on the real clock."""

    account: str
    holder: str
    length: timedelta
    clock: Clock

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.length.total_seconds()

    def look(self, connection: Connection) -> Look:
        """Whether the lane can be had; only reads."""
        return Look.of(
            _LOOK.rows(connection, self._real, far=2 * self.seconds, lately=-_LATELY), self.account, self.holder
        )

    def ask(self, connection: Connection) -> None:
        """Asks whoever holds the lane to let it go."""
        _ASK.row(connection, self._real, account=self.account, holder=self.holder)

    def take(self, connection: Connection) -> Taken | None:
        """Takes the lane with a new epoch; None: somebody else has it."""
        before = _BEFORE.row(connection, self._real, account=self.account)
        if before is None:
            never = self._real - timedelta(days=365)
            _OPEN.run(connection, account=self.account, never=never)
            before = (0, never, self._real)
        epoch, until, now = before[0], moment(before[1]), moment(before[2])
        assert until is not None
        assert now is not None
        values = {"holder": self.holder, "epoch": epoch, "lease": self.seconds, "far": 2 * self.seconds}
        taken = _TAKE.row(connection, self._real, account=self.account, **values)
        return Taken(taken[0], (now - until).total_seconds() + self.seconds) if taken else None

    def extend(self, connection: Connection, epoch: int) -> Extended | None:
        """Holds the lane for one more lease. None: it was lost."""
        values = {"holder": self.holder, "epoch": epoch, "lease": self.seconds}
        row = _EXTEND.row(connection, self._real, account=self.account, **values)
        if row is None:
            return None
        paused_until, now = moment(row[0]), moment(row[1])
        rest = (paused_until - now).total_seconds() if paused_until and now else 0.0
        return Extended(max(0.0, rest), json.loads(row[3] or "{}"), bool(row[2]))

    def give_back(self, connection: Connection, epoch: int) -> None:
        """Lets somebody else have the lane at once."""
        _GIVE_BACK.row(connection, self._real, account=self.account, holder=self.holder, epoch=epoch)

    def pause(self, connection: Connection, delay: float, reason: str) -> None:
        """Lets the lane rest for so many seconds, whoever holds it; a longer rest stays."""
        _PAUSE.row(connection, self._real, account=self.account, delay=float(delay), reason=reason)

    def switch_off(self, connection: Connection, routes: dict[str, Any]) -> None:
        """Notes which routes the platform took away, and why."""
        _SWITCH_OFF[connection.dialect.name].run(connection, account=self.account, off=dumps(routes))

    @property
    def _real(self) -> datetime:
        return self.clock.real()
