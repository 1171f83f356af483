"""A small content folder with nothing wrong in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.content.sound import FILES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The sound folder, to be spoilt."""
    (tmp_path / "faq").mkdir()
    for name, text in FILES.items():
        (tmp_path / name).write_bytes(text.encode())
    return tmp_path
