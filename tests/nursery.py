"""Does the imports once and forks commands from there: they start at once, without a second of imports each.

python -m tests.nursery: each line of standard input is a list, answered by one line of JSON. `["fork", {"argv", "env",
"folder", "into", "out", "err", "with"}]` starts a command: its process id. `["ended", process id]`: its exit code, or
null while it runs. `["ready"]`: true. `with` names modules which are imported first: they change the product.

What runs is a process with signals, files and an end of its own, as good as the command but for its first second. The
matcher of the shipped content is trained here as well: each `serve` would do that again.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil

import bot.answers.cache
import bot.app
import bot.commands.content
from bot import cli
from bot.answers.encoder import installed
from bot.content.load import load
from tests.command import ROOT, Ended, outside
from tests.long.wire import Wire
from tests.served import Process
from tests.trained import trained

_POLL = 0.01  # seconds between two looks whether a command has ended
_APPENDING = os.O_WRONLY | os.O_CREAT | os.O_APPEND


class Nursery:
    """Where commands are forked. Threads may share it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.nursery"], env=outside(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._asking = threading.Lock()
        assert self._ask("ready"), "it did not start"

    def fork(
        self,
        *argv: str,
        env: dict[str, str],
        out: pathlib.Path,
        folder: pathlib.Path | None = None,
        into: pathlib.Path | None = None,
        err: pathlib.Path | None = None,
        variant: str = "",
    ) -> int:
        """Starts `usher ARGV`; its process id. Unless told: in the folder of `out`, to which its faults go as well."""
        files = {"folder": str(folder or out.parent), "into": str(into or os.devnull), "out": str(out)}
        asked = {"argv": argv, "env": env, **files, "err": str(err or out), "with": [variant] if variant else []}
        return int(self._ask("fork", asked))

    def wait(self, pid: int) -> int:
        """Waits for the end of a command; its exit code, negative for the signal that ended it."""
        while (code := self._ask("ended", pid)) is None:
            time.sleep(_POLL)
        return int(code)

    def close(self) -> None:
        """Ends it, and what it started."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _ask(self, *what: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._asking:
            self._process.stdin.write(json.dumps(what).encode() + b"\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())


def apart(nursery: Nursery, folder: pathlib.Path, *words: str, stdin: bytes = b"", **settings: str) -> Ended:
    """Runs a command in that folder as a process of its own."""
    env = {f"USHER_{name}": value for name, value in settings.items()}
    with tempfile.TemporaryDirectory() as beside:
        into, out, err = (pathlib.Path(beside) / name for name in ("in", "out", "err"))
        into.write_bytes(stdin)
        code = nursery.wait(nursery.fork(*words, env=env, folder=folder, into=into, out=out, err=err))
        return Ended(code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))


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


Served = Process | Forked


async def _is_ready(port: int) -> bool:
    with contextlib.suppress(OSError, EOFError, TimeoutError):
        async with Wire(port, 1.0) as wire:
            return (await wire.send(b"GET /health/ready HTTP/1.1\r\nHost: usher\r\n\r\n")).status == 200
    return False


def main() -> None:
    """Serves the lines of standard input; at their end everything ends."""
    _prepare()
    running: set[int] = set()
    for line in os.fdopen(os.dup(0)):  # a copy: commands shall find their own standard input untouched
        verb, *asked = json.loads(line)
        print(json.dumps(_VERBS[verb](running, *asked)), flush=True)
    for pid in running:
        os.kill(pid, signal.SIGKILL)


def _fork(running: set[int], asked: dict[str, Any]) -> int:
    pid = os.fork()
    if not pid:
        become(asked)
    running.add(pid)
    return pid


def _ended(running: set[int], pid: int) -> int | None:
    done, status = os.waitpid(pid, os.WNOHANG)
    running.discard(done)
    return os.waitstatus_to_exitcode(status) if done else None


_VERBS: dict[str, Callable[..., Any]] = {"fork": _fork, "ended": _ended, "ready": lambda _: True}


_COMMANDS = ("content", "deciding", "people", "state", "telling")
_LATER = (*(f"bot.commands.{name}" for name in _COMMANDS), "bot.demo", "bot.serve")  # what commands import as they run


def _prepare() -> None:
    for module in _LATER:
        importlib.import_module(module)
    bot.app.kept = bot.answers.cache.matcher_of = bot.commands.content.matcher_of = trained
    trained(load(ROOT / "content"))
    if encoder := installed():
        encoder.warm()
    gc.freeze()  # a child's garbage collector would touch all of it, and what it touches is copied


def become(asked: dict[str, Any]) -> None:
    """Becomes the command, with nothing of ours but the imports."""
    for name, number, how in (("into", 0, os.O_RDONLY), ("out", 1, _APPENDING), ("err", 2, _APPENDING)):
        os.dup2(os.open(asked[name], how, 0o600), number)
    os.environ.update(asked["env"])
    os.chdir(asked["folder"])
    for module in asked["with"]:
        importlib.import_module(module)
    sys.argv = ["usher", *asked["argv"]]
    cli.main()
    sys.exit()


if __name__ == "__main__":
    main()
