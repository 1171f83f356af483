"""What can go wrong, said in words that a person can act on. Whether to try again is part of the type."""

from __future__ import annotations

from dataclasses import dataclass


class UsherError(Exception):
    """A fault that a command prints as one line and exits 1.

    `alarm`: the platform's code, where somebody has to look at what we send; set by the adapter.
    """

    alarm = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a content file."""

    place: str  # file:line or file:key
    what: str  # what is wrong, what was expected

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


class BrokenContent(UsherError):
    """Content files have faults; all of them are listed."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


class Unavailable(UsherError):
    """The database did not answer in time; nothing was changed, and the same message may come again."""


class Forbidden(UsherError):
    """A request is not from the platform. Which check failed is never told."""


class TryLater(UsherError):
    """Certainly not sent; the same message may be sent again after `delay` seconds."""

    def __init__(self, reason: str, delay: float) -> None:
        super().__init__(reason)
        self.delay = delay


class NoConnection(TryLater):
    """Certainly not sent: the platform itself cannot be reached, for this message or any other."""


class Paused(TryLater):
    """Certainly not sent; the platform asks the whole account to rest for `delay` seconds."""


class WindowClosed(UsherError):
    """Certainly not sent: WeChat's window for this person is closed, or its count used up (`used_up`)."""

    def __init__(self, reason: str, *, used_up: bool = False) -> None:
        super().__init__(reason)
        self.used_up = used_up


class RouteOff(UsherError):
    """Certainly not sent: the account may not use this route; it is switched off for the account."""


class TemplateOff(RouteOff):
    """Certainly not sent: the platform does not know the template; it is switched off for what it is used for."""


class RouteRests(RouteOff):
    """Certainly not sent: the account's messages by this route are used up for the next `delay` seconds."""

    def __init__(self, reason: str, delay: float) -> None:
        super().__init__(reason)
        self.delay = delay


class Refused(UsherError):
    """Certainly not sent: our message is wrong, and would be every time."""


class Moved(UsherError):
    """Certainly not sent: the chat has another id now."""

    def __init__(self, user_id: str) -> None:
        super().__init__("the chat has another id now")
        self.user_id = user_id


class Unreachable(UsherError):
    """This person cannot be reached until they write again."""


class Unconfirmed(UsherError):
    """Nobody can know whether it was sent."""


class Misconfigured(UsherError):
    """The platform refuses this account or these keys: the channel stops, and somebody must look."""
