"""A level between two marks, on the real database: from rows of a file to check-ins, its outcome and its document."""

from collections.abc import AsyncIterator

import pytest

from okr_common.paths import repository
from okr_common.postgres.pool import open_pool
from okr_etl.curator import build
from okr_etl.store.documents import DocumentStore
from okr_etl.testing import RawWriter
from okr_etl.testing.inner import ROLE, Inner, inner
from okr_stack.testing import StackUnderTest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]
SOURCE = "okr_template"
HEADER = [
    *("objective_id", "objective", "key_result_id", "key_result", "kind", "direction", "unit", "baseline", "target"),
    *("start_on", "due_on", "owner", "as_of", "value", "status", "final"),
]
MET = "select source_id, progress from check_in order by as_of"


def row(day: str, value: str, final: str = "") -> list[str]:
    goal = ["O1", "Staffing", "K1", "Utilisation", "number", "stay_between", "%", "70", "85"]
    return [*goal, "2026-01-01", "2026-03-31", "", day, value, "", final]


@pytest.fixture
async def etl(fresh_stack: StackUnderTest) -> AsyncIterator[Inner]:
    async with inner(fresh_stack.dsn, repository() / "configs" / "sources") as parts:
        yield parts


async def test_it_is_kept_inside_the_marks_and_lost_outside(
    etl: Inner, raw: RawWriter, fresh_stack: StackUnderTest
) -> None:
    rows = [row("2026-01-31", "69.9"), row("2026-02-28", "70"), row("2026-03-31", "90", "yes")]
    await raw.release(SOURCE, HEADER, rows)
    await etl.apply_all(SOURCE)
    assert [one["progress"] for one in await etl.pool.fetch(MET)] == [0.0, 1.0, 0.0]
    assert await etl.pool.fetchval("select achieved from outcome") is False
    async with await open_pool(fresh_stack.dsn(ROLE, "curated"), "test") as curated:
        due = await DocumentStore(etl.pool, curated).due([SOURCE], 100)
    assert due is not None
    text = next(one.text for one in build(due) if one.entity == "key_result")
    assert "Goal: stay between 70 % and 85 %, from 2026-01-01 to 2026-03-31." in text
    assert "2026-01-31: 69.9 %, is outside of 70 % to 85 %" in text
    assert "2026-02-28: 70 %, is within 70 % to 85 %" in text
