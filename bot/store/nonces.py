"""WeChat's plain mode: the signature does not cover the body, so each belongs to the first body seen with it."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from sqlalchemy import Connection

from bot.clock import Clock
from bot.errors import Forbidden
from bot.store.database import Database
from bot.store.statement import Statement

MOST = 100_000  # rows, about 20 MiB; beyond that the oldest are forgotten
_SEEN = Statement("SELECT body FROM nonce WHERE signature = :signature")
_INSERT = Statement("""
    INSERT INTO nonce (signature, body, seen_at) VALUES (:signature, :body, :now) ON CONFLICT (signature) DO NOTHING
""")
_FORGET = Statement("DELETE FROM nonce WHERE seen_at < :before OR id <= (SELECT max(id) FROM nonce) - :most")


class Nonces:
    """Which body came with which signature, for as long as that signature is fresh (`lasts`), in every process.

    By the real clock: a restart with USHER_NOW must not make the same time come twice.
    """

    def __init__(self, database: Database, clock: Clock, lasts: timedelta) -> None:
        self._database, self._clock, self._lasts = database, clock, lasts

    async def admit(self, signature: str, body: bytes) -> None:
        """Lets a new signature and a repeat of its own body in; it is on disk before the message is looked at.

        The signature stands for timestamp and nonce: it joins them without a border, so that other pairs share it.
        Raises Forbidden for another body, and Unavailable.
        """
        digest = hashlib.sha256(body).hexdigest()
        first = await self._database.transact(lambda found: self._first(found, signature.lower(), digest))
        if first != digest:
            raise Forbidden("nonce seen with another body")

    def _first(self, connection: Connection, signature: str, digest: str) -> str:
        """The body that came first with the signature. A row of another process that is not committed is waited for."""
        now = self._clock.real()
        _FORGET.run(connection, before=now - self._lasts, most=MOST - 1)
        known = _SEEN.row(connection, signature=signature)
        if known is None:
            _INSERT.run(connection, signature=signature, body=digest, now=now)
            known = _SEEN.row(connection, signature=signature)
        return str(known[0])
