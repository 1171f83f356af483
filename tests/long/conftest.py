"""What the tests of kills and hostile input share: where commands are forked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.long.nursery import Nursery


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Where servers are forked."""
    nursery = Nursery()
    yield nursery
    nursery.close()
