"""What the use of a connection leaves to whoever uses it next."""

import asyncio

import pytest

from okr_common.postgres.pool import open_pool
from okr_stack.testing import StackUnderTest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(60)]
LOCK = 4_711


async def test_a_transaction_that_was_cut_off_is_rolled_back(stack: StackUnderTest) -> None:
    stack.up()
    async with await open_pool(stack.dsn("okr_etl", "ops"), "test", size=1, leaves_nothing=True) as pool:

        async def cut_off() -> None:
            async with pool.acquire() as connection, connection.transaction():
                await connection.execute("create temporary table left_behind () on commit drop")
                await connection.execute("select pg_sleep(30)")

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(cut_off(), 0.2)
        assert await pool.fetchval("select to_regclass('left_behind')") is None
        assert await pool.fetchval("select pg_current_xact_id_if_assigned() is null"), "not in the one before"


async def test_a_lock_of_the_session_does_not_outlive_its_use(stack: StackUnderTest) -> None:
    stack.up()
    dsn = stack.dsn("okr_ingest_api", "raw")
    async with await open_pool(dsn, "test", size=1) as held, await open_pool(dsn, "test") as other:
        assert await held.fetchval("select pg_try_advisory_lock($1)", LOCK)
        assert await other.fetchval("select pg_try_advisory_xact_lock($1)", LOCK), "given back unlocked"
