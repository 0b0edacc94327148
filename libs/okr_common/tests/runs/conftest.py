from collections.abc import AsyncIterator

import asyncpg
import pytest

from okr_common.postgres.pool import open_pool
from okr_stack.testing import StackUnderTest

TABLES = ("report", "run_step", "slot", "work_item", "run", "delivery.outbox", "delivery.relay_lease")


@pytest.fixture
async def ops(stack: StackUnderTest) -> AsyncIterator[asyncpg.Pool]:
    """okr_ops with an empty ledger; cleaner than a fresh stack where no test looks at Kafka, and much quicker."""
    stack.up()
    admin = await asyncpg.connect(stack.admin_dsn("okr_ops"))  # a report is the monitor's, whose tests leave some
    for table in TABLES:
        await admin.execute(f"delete from {table}")
    await admin.close()
    pool = await open_pool(stack.dsn("okr_etl", "ops"), "test", size=8)
    yield pool
    await pool.close()
