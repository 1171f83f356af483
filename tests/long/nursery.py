"""Does the imports once and forks commands from there: kills follow each other without a second of imports each.

python -m tests.long.nursery: each line of standard input is one command, `{"argv", "env", "out", "with"}`, answered by
its process id; or a process id, answered by its exit code once it ended. `with` names modules which are imported
first: they change something about the product.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
import pathlib
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import psutil

from tests.long.wire import Wire
from tests.served import ROOT


class Nursery:
    """Where commands are forked."""

    def __init__(self) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("USHER_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.long.nursery"],
            env={**kept, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def fork(self, *argv: str, env: dict[str, str], out: pathlib.Path, variant: str = "") -> int:
        """Starts `usher ARGV`; its process id."""
        return self._ask({"argv": argv, "env": env, "out": str(out), "with": [variant] if variant else []})

    def wait(self, pid: int) -> int:
        """Waits for the end of a command; its exit code, negative for the signal that ended it."""
        return self._ask(pid)

    def close(self) -> None:
        """Ends it, and what it started."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _ask(self, what: Any) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(what).encode() + b"\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@dataclass
class Forked:
    """`usher serve` out of the nursery, with the verbs of Process."""

    nursery: Nursery
    env: dict[str, str]
    folder: pathlib.Path
    port: int
    variant: str = ""
    running: int | None = None  # its process id

    @property
    def log(self) -> pathlib.Path:
        """Where it logs to."""
        return self.folder / f"serve-{self.port}.log"

    async def start(self, seconds: float = 20) -> None:
        """Starts it and waits until it is ready."""
        self.running = self.nursery.fork("serve", env=self.env, out=self.log, variant=self.variant)
        async with asyncio.timeout(seconds):
            while not await _is_ready(self.port):
                assert psutil.Process(self.running).status() != psutil.STATUS_ZOMBIE, self.log.read_text()
                await asyncio.sleep(0.02)

    def kill(self) -> None:
        """kill -9, in the middle of whatever it does."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        assert self.running is not None
        os.kill(self.running, number)
        pid, self.running = self.running, None
        return self.nursery.wait(pid)


async def _is_ready(port: int) -> bool:
    with contextlib.suppress(OSError, EOFError, TimeoutError):
        async with Wire(port, 1.0) as wire:
            return (await wire.send(b"GET /health/ready HTTP/1.1\r\nHost: usher\r\n\r\n")).status == 200
    return False


def main() -> None:
    """Serves the lines of standard input; at their end everything ends."""
    for module in ("bot.app", "bot.cli", "bot.commands", "bot.serve"):
        importlib.import_module(module)
    running: set[int] = set()
    for line in os.fdopen(os.dup(0)):  # a copy: commands shall find their own standard input untouched
        asked = json.loads(line)
        if isinstance(asked, int):
            running.discard(asked)
            print(os.waitstatus_to_exitcode(os.waitpid(asked, 0)[1]), flush=True)
            continue
        pid = os.fork()
        if not pid:
            become(asked)
        running.add(pid)
        print(pid, flush=True)
    for pid in running:
        os.kill(pid, signal.SIGKILL)


def become(asked: dict[str, Any]) -> None:
    """Becomes the command, with nothing of ours but the imports."""
    out = os.open(asked["out"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for given, number in ((os.open(os.devnull, os.O_RDONLY), 0), (out, 1), (out, 2)):
        os.dup2(given, number)
    os.environ.update(asked["env"])
    os.chdir(pathlib.Path(asked["out"]).parent)
    for module in asked["with"]:
        importlib.import_module(module)
    sys.argv = ["usher", *asked["argv"]]
    code: Any = 0
    try:
        sys.modules["bot.cli"].main()
    except SystemExit as end:
        code = end.code
    sys.stdout.flush()
    os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    main()
