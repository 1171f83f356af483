"""The HTTP client by which both platforms call the bot, on this machine."""

from __future__ import annotations

import ssl

import httpx


def loopback_client(seconds: float | None, kept: int) -> httpx.AsyncClient:
    """A client with that time-out and so many kept connections, as many more as needed. It trusts no outside host.

    Proxies of the environment are for the way out. Reading the system's certificates takes longer than most tests.
    """
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=kept)
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.AsyncClient(timeout=httpx.Timeout(seconds), limits=limits, trust_env=False, verify=trust)
