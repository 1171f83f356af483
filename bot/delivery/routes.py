"""How a person can be reached now: which account and which route, or why there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from bot.delivery.people import Person
from bot.settings import Settings
from bot.store.outbox import EXPECTED, DeliveryStatus, Kind, Route, Way

EMAIL_LANE = "email"
TOLD_BY_MAIL = "told by e-mail"
UNSUBSCRIBED = "unsubscribed"
_BEIJING = timezone(timedelta(hours=8))
Off = Mapping[str, Mapping[str, str]]
"""What the platform took away from us: {account of a lane: {route, or `template_of` a kind: why}}."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """Which accounts are set up, and what the settings say that each may do."""

    wechat: str = ""  # the app id; empty: the channel is off
    wechat_service: bool = True  # False: a subscription account
    wechat_verified: bool = True
    wechat_secret: bool = False  # without it there is no token, and nothing but the answer to a push
    template_reminder: str = ""  # ids of templates; empty: the route is off
    template_confirmation: str = ""
    telegram: str = ""  # the bot's id; empty: the channel is off
    email: bool = False
    organizers: tuple[str, ...] = ()  # their chats on Telegram

    @classmethod
    def of(cls, settings: Settings) -> Accounts:
        """What the settings set up."""
        token = settings.telegram_token.get_secret_value() if settings.telegram_token else ""
        return cls(
            wechat=settings.wechat_app_id or "",
            wechat_service=settings.wechat_account == "service",
            wechat_verified=settings.wechat_verified,
            wechat_secret=settings.wechat_app_secret is not None,
            template_reminder=settings.wechat_template_reminder,
            template_confirmation=settings.wechat_template_confirmation,
            telegram=token.partition(":")[0],
            email=settings.smtp_url is not None,
            organizers=tuple(map(str, settings.telegram_organizers)) if token else (),
        )

    @property
    def wechat_sends(self) -> bool:
        """Whether customer-service messages may leave: platforms/wechat.md, "Which account may do what"."""
        return bool(self.wechat and self.wechat_secret and self.wechat_verified)

    @property
    def lanes(self) -> tuple[str, ...]:
        """The account of each lane from which something can leave."""
        lanes = {
            wechat_lane(self.wechat): self.wechat_sends,
            telegram_lane(self.telegram): bool(self.telegram),
            EMAIL_LANE: self.email,
        }
        return tuple(lane for lane, is_on in lanes.items() if is_on)

    @property
    def tells(self) -> bool:
        """Whether anybody can be told anything: a WeChat account that may only answer shows it when they next write."""
        return bool(self.lanes or self.wechat)

    def template(self, kind: str) -> str:
        """The template for a kind of announcement; empty where there is none: only verified service accounts have."""
        if not (self.wechat_sends and self.wechat_service):
            return ""
        ours = {
            Kind.REMINDER: self.template_reminder,
            Kind.BROADCAST: self.template_reminder,
            Kind.DECISION: self.template_confirmation,
        }
        return ours.get(Kind(kind), "")


@dataclass(frozen=True, slots=True)
class Step:
    """The next way to try."""

    route: Route
    lane: str  # the account that sends it


@dataclass(frozen=True, slots=True)
class Nowhere:
    """Nothing reaches this person now."""

    status: DeliveryStatus  # waiting or unreachable
    reason: str  # for organizers


def wechat_lane(app_id: str) -> str:
    """The account of the lane of a WeChat account."""
    return f"wechat:{app_id}"


def telegram_lane(bot_id: str) -> str:
    """The account of the lane of a Telegram bot."""
    return f"telegram:{bot_id}"


def template_of(kind: str) -> str:
    """The template of one kind of announcement, where it is switched off alone: the others may be right."""
    return f"{Route.WECHAT_TEMPLATE}/{kind}"


def in_force(stored: Mapping[str, Mapping[str, Any]], now: datetime) -> dict[str, dict[str, str]]:
    """What is off at this moment of the product's clock, as `Off`; with until when, where that is known.

    Stored for each account is {route: why} or {route: {"why", "until"}}.
    """
    return {
        account: {
            name: said if isinstance(said, str) else f"{said['why']}; until {_minute(said['until'])}"
            for name, said in parts.items()
            if isinstance(said, str) or datetime.fromisoformat(said["until"]) > now
        }
        for account, parts in stored.items()
    }


def choose(
    person: Person,
    way: str,
    kind: str,
    now: datetime,
    accounts: Accounts,
    off: Off,
    also_mail: bool = False,
    *,
    short: bool = True,
) -> Step | Nowhere:
    """The best route now, in the order of DESIGN "Out": open WeChat window, template, Telegram, e-mail.

    A colleague who gave an e-mail address is written there first: the chat is that of who registered them.
    `also_mail`: the same announcement goes to this person by mail as well, so that the chat does not fall back on it.
    `short`: there is a short form, without which no template can be filled.
    """
    mail = _email(person, accounts, off)
    if way == Way.MAIL:
        return mail if isinstance(mail, Step) else Nowhere(DeliveryStatus.UNREACHABLE, mail)
    chat = _chat(person, kind, now, accounts, off, short)
    if also_mail:
        mail = TOLD_BY_MAIL if isinstance(mail, Step) else mail
    tried = (mail, chat) if person.colleague else (chat, mail)
    for step in tried:
        if isinstance(step, Step):
            return step
    status = DeliveryStatus.WAITING if _writes_here(person, kind, accounts) else DeliveryStatus.UNREACHABLE
    return Nowhere(status, "; ".join(map(str, tried)))


def unwanted(person: Person, kind: str, accounts: Accounts) -> str:
    """Why this person does not want it; empty if they do. What they wait for is always told.

    Who unsubscribed did so for the chat: a colleague with an e-mail address of their own still gets theirs.
    """
    if kind in EXPECTED:
        return ""
    own_mail = person.colleague and person.email and accounts.email
    return UNSUBSCRIBED if person.stopped_at and not own_mail else ""


def has_short(kind: str, texts: Mapping[str, Mapping[str, str]], language: str) -> bool:
    """Whether a template can be filled: a decision fills it with facts, a broadcast says that there is news to be read
    in the chat, and a reminder needs a short form."""
    return kind in (Kind.DECISION, Kind.BROADCAST) or bool(texts.get(language, {}).get("short"))


def window(person: Person, now: datetime) -> str:
    """Which of the two WeChat windows the next message may use: "message", else "tap", else ""."""
    if person.message_until and person.message_until > now and person.message_left > 0:
        return "message"
    if person.tap_until and person.tap_until > now and person.tap_left > 0:
        return "tap"
    return ""


class Used:
    """What earlier messages of the same look take from the WeChat counts of a chat, which several people may share."""

    def __init__(self) -> None:
        self._used: Counter[tuple[str, int | None]] = Counter()  # by window and contact

    def left(self, person: Person) -> Person:
        """The person with what is left of the counts."""
        message, tap = (self._used.get((name, person.contact_id), 0) for name in ("message", "tap"))
        if not message and not tap:
            return person
        return replace(person, message_left=person.message_left - message, tap_left=person.tap_left - tap)

    def take(self, person: Person, now: datetime) -> str:
        """One message to them; the window that it uses."""
        name = window(person, now)
        self._used[name, person.contact_id] += 1
        return name


def until(person: Person, now: datetime) -> datetime | None:
    """When the open window closes by itself; None: none is open."""
    open_window = window(person, now)
    return {"message": person.message_until, "tap": person.tap_until}.get(open_window)


def _chat(person: Person, kind: str, now: datetime, accounts: Accounts, off: Off, short: bool) -> Step | str:
    if person.address is None:
        return "no chat"
    if person.blocked_at:
        return "unfollowed, or blocked the bot"
    account = {"wechat": accounts.wechat, "telegram": accounts.telegram}.get(person.address.channel)
    if not account or account != person.address.account:
        return f"{person.address.channel} account {person.address.account} is not set up"
    if person.address.channel == "wechat":
        return _wechat(person, kind, now, accounts, off, short)
    return _unless_off(Step(Route.TELEGRAM, telegram_lane(account)), off)


def _wechat(person: Person, kind: str, now: datetime, accounts: Accounts, off: Off, short: bool) -> Step | str:
    if not accounts.wechat_sends:
        return "this WeChat account can only answer"
    lane = wechat_lane(accounts.wechat)
    message = _unless_off(Step(Route.WECHAT_MESSAGE, lane), off) if window(person, now) else "WeChat window closed"
    if isinstance(message, Step):
        return message
    # Who has no registration is written to only where they expect it: while the chat is open.
    if not accounts.template(kind) or not short or person.registration_id is None:
        return f"{message}, no template"
    template = _unless_off(Step(Route.WECHAT_TEMPLATE, lane), off, template_of(kind))
    return template if isinstance(template, Step) else f"{message}, {template}"


def _email(person: Person, accounts: Accounts, off: Off) -> Step | str:
    if not person.email:
        return "no e-mail address"
    return _unless_off(Step(Route.EMAIL, EMAIL_LANE), off) if accounts.email else "mail is not set up"


def _minute(moment: str) -> str:
    """WeChat counts its days in Beijing's time."""
    return f"{datetime.fromisoformat(moment).astimezone(_BEIJING):%Y-%m-%d %H:%M %Z}"


def _unless_off(step: Step, off: Off, *parts: str) -> Step | str:
    """The step, unless its route or one of these parts of it is off."""
    found = off.get(step.lane, {})
    reason = next((found[name] for name in (step.route, *parts) if name in found), None)
    return step if reason is None else f"{step.route} is off ({reason})"


def _writes_here(person: Person, kind: str, accounts: Accounts) -> bool:
    """Whether what waits can be shown when they next write; on Telegram nothing ever has to wait.

    For who has no registration only an answer to what they asked is worth waiting.
    """
    chat = person.address
    mine = chat is not None and chat.channel == "wechat" and chat.account == accounts.wechat
    return mine and person.blocked_at is None and (person.registration_id is not None or kind == Kind.ANSWER)
