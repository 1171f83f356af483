"""What the house promises about itself: its layers, its sentences, its one clock, its files and its pinned packages."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bot.content.sentences import SENTENCES
from bot.registration.compose import PROMOTED
from bot.store.outbox import DeliveryStatus, Kind, Route, State
from bot.store.tables import Status
from tests.conftest import ROOT

PLANNED = {
    *("bot", "handlers", "content", "tests", ".ci"),
    *("pyproject.toml", "constraints.txt", "README.md", "LICENSE", "CHANGELOG.md", ".env.example", ".gitignore"),
}
STORED: tuple[type[StrEnum], ...] = (Status, DeliveryStatus, State, Route, Kind)
ENDS = {PROMOTED, *(word.value for kind in STORED for word in kind)}
"""Words that the code puts at the end of a key without writing them there."""


def code() -> Iterator[tuple[Path, ast.Module]]:
    """Every Python file of the product, parsed."""
    for folder in ("bot", "handlers"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


def files() -> Iterator[Path]:
    """Every file of the repository, as far as it is planned."""
    for name in sorted(PLANNED):
        inside = (ROOT / name).rglob("*") if (ROOT / name).is_dir() else [ROOT / name]
        yield from (path for path in inside if path.is_file() and "__pycache__" not in path.parts)


# Layers


def test_upper_floors_name_lower_ones_and_libraries_stay_in_their_adapters() -> None:
    tool = Path(sys.executable).with_name("lint-imports")
    if not tool.exists():
        pytest.skip("needs import-linter: pip install -c constraints.txt -e '.[test]'")
    done = subprocess.run([tool, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


# Sentences


def _constants(node: ast.AST) -> set[str]:
    """The strings in it, those of its f-strings left out."""
    inside = {id(part) for joined in ast.walk(node) if isinstance(joined, ast.JoinedStr) for part in joined.values}
    rows = (part for part in ast.walk(node) if isinstance(part, ast.Constant) and id(part) not in inside)
    return {row.value for row in rows if isinstance(row.value, str)}


def _prefix(node: ast.AST) -> str:
    """`choice.` of f"choice.{key}"; empty for everything else."""
    first = node.values[0] if isinstance(node, ast.JoinedStr) and len(node.values) == 2 else None
    return first.value if isinstance(first, ast.Constant) and str(first.value).endswith(".") else ""


def _is_saying(node: ast.AST) -> bool:
    """Whether the first thing that is handed over is the key of a sentence."""
    if not isinstance(node, ast.Call) or not node.args:
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name == "choice" and getattr(getattr(node.func, "value", None), "id", "") == "secrets":
        return False
    return name in ("say", "_say", "choice", "InvalidAnswer")


def _said(scope: ast.AST) -> Iterator[str]:
    """The keys that a function says: constants, chosen constants, variables that hold them, and loops over them."""
    held = {
        target.id: _constants(node.value)
        for node in ast.walk(scope)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and isinstance(node.value, ast.Constant | ast.IfExp)
    }
    loops = {
        loop.target.id: _constants(loop.iter)
        for loop in ast.walk(scope)
        if isinstance(loop, ast.comprehension)
        and isinstance(loop.target, ast.Name)
        and isinstance(loop.iter, ast.Tuple)
    }
    for node in ast.walk(scope):
        if not _is_saying(node):
            continue
        key = node.args[0]
        branches = [key.body, key.orelse] if isinstance(key, ast.IfExp) else [key]
        for branch in branches:
            if isinstance(branch, ast.Constant):
                yield branch.value
            elif isinstance(branch, ast.Name):
                yield from held.get(branch.id, ())
            elif prefix := _prefix(branch):
                part = branch.values[1].value
                yield from (f"{prefix}{end}" for end in loops.get(getattr(part, "id", ""), ()))


def _made(tree: ast.Module) -> Iterator[str]:
    """Keys that f-strings of a file can make: their beginning with any string of that file, or with one of ENDS."""
    ends = _constants(tree) | ENDS
    for node in ast.walk(tree):
        if prefix := _prefix(node):
            yield from (f"{prefix}{end}" for end in ends)


def _shown() -> Iterator[str]:
    """The keys which templates of pages and mails say, some of them with a status at their end."""
    for path in (ROOT / "bot").rglob("*.html"):
        for key, joined in re.findall(r"say\('([\w.]+)'( ~)?", path.read_text(encoding="utf-8")):
            yield from (f"{key}{status}" for status in Status) if joined else (key,)


def test_every_sentence_that_the_code_says_exists() -> None:
    said = {(str(path), key) for path, tree in code() for key in _said(tree)}
    assert len(said) > 60  # the search finds them at all
    assert sorted(row for row in said if row[1] not in SENTENCES) == []


def test_every_sentence_is_said_somewhere() -> None:
    used = set(_shown())
    for path, tree in code():
        if path != Path("bot/content/sentences.py"):
            used |= {key for key in _constants(tree) if "." in key} | set(_said(tree)) | set(_made(tree))
    assert sorted(set(SENTENCES) - used) == []


# The clock


def _asks_the_time(tree: ast.Module) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = getattr(node, "module", None)
            found += [alias.name for alias in node.names if (module or alias.name) == "time"]
        elif isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today"):
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            found += [f"{owner}.{node.attr}"] if owner in ("datetime", "date") else []
    return found


def test_only_the_clock_asks_what_time_it_is() -> None:
    asking = {str(path): found for path, tree in code() if (found := _asks_the_time(tree))}
    assert set(asking) == {"bot/clock.py"}, asking


@pytest.mark.parametrize(
    "line",
    [
        "import time",
        "from time import monotonic",
        "x = datetime.now(UTC)",
        "x = datetime.datetime.utcnow()",
        "x = date.today()",
        "f(default_factory=datetime.now)",
    ],
)
def test_whoever_else_asks_the_time_is_found(line: str) -> None:
    assert _asks_the_time(ast.parse(line))


# Files


def test_nothing_unplanned_lies_at_the_top() -> None:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout: git clone")
    tracked = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {name.partition("/")[0] for name in tracked.split("\0") if name} <= PLANNED
    assert sorted(name for name in PLANNED if not (ROOT / name).exists()) == []


# Written so that this file does not hold the words itself.
UNWANTED = {
    "a registry's host": r"py[p]i\.org|python[h]osted\.org|npm[j]s\.|deb[i]an\.org|docker\.i[o]\b",
    "a path of one machine": r"(?<!<)/roo[t]/|/hom[e]/|/wor[k]/|/op[t]/|/Use[r]s/|\.\./share[d]|[A-Z]:\\\\Use[r]s",
    "how it was made": r"(?i)\b(clau[d]e|anthro[p]ic|open[a]i|chat[g]pt|copilo[t]|ll[m]s?|co-authored-b[y])\b"
    r"|\bA[I]\b|language mode[l]s?\b|(?i:\bsystem promp[t])",
}


@pytest.mark.parametrize("what", UNWANTED)
def test_no_file_names(what: str) -> None:
    pattern, found, read = re.compile(UNWANTED[what]), [], 0
    for path in files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        read += 1
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in pattern.finditer(text)]
    assert read > 100
    assert found == []


def test_every_folder_of_code_is_a_package_and_everything_else_in_it_is_package_data() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["bot"]
    packed = {path for pattern in patterns for path in (ROOT / "bot").glob(pattern)}
    for path in files():
        if path.relative_to(ROOT).parts[0] in ("bot", "handlers"):
            if path.suffix == ".py":
                assert (path.parent / "__init__.py").exists(), path
            else:
                assert path in packed, path


# Packages


def _pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line)] == []
    return {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}


def _needed() -> tuple[set[str], set[str]]:
    """Everything that the two install lines bring here, and what of it is not installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ours = [*project["dependencies"], *(row for rows in project["optional-dependencies"].values() for row in rows)]
    waiting = [(row, "") for row in map(Requirement, ours)]
    seen: set[tuple[str, str]] = set()
    absent: set[str] = set()
    while waiting:
        wanted, extra = waiting.pop()
        name = canonicalize_name(wanted.name)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": extra}):
            continue
        for new in {(name, extra) for extra in ("", *wanted.extras)} - seen:
            seen.add(new)
            try:
                waiting += [(row, new[1]) for row in map(Requirement, importlib.metadata.requires(name) or ())]
            except importlib.metadata.PackageNotFoundError:
                absent.add(name)
    return {name for name, _ in seen}, absent


def test_every_package_that_is_installed_for_us_is_pinned() -> None:
    pins, (needed, absent) = _pins(), _needed()
    assert sorted(needed - set(pins)) == []
    if sys.platform == "linux" and not absent:
        assert sorted(set(pins) - needed) == []


def test_the_two_commands_stand_in_the_readme_each_on_one_line() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    run = "pip install -c constraints.txt -e '.[semantic]' && usher demo"
    test = "pip install -c constraints.txt -e '.[semantic,test]' && pytest"
    installs = [line for line in lines if "pip install" in line]
    assert next(line for line in installs if "usher demo" in line) == run
    assert next(line for line in installs if "pytest" in line) == test
