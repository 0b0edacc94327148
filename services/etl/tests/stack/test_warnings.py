"""What the field holds against goals that are under way: each rule by rows that break it and rows that do not."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from uuid import NAMESPACE_URL, uuid5

import asyncpg
import pytest

from okr_common.postgres.pool import open_pool
from okr_common.topology import STAGES
from okr_etl.store.quality import Patience, QualityStore, Today
from okr_stack.testing import StackUnderTest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(60)]
TODAY = date(2026, 6, 1)
GOAL = """
insert into objective (objective_id, source, source_id, revision, content_hash, knowledge_time, batch_id, row_num,
    title)
values ($1, 's', $2, 1, '', now(), 1, 1, $2) on conflict do nothing
"""
KEY_RESULT = """
insert into key_result (key_result_id, source, source_id, revision, content_hash, knowledge_time, batch_id, row_num,
    objective_id, title, metric_kind, direction, start_on, due_on, owner)
values ($1, 's', $2, 1, '', now(), 1, 1, $3, $2, 'number', 'increase', $4, $5, $6)
"""
CHECK_IN = """
insert into check_in (check_in_id, source, source_id, revision, content_hash, knowledge_time, batch_id, row_num,
    key_result_id, as_of, value, status_raw, status)
values ($1, 's', $2, 1, '', now(), 1, 1, $3, $4, $5, $6, case $6 when 'On track' then 'on_track' end)
"""


class Company:
    """Writes goals as etl would have."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._quality = QualityStore(pool)

    async def goal(
        self,
        objective: str,
        name: str,
        *check_ins: tuple[int, float],
        owner: str | None = "ada",
        due: int = 90,
        status: str = "On track",
    ) -> None:
        """Check-ins as (days ago, value)."""
        ids = [uuid5(NAMESPACE_URL, text) for text in (objective, name)]
        await self._pool.execute(GOAL, ids[0], objective)
        start, end = TODAY - timedelta(days=100), TODAY + timedelta(days=due)
        await self._pool.execute(KEY_RESULT, ids[1], name, ids[0], start, end, owner)
        for ago, value in check_ins:
            as_of = TODAY - timedelta(days=ago)
            await self._pool.execute(
                CHECK_IN, uuid5(NAMESPACE_URL, f"{name}{ago}"), f"{name}{ago}", ids[1], as_of, value, status
            )

    async def warnings(self, warning: str, *, has_status: bool = True) -> list[str]:
        found = await self._quality.warnings({"s": Today(TODAY, has_status)}, Patience(), warning, 100)
        return [f"{one['title']}: {one['detail']}" for one in found]


@pytest.fixture
async def company(fresh_stack: StackUnderTest) -> AsyncIterator[Company]:
    async with await open_pool(fresh_stack.dsn(STAGES["etl"].role, "processed"), "test") as pool:
        yield Company(pool)


async def test_each_rule(company: Company) -> None:
    await company.goal("Grow", "moves", (25, 1), (11, 2), (4, 3))
    await company.goal("Grow", "still", (26, 5), (11, 5), (4, 5), owner=None)
    await company.goal("Alone", "silent", (31, 1))
    await company.goal("Told", "never")
    await company.goal("Over", "ended", owner=None, due=-1)
    for number in range(6):
        await company.goal("Crowd", f"c{number}", (30, 1))
    assert await company.warnings("no_owner") == ["still: nobody is named who answers for it"]
    assert await company.warnings("silent") == [
        "never: no check-in since it began on 2026-02-21",
        "silent: no check-in since 2026-05-01, 31 days ago",
    ]
    assert await company.warnings("too_many_key_results") == ["Crowd: 6 key results under way; 2 to 5 are usual"]
    singles = [line.partition(":")[0] for line in await company.warnings("single_key_result")]
    assert singles == ["Alone", "Told"], "what has ended is not under way"
    assert await company.warnings("on_track_without_movement") == [
        "still: 3 check-ins say on track in 22 days, and the value has not moved"
    ]


async def test_a_source_that_names_no_owners_is_not_warned_of_each(company: Company) -> None:
    await company.goal("Grow", "one", (1, 1), owner=None)
    assert await company.warnings("no_owner") == []


async def test_words_that_are_no_status_are_counted_and_listed(company: Company) -> None:
    await company.goal("Grow", "known", (1, 1))
    await company.goal("Grow", "odd", (8, 1), (1, 2), status="On holiday")
    await company.goal("Grow", "ended", (30, 1), status="Parked", due=-1)
    assert await company.warnings("unknown_status") == [
        "On holiday: 2 check-ins say so, the last of 2026-05-31; the mapping knows no such status",
        "Parked: 1 check-in says so, the last of 2026-05-02; the mapping knows no such status",
    ]
    assert await company.warnings("unknown_status", has_status=False) == [], "nothing says what words mean there"
