"""What the field holds against goals that are under way: each rule by rows that break it and rows that do not."""

from collections.abc import AsyncIterator, Iterator
from datetime import date, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import asyncpg
import orjson
import pytest

from okr_common.postgres.pool import open_pool
from okr_common.topology import STAGES
from okr_etl.store import SQL
from okr_etl.store.quality import Patience, QualityStore, Today
from okr_stack.testing import StackUnderTest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(60)]
TODAY = date(2026, 6, 1)
KNOWN, USUAL = Today(TODAY, has_status=True), Patience()
GOAL = """
insert into objective (objective_id, source, source_id, revision, content_hash, knowledge_time, batch_id, row_num,
    title)
values ($1, 's', $2, 1, '', now(), 1, 1, $2) on conflict do nothing
"""
KEY_RESULT = """
insert into key_result (key_result_id, source, source_id, revision, content_hash, knowledge_time, batch_id, row_num,
    objective_id, title, metric_kind, start_on, due_on, owner, direction, baseline, target)
values ($1, 's', $2, 1, '', now(), 1, 1, $3, $2, 'number', $4, $5, $6, $7, $8, $9)
"""
CHECK_IN = """
insert into check_in (check_in_id, source, source_id, revision, content_hash, knowledge_time, batch_id, row_num,
    key_result_id, as_of, value, status_raw, status)
values ($1, 's', $2, 1, '', now(), 1, 1, $3, $4, $5, $6, case $6 when 'On track' then 'on_track' end)
"""
MANY_KEY_RESULTS = """
insert into key_result (key_result_id, source, source_id, revision, content_hash, knowledge_time, batch_id, row_num,
    objective_id, title, metric_kind, start_on, due_on, direction)
select md5('k' || n)::uuid, 's', n, 1, '', now(), 1, n, md5('o')::uuid, n, 'number', $2, $3, 'increase'
from generate_series(1, $1::int) as n
"""
TEN_CHECK_INS_OF_EACH = """
insert into check_in (check_in_id, source, source_id, revision, content_hash, knowledge_time, batch_id, row_num,
    key_result_id, as_of, value, status_raw, status)
select md5(n || ' ' || ago)::uuid, 's', n || ' ' || ago, 1, '', now(), 1, n, md5('k' || n)::uuid, $2::date - ago, n,
    'On track', 'on_track'
from generate_series(1, $1::int) as n, generate_series(1, 50, 5) as ago
"""


Aim = tuple[str, float | None, float | None]
"""Of a key result: direction, baseline, target."""


