from collections.abc import AsyncIterator

import asyncpg
import pytest

from okr_common.postgres.pool import open_pool
from okr_stack.testing import StackUnderTest

TABLES = ("run_step", "slot", "work_item", "run", "delivery.outbox", "delivery.relay_lease")


@pytest.fixture
async def ops(stack: StackUnderTest) -> AsyncIterator[asyncpg.Pool]:
    """okr_ops with an empty ledger; cleaner than a fresh stack where no test looks at Kafka, and much quicker."""
    stack.up()
    pool = await open_pool(stack.dsn("okr_etl", "ops"), "test", size=8)
    for table in TABLES:
        await pool.execute(f"delete from {table}")
    yield pool
    await pool.close()
