"""What day it is for a source, as okr_processed tells."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import asyncpg
import pytest
import pytest_asyncio

from okr_common.postgres.source_days import todays
from okr_stack.testing import StackUnderTest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(60)]
NOW = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
SHOWN = datetime(2017, 6, 30, tzinfo=UTC)


@pytest_asyncio.fixture
async def processed(fresh_stack: StackUnderTest) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(fresh_stack.admin_dsn("okr_processed"))
    yield connection
    await connection.close()


async def applied(processed: asyncpg.Connection, source: str, position: int, clock: str) -> None:
    """A batch, with a mapping of this clock."""
    await processed.execute(
        "insert into mapping_version (source, version, hash, mapping) "
        "values ($1, $2, $3, json_build_object('clock', $3::text))",
        *(source, position, clock),
    )
    await processed.execute(
        "insert into batch_result values ($1, $2, 1, $2, $3, 0, 0, 0, 0, 0, 0, 0, 0, 0)", source, position, clock
    )


async def head(processed: asyncpg.Connection, source: str, shown: datetime | None) -> None:
    await processed.execute("insert into source_head (source, coming) values ($1, $2)", source, shown)


async def test_each_source_has_the_day_of_its_own_clock(processed: asyncpg.Connection) -> None:
    for source, clock in (("live", "wall"), ("history", "data"), ("nothing_yet", "data"), ("live_and_new", "wall")):
        await head(processed, source, SHOWN if source in {"live", "history"} else None)
        await applied(processed, source, 1, clock)
    assert await todays(processed, NOW) == {
        "live": date(2026, 11, 24),
        "history": date(2017, 6, 30),
        "live_and_new": date(2026, 11, 24),
    }


async def test_the_mapping_that_was_applied_last_counts(processed: asyncpg.Connection) -> None:
    await head(processed, "moved", SHOWN)
    await applied(processed, "moved", 1, "data")
    await applied(processed, "moved", 2, "wall")
    assert await todays(processed, NOW) == {"moved": date(2026, 11, 24)}


async def test_before_mappings_were_kept_the_data_tells(processed: asyncpg.Connection) -> None:
    await head(processed, "old", SHOWN)
    assert await todays(processed, NOW) == {"old": date(2017, 6, 30)}
