"""What an attempt came to: by the kind of error the row's status, when it is tried again, and what else changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from random import SystemRandom

from bot.delivery.people import Due
from bot.delivery.routes import template_of
from bot.errors import (
    Misconfigured,
    Moved,
    NoConnection,
    Paused,
    Refused,
    RouteOff,
    RouteRests,
    TemplateOff,
    TryLater,
    Unconfirmed,
    Unreachable,
    UsherError,
    WindowClosed,
)
from bot.message import Address
from bot.store.outbox import DeliveryStatus, Kind, Route, Way

MOST_TRIES = 5  # of a message, not counting those by routes that were given up
ALARM_REST = 600.0  # seconds that a lane rests when somebody must look at its account
_FIRST_WAIT = 2.0  # seconds; doubled at each try
_JITTER = 0.5  # of a wait, at most, so that what failed together does not come back together
_LONGEST = 300  # characters of a reason
_random = SystemRandom()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One delivery as a lane took it up."""

    due: Due  # with the route by which it leaves now
    to: Address | str  # a chat, or an e-mail address
    epoch: int
    at: datetime  # of the product's clock
    window: str = ""  # the WeChat window whose count was reserved: message, tap
    window_until: datetime | None = None  # as it was then: a newer one is left alone
    moved: str = ""  # the chat's new id, if the platform told one meanwhile


class Window(StrEnum):
    """What becomes of the reserved count."""

    KEPT = "kept"  # the message used it, or may have
    BACK = "back"  # certainly not used
    CLOSED = "closed"  # the window is closed
    USED_UP = "used_up"  # its count is


@dataclass(frozen=True, slots=True)
class Result:
    """What one attempt came to."""

    attempt: Attempt
    at: datetime  # of the product's clock
    status: DeliveryStatus
    error: str = ""
    counted: bool = True  # as an attempt
    after: float = 0.0  # seconds until it may be tried again
    given_up: bool = False  # the route: the next one is to be tried
    window: Window = Window.KEPT
    receipt: str | None = None  # the platform's own id of a template message, or of a note
    blocked: bool = False  # the chat cannot be reached until its owner writes
    off: str = ""  # what the account may not use from now on, as `routes.Off` names it
    off_until: datetime | None = None  # of the product's clock; None: until somebody else has the lane
    rest: float = 0.0  # seconds that the whole lane has to rest
    unreached: bool = False  # the platform was not reached at all: it cannot have been the message

    @property
    def attempts(self) -> int:
        """How many there were."""
        return self.attempt.due.attempts - (not self.counted)

    @property
    def available_at(self) -> datetime | None:
        """When it may be tried again; None: at once, and in its old place."""
        return self.at + timedelta(seconds=self.after) if self.after else None

    @property
    def keeps_place(self) -> bool:
        """Whether it is queued again where it stood."""
        return self.status == DeliveryStatus.QUEUED and not self.after

    @property
    def sent_at(self) -> datetime | None:
        """When the platform took it."""
        return self.at if self.status in (DeliveryStatus.SENT, DeliveryStatus.SENDING) else None

    @property
    def tried(self) -> list[dict[str, str]]:
        """Each step that was given up."""
        due = self.attempt.due
        step = {"route": str(due.route), "error": self.error, "at": self.at.isoformat()}
        return [*map(dict, due.tried), *([step] if self.given_up else [])]


def clean(said: str) -> str:
    """What a platform says, as every database can keep it: no character that is none, and not without end."""
    return "".join(letter for letter in said if letter.isprintable())[:_LONGEST]


def taken_by_platform(attempt: Attempt, receipt: str, now: datetime) -> Result:
    """The platform took it. A template message has only been queued there: its end is reported later."""
    if attempt.due.route == Route.WECHAT_TEMPLATE and receipt:
        return Result(attempt, now, DeliveryStatus.SENDING, receipt=clean(receipt))
    if attempt.due.kind == Kind.NOTE:  # an organizer may reply to it
        return Result(attempt, now, DeliveryStatus.SENT, receipt=clean(receipt) or None)
    return Result(attempt, now, DeliveryStatus.SENT)


def not_begun(attempt: Attempt, now: datetime) -> Result:
    """It was taken up, and certainly never handed to the platform."""
    return Result(attempt, now, DeliveryStatus.QUEUED, counted=False, window=Window.BACK)


def failed(attempt: Attempt, error: BaseException, now: datetime) -> Result:
    """What an error means; each kind of bot.errors is one case."""
    said = clean(str(error))
    queued = Result(attempt, now, DeliveryStatus.QUEUED, said, window=Window.BACK)
    refused = replace(queued, status=DeliveryStatus.FAILED)
    match error:
        case Paused():
            return replace(queued, counted=False, rest=max(error.delay, 0.0))
        case NoConnection():
            return replace(queued, counted=False, unreached=True)
        case TryLater():
            return _again(queued, error.delay) if _tries(attempt) < MOST_TRIES else refused
        case WindowClosed():
            return replace(queued, given_up=True, window=Window.USED_UP if error.used_up else Window.CLOSED)
        case RouteOff():
            until = now + timedelta(seconds=error.delay) if isinstance(error, RouteRests) else None
            return replace(queued, given_up=True, off=_off(attempt.due, error), off_until=until)
        case Unreachable():
            return _unreachable(queued)
        case Misconfigured():
            return replace(queued, counted=False, rest=ALARM_REST)
        case Refused() | Moved():  # a chat that moves twice in one breath
            return refused
        case Unconfirmed() | TimeoutError():
            unknown = said or "no answer in time"
            return replace(queued, status=DeliveryStatus.UNCONFIRMED, error=unknown, window=Window.KEPT)
    return _fault(refused, error)


def _off(due: Due, error: RouteOff) -> str:
    is_one = isinstance(error, TemplateOff) and due.route == Route.WECHAT_TEMPLATE
    return template_of(due.kind) if is_one else str(due.route)


def _unreachable(queued: Result) -> Result:
    due = queued.attempt.due
    if due.way == Way.MAIL:
        return replace(queued, status=DeliveryStatus.UNREACHABLE, given_up=True)
    return replace(queued, given_up=True, blocked=due.route != Route.EMAIL)


def _fault(refused: Result, error: BaseException) -> Result:
    """A fault of ours. Its words may hold what a person wrote; where it happened is told by whoever caught it."""
    named = refused.error if isinstance(error, UsherError) else f"fault: {type(error).__name__}"
    return replace(refused, error=named, window=Window.KEPT)


def _tries(attempt: Attempt) -> int:
    """How many there were, without one for each route that was given up."""
    return attempt.due.attempts - len(attempt.due.tried)


def _again(queued: Result, delay: float) -> Result:
    """Later each time: never before the platform's own delay, and not all at once."""
    wait = max(delay, _FIRST_WAIT * 2 ** (_tries(queued.attempt) - 1))
    return replace(queued, after=wait * _random.uniform(1, 1 + _JITTER))
