"""One station for the many tests of what leaves later, well again before each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.conftest import postgresql_url, sqlite_url
from tests.e2e.conftest import BOTH
from tests.e2e.deliver import LATER_THAN_USUAL, Station, station
from tests.e2e.talk import content_with


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=BOTH)
async def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Station]:
    """One station on each kind of database for many tests, each with people of its own."""
    if request.param == "sqlite":
        url = sqlite_url(tmp_path_factory.mktemp("station"))
    else:
        url = postgresql_url(request.getfixturevalue("postgresql"))
    async with station(url, NOW=LATER_THAN_USUAL) as home:
        yield home


@pytest_asyncio.fixture(loop_scope="session")
async def home(shared: Station) -> AsyncIterator[Station]:
    """The shared station, where all is well; after each test the platforms have nothing to complain about."""
    await shared.as_new()
    yield shared
    content_with(shared)
    assert shared.telegram.limits.broken == []
