"""Whether a request has begun to leave: until then it is certainly not sent, whatever went wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

IDLE = 3.0  # seconds that an unused connection is kept: servers close theirs after 5 (uvicorn) or 75 (nginx), and of
# a request that meets the close nobody knows whether it arrived


@dataclass(slots=True)
class Wire:
    """Follows one request of httpx. `written`: its first byte may have left this machine."""

    written: bool = False

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """For the request's "trace" extension: https://www.encode.io/httpcore/extensions/#trace"""
        if event.endswith(".send_request_headers.started") and info["request"].method != b"CONNECT":
            self.written = True  # a CONNECT only asks a proxy for the way
