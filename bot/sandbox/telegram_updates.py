"""Updates on their way to the bot: queues, the webhook with its resends, and getUpdates with its offset."""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from bot.clock import Clock, seconds
from bot.sandbox.loopback import loopback_client

Update = dict[str, Any]
RESENDS = (0.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)  # seconds before each further attempt; the last one stays
WEBHOOK_TIMEOUT = 60.0
_DAY, _PRESS = 86_400.0, 150.0  # how long an update lives, in seconds; a button press much shorter
_RETRY_AFTER_MOST = 3600.0
KINDS = frozenset(
    [
        *("message", "edited_message", "channel_post", "edited_channel_post", "business_connection"),
        *("business_message", "edited_business_message", "deleted_business_messages", "message_reaction"),
        *("message_reaction_count", "inline_query", "chosen_inline_result", "callback_query", "shipping_query"),
        *("pre_checkout_query", "purchased_paid_media", "poll", "poll_answer", "my_chat_member", "chat_member"),
        *("chat_join_request", "chat_boost", "removed_chat_boost"),
    ]
)
_ONLY_ON_DEMAND = frozenset({"chat_member", "message_reaction", "message_reaction_count"})


@dataclass(slots=True, eq=False)
class Waiting:
    """One update, and whether the bot has taken it."""

    update: Update
    queue: str
    until: float  # by seconds()
    settled: asyncio.Future[str]  # delivered, expired or unwanted
    attempts: int = 0


@dataclass(slots=True)
class Webhook:
    """Where updates are sent, and how it went."""

    url: str
    secret: str = ""
    connections: int = 40
    last_error: str = ""
    last_error_at: int = 0
    gate: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self.gate = asyncio.Semaphore(self.connections)


