"""Plain mode: the signature does not cover the body, so each signed address belongs to the first body seen with it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from bot.errors import Forbidden

MOST = 100_000  # about 20 MiB; beyond that the oldest are forgotten


class Nonces:
    """Which body came with which signature, for as long as that signature is fresh. Known to this process alone."""

    def __init__(self, lasts: float, seconds: Callable[[], float]) -> None:
        self._lasts, self._seconds = lasts, seconds
        self._seen: dict[bytes, tuple[float, bytes]] = {}  # oldest first

    def admit(self, signature: str, body: bytes) -> None:
        """Lets a new signature and a repeat of its own body in; raises Forbidden for another body.

        The signature stands for timestamp and nonce: it joins them without a border, so that other pairs share it.
        """
        now, digest = self._seconds(), hashlib.sha256(body).digest()
        self._forget(now)
        if self._seen.setdefault(bytes.fromhex(signature), (now, digest))[1] != digest:
            raise Forbidden("nonce seen with another body")

    def _forget(self, now: float) -> None:
        while self._seen:
            oldest = next(iter(self._seen))
            if now - self._seen[oldest][0] <= self._lasts and len(self._seen) < MOST:
                return
            del self._seen[oldest]
