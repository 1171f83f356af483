"""Logs: one fact a line with its ids, as text or JSON; never tokens, names, phones or what people wrote."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

_OF_LIBRARIES = {"message", "asctime", "taskName", "color_message"}
_KNOWN = frozenset(vars(logging.LogRecord("", 0, "", 0, "", None, None))) | _OF_LIBRARIES
_TOO_TALKATIVE = ("httpx", "httpcore", "telegram", "apscheduler", "uvicorn.access", "alembic", "asyncio", "watchfiles")


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        more = "".join(f" {name}={value}" for name, value in _extras(record).items())
        return f"{_when(record)} {record.levelname.lower()} {record.name}: {_fact(record)}{more}"


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fact = {"time": _when(record), "level": record.levelname.lower(), "logger": record.name}
        return json.dumps(_extras(record) | fact | {"message": _fact(record)}, ensure_ascii=False, default=str)


def start(form: Literal["text", "json"]) -> None:
    """Sends the log to standard error. Libraries that print addresses with tokens in them speak of warnings only."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in _TOO_TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def _fact(record: logging.LogRecord) -> str:
    """One line: what libraries write below it are tracebacks and objects, which may hold what a person wrote."""
    return record.getMessage().partition("\n")[0]


def _extras(record: logging.LogRecord) -> dict[str, object]:
    extras = {name: value for name, value in vars(record).items() if name not in _KNOWN}
    if record.exc_info and record.exc_info[0]:
        last = traceback.extract_tb(record.exc_info[2])[-1:]
        extras["fault"] = record.exc_info[0].__name__
        extras["at"] = "".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in last)
    return extras


def _when(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