class Updates:
    """Order holds within a queue only. `attempts` bounds the resends, which the platform does not."""

    def __init__(
        self,
        clock: Clock,
        answered: Callable[[bytes], None],
        resends: Sequence[float] = RESENDS,
        attempts: int | None = None,
    ) -> None:
        self.clock = clock
        self.answered = answered  # gets the body of a webhook's answer, which may hold a call
        self.webhook: Webhook | None = None
        self.allowed = KINDS - _ONLY_ON_DEMAND
        self.pending: dict[int, Waiting] = {}
        self.delivered = 0
        self._resends, self._attempts = tuple(resends), attempts
        # Real ids start anywhere, and anew after a quiet week.
        self._ids = itertools.count(100_000_000 + secrets.randbelow(800_000_000))
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._poll: asyncio.Event | None = None  # set when another poller takes over
        self._news = asyncio.Event()
        self._client: httpx.AsyncClient | None = None

    def next_id(self) -> int:
        """An update id, never given before."""
        return next(self._ids)

    def put(self, kind: str, content: dict[str, Any], queue: str) -> Waiting:
        """A new update at the end of its queue. Kinds that the bot did not ask for are dropped, as in reality."""
        lasts = _PRESS if kind == "callback_query" else _DAY
        settled: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        waiting = Waiting({"update_id": self.next_id(), kind: content}, queue, seconds() + lasts, settled)
        if kind not in self.allowed:
            settled.set_result("unwanted")
            return waiting
        self.pending[waiting.update["update_id"]] = waiting
        self._news.set()
        self._news = asyncio.Event()
        self._work(queue)
        return waiting

    def set_webhook(self, webhook: Webhook | None, drop: bool = False) -> None:
        """Changes where updates go; what waits goes there too, unless dropped."""
        for worker in self._workers.values():
            worker.cancel()
        self._workers.clear()
        self.webhook = webhook
        if drop:
            for waiting in list(self.pending.values()):
                self._settle(waiting, "expired")
        for queue in dict.fromkeys(waiting.queue for waiting in self.pending.values()):
            self._work(queue)

    async def get(self, offset: int, limit: int, wait: float) -> list[Update] | None:
        """What waits from that offset on, confirming all before it; None when another poller took over."""
        if self._poll:
            self._poll.set()
        taken_over = self._poll = asyncio.Event()
        if offset < 0:
            offset = next(iter(list(self.pending)[offset:]), 0)  # counted from the end; those before are forgotten
        for waiting in [one for number, one in self.pending.items() if number < offset]:
            self._settle(waiting, "delivered")
        end = seconds() + wait
        try:
            while not self.pending and (left := end - seconds()) > 0:
                await _first(self._news, taken_over, left)
                if taken_over.is_set():
                    return None
        finally:
            if self._poll is taken_over:
                self._poll = None
        return [waiting.update for waiting in itertools.islice(self.pending.values(), limit)]

    def allow(self, kinds: frozenset[str] | None) -> None:
        """Which kinds the bot wants from now on; None: all but those that must be asked for."""
        self.allowed = kinds or KINDS - _ONLY_ON_DEMAND

    async def post(self, webhook: Webhook, body: bytes, secret: str | None = None) -> httpx.Response:
        """One request to the webhook, with its secret or another; raises what httpx raises."""
        headers = {"Content-Type": "application/json"}
        if token := webhook.secret if secret is None else secret:
            headers["X-Telegram-Bot-Api-Secret-Token"] = token
        return await self._http().post(webhook.url, content=body, headers=headers)

    async def close(self) -> None:
        """Ends deliveries."""
        workers = list(self._workers.values())
        self.set_webhook(None)
        await asyncio.gather(*workers, return_exceptions=True)
        if self._client:
            await self._client.aclose()
            self._client = None

    def _work(self, queue: str) -> None:
        if self.webhook and (queue not in self._workers or self._workers[queue].done()):
            self._workers[queue] = asyncio.create_task(self._drain(queue, self.webhook))

    async def _drain(self, queue: str, webhook: Webhook) -> None:
        while waiting := next((one for one in self.pending.values() if one.queue == queue), None):
            self._settle(waiting, await self._delivered(waiting, webhook))
        self._workers.pop(queue, None)

    async def _delivered(self, waiting: Waiting, webhook: Webhook) -> str:
        for number in itertools.count():
            waiting.attempts += 1
            error, wait = await self._attempt(waiting, webhook)
            if not error:
                return "delivered"
            webhook.last_error, webhook.last_error_at = error, int(self.clock.now().timestamp())
            wait = max(wait, self._resends[min(number, len(self._resends) - 1)])
            if waiting.attempts == self._attempts or seconds() + wait > waiting.until:
                break
            await asyncio.sleep(wait)
        return "expired"

    async def _attempt(self, waiting: Waiting, webhook: Webhook) -> tuple[str, float]:
        """What went wrong, "" if nothing did, and how long the bot asks to wait."""
        async with webhook.gate:
            try:
                response = await self.post(webhook, json.dumps(waiting.update).encode())
            except httpx.HTTPError as error:
                return f"Connection failed: {type(error).__name__}", 0.0
        after = response.headers.get("Retry-After", "")
        wait = min(float(after), _RETRY_AFTER_MOST) if after.isdigit() else 0.0
        if response.is_success:
            self.answered(response.content)
            return "", wait
        return f"Wrong response from the webhook: {response.status_code} {response.reason_phrase}", wait

    def _settle(self, waiting: Waiting, how: str) -> None:
        self.pending.pop(waiting.update["update_id"], None)
        self.delivered += how == "delivered"
        if not waiting.settled.done():
            waiting.settled.set_result(how)

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = loopback_client(WEBHOOK_TIMEOUT, kept=40)
        return self._client


async def _first(one: asyncio.Event, other: asyncio.Event, wait: float) -> None:
    tasks = [asyncio.create_task(one.wait()), asyncio.create_task(other.wait())]
    try:
        await asyncio.wait(tasks, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