class Company:
    """Writes goals as etl would have."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._quality = QualityStore(pool)

    async def goal(
        self,
        objective: str,
        name: str,
        *check_ins: tuple[int, float | None],
        owner: str | None = "ada",
        due: int = 90,
        status: str = "On track",
        aim: Aim = ("increase", None, None),
    ) -> None:
        """Check-ins as (days ago, value)."""
        ids = [uuid5(NAMESPACE_URL, text) for text in (objective, name)]
        await self._pool.execute(GOAL, ids[0], objective)
        start, end = TODAY - timedelta(days=100), TODAY + timedelta(days=due)
        await self._pool.execute(KEY_RESULT, ids[1], name, ids[0], start, end, owner, *aim)
        for ago, value in check_ins:
            as_of = TODAY - timedelta(days=ago)
            await self._pool.execute(
                CHECK_IN, uuid5(NAMESPACE_URL, f"{name}{ago}"), f"{name}{ago}", ids[1], as_of, value, status
            )

    async def close(self, table: str, source_id: str) -> None:
        """Nothing says it any more."""
        await self._pool.execute(f"update {table} set closed = 'replayed' where source_id = $1", source_id)

    async def warnings(self, warning: str, *, today: Today = KNOWN, patience: Patience = USUAL) -> list[str]:
        found = await self._quality.warnings({"s": today}, patience, warning, 100)
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
    silent = Today(TODAY, has_status=False)
    await company.goal("Grow", "known", (1, 1))
    await company.goal("Grow", "odd", (8, 1), (1, 2), status="On holiday")
    await company.goal("Grow", "ended", (30, 1), status="Parked", due=-1)
    assert await company.warnings("unknown_status") == [
        "On holiday: 2 check-ins say so, the last of 2026-05-31; the mapping knows no such status",
        "Parked: 1 check-in says so, the last of 2026-05-02; the mapping knows no such status",
    ]
    assert await company.warnings("unknown_status", today=silent) == [], "nothing says what words mean there"


async def test_check_ins_before_their_key_result_began(company: Company) -> None:
    await company.goal("Grow", "begins", (100, 1), (99, 2))
    await company.goal("Grow", "early", (101, 1), (100, 2))
    await company.goal("Grow", "earlier", (130, 1), (101, 2), (5, 3))
    await company.goal("Over", "ended", (101, 1), due=-1)
    await company.goal("Grow", "withdrawn", (101, 1))
    await company.close("key_result", "withdrawn")
    await company.goal("Grow", "taken back", (101, 1))
    await company.close("check_in", "taken back101")
    assert await company.warnings("check_in_before_start") == [
        "earlier: 2 check-ins are of days before it began on 2026-02-21, the first of 2026-01-22",
        "early: 1 check-in is of 2026-02-20, before it began on 2026-02-21",
    ]


async def test_check_ins_after_their_key_result_was_due(company: Company) -> None:
    await company.goal("Over", "on the day", (20, 1), due=-20)
    await company.goal("Over", "late", (19, 1), due=-20)
    await company.goal("Over", "later", (50, 1), (18, 2), (16, 3), due=-20)
    await company.goal("Grow", "from the future", (-91, 1))
    await company.goal("Over", "withdrawn", (1, 1), due=-20)
    await company.close("key_result", "withdrawn")
    future = "from the future: 1 check-in is of 2026-08-31, after it was due on 2026-08-30"
    assert await company.warnings("check_in_after_close") == [
        future,
        "late: 1 check-in is of 2026-05-13, after it was due on 2026-05-12",
        "later: 2 check-ins are of days after it was due on 2026-05-12, the first of 2026-05-14",
    ]
    graced = [
        await company.warnings("check_in_after_close", today=Today(TODAY, True, True, days)) for days in (1, 3, 4)
    ]
    assert graced == [
        ["later: 2 check-ins are of days after it was due on 2026-05-12 and 1 day of grace, the first of 2026-05-14"],
        ["later: 1 check-in is of 2026-05-16, after it was due on 2026-05-12 and 3 days of grace"],
        [],
    ]


async def test_late_check_ins_are_told_for_a_quarter_after_the_due_date(company: Company) -> None:
    await company.goal("Over", "long", (90, 1), (88, 2), due=-91)
    await company.goal("Over", "lately", (88, 1), due=-90)
    told = await company.warnings("check_in_after_close")
    assert [line.partition(":")[0] for line in told] == ["lately"]
    told = await company.warnings("check_in_after_close", patience=Patience(due=91))
    assert [line.partition(":")[0] for line in told] == ["lately", "long"]


async def test_key_results_that_ended_without_a_value(company: Company) -> None:
    aim: Aim = ("increase", 0, 10)
    await company.goal("Over", "never told of", due=-4, aim=aim)
    await company.goal("Over", "no figures", (30, None), (5, None), due=-4, aim=aim)
    await company.goal("Over", "too late", (0, 7), due=-4, aim=aim)
    await company.goal("Over", "taken back", (5, 7), due=-4, aim=aim)
    await company.close("check_in", "taken back5")
    await company.goal("Over", "told", (1, 7), due=-4, aim=aim)
    await company.goal("Over", "not yet", due=-3, aim=aim)
    await company.goal("Over", "long ago", due=-91, aim=aim)
    await company.goal("Over", "without a target", due=-4)
    await company.goal("Over", "judged by none", due=-4, aim=("none", 0, 10))
    await company.goal("Over", "withdrawn", due=-4, aim=aim)
    await company.close("key_result", "withdrawn")
    by_due = Today(TODAY, has_status=True, grace_days=3)
    untold = "it was due on 2026-05-28 and 3 days of grace, and no check-in by then has a value: it has no outcome"
    assert await company.warnings("ended_without_value", today=by_due) == [
        f"{title}: {untold}" for title in ("never told of", "no figures", "taken back", "too late")
    ]
    assert await company.warnings("ended_without_value") == [], "the source says itself how they end"


async def test_check_ins_of_the_days_their_files_came_lie_outside_of_no_time(company: Company) -> None:
    await company.goal("Grow", "planned then", (101, 1))
    await company.goal("Over", "still exported", (1, 1), due=-20)
    today = Today(TODAY, has_status=False, tells_days=False)
    assert await company.warnings("check_in_before_start", today=today) == []
    assert await company.warnings("check_in_after_close", today=today) == []


async def test_targets_that_leave_no_way_to_go(company: Company) -> None:
    await company.goal("Grow", "kept", aim=("increase", 5, 5))
    await company.goal("Grow", "zero", aim=("decrease", 0, 0))
    await company.goal("Grow", "small", aim=("increase", 5, 5.001))
    await company.goal("Grow", "level", aim=("stay_above", 5, 5))
    await company.goal("Grow", "open", aim=("increase", 5, None))
    await company.goal("Over", "ended", aim=("increase", 5, 5), due=-1)
    assert await company.warnings("baseline_is_target") == [
        "kept: it is to increase, and baseline and target are both 5: its progress is 0 whatever its value",
        "zero: it is to decrease, and baseline and target are both 0: its progress is 0 whatever its value",
    ]


async def test_targets_that_lie_the_other_way(company: Company) -> None:
    await company.goal("Grow", "more", aim=("increase", 12.5, 5))
    await company.goal("Grow", "less", aim=("decrease", -2, 100))
    await company.goal("Grow", "nowhere", aim=("stay_between", 85, 70))
    await company.goal("Grow", "between", aim=("stay_between", 70, 85))
    await company.goal("Grow", "up", aim=("increase", 5, 5.5))
    await company.goal("Grow", "down", aim=("decrease", 5, 4.5))
    await company.goal("Grow", "kept", aim=("increase", 5, 5))
    await company.goal("Grow", "level", aim=("stay_below", 5, 9))
    await company.goal("Grow", "unmeasured", aim=("decrease", None, 9))
    await company.goal("Over", "ended", aim=("increase", 5, 1), due=-1)
    assert await company.warnings("wrong_direction") == [
        "less: it is to decrease, but its target 100 lies above its baseline -2",
        "more: it is to increase, but its target 5 lies below its baseline 12.5",
        "nowhere: it is to stay between, but its target 70 lies below its baseline 85",
    ]


@pytest.mark.parametrize("warning", ["silent", "on_track_without_movement", None])
async def test_each_check_in_is_looked_at_a_few_times_also_where_nothing_was_analyzed(
    fresh_stack: StackUnderTest, warning: str | None
) -> None:
    goals = 1_000
    admin = await asyncpg.connect(fresh_stack.admin_dsn("okr_processed"))
    try:
        for table in ("key_result", "check_in", "outcome"):
            await admin.execute(f"alter table {table} set (autovacuum_enabled = false)")
        await admin.execute(MANY_KEY_RESULTS, goals, TODAY - timedelta(days=100), TODAY + timedelta(days=90))
        await admin.execute(TEN_CHECK_INS_OF_EACH, goals, TODAY)
        asked = (["s"], [TODAY], 30, 28, warning, 100, ["s"], 7, [0], [True], 90)
        plan = await admin.fetchval(f"explain (analyze, format json) {SQL['warnings']}", *asked)
    finally:
        await admin.close()
    assert 0 < sum(_handed_on(orjson.loads(plan)[0]["Plan"])) <= 10 * 10 * goals


def _handed_on(node: dict[str, Any]) -> Iterator[float]:
    """Of each part of the plan: the rows it gave, however often it was asked for them."""
    yield node["Actual Rows"] * node["Actual Loops"]
    for below in node.get("Plans", ()):
        yield from _handed_on(below)
