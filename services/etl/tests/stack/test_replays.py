"""Replays on the real database: what holds afterwards is what today's mapping would have made of the batches.

The oracle is the source in memory: batches before the first one under the mapping of then, the others under today's.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from okr_common.paths import repository
from okr_common.testing.waiting import until
from okr_common.topology import STAGES
from okr_etl.domain.replay import Replay
from okr_etl.testing import MemorySource, RawWriter
from okr_etl.testing.inner import Inner, inner
from okr_stack.testing import StackUnderTest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]
STAGE = STAGES["etl"]
SOURCE = "mta_nyct"
Table = tuple[list[str], list[list[str]]]
CHAINS = """
select v.entity, v.entity_id::text, row_number() over (partition by v.entity_id order by v.revision) as place,
       v.knowledge_time, v.payload
from entity_version v where v.closed is null
  and not exists (select from withdrawn w where w.entity_id = v.entity_id and w.revision = v.revision)
"""
CURRENT = "select {0}_id::text, content_hash, knowledge_time from {0} where closed is null"
WORDS = "map: { U: stay_above, D: stay_below, N: none }"
WAITS = "select exists (select from pg_stat_activity where wait_event_type = 'Lock' and usename = 'okr_etl')"
HELD_TWICE = "select from held_version where revision is not null group by entity_id, revision having count(*) > 1"
NO_TIME, A_TIME = "    as_of: as_of\n    value", "    as_of: as_of\n    recorded_at: as_of\n    value"
EDITS = {
    "a target from another column": ("from: YTD_TARGET", "from: MONTHLY_TARGET"),
    "a value from another column": ("from: YTD_ACTUAL", "from: MONTHLY_ACTUAL"),
    "a word that is unknown now": (WORDS, "map: { U: stay_above, N: none }"),
    "another key": ("key: [indicator, year]", "key: [indicator, agency, year]"),
    "another day": ("- INTERVAL '1 day'", "- INTERVAL '2 days'"),
    "a time of its own": (NO_TIME, A_TIME),
    "nothing that matters": ("title: MTA New York", "title: The MTA of New York"),
}


CASES = [(edit, first) for number, edit in enumerate(EDITS) for first in {1, 2 + number % 2}]
HOLES = """
select entity_id from held_version group by entity_id having count(*) <> max(number) - min(number) + 1
union all
select h.entity_id from held_version h join entity_version v using (entity_id)
where v.closed is null
  and not exists (select from held_version o where o.entity_id = v.entity_id and o.revision = v.revision)
  and not exists (select from withdrawn w where w.entity_id = v.entity_id and w.revision = v.revision)
"""
"""Entities of which something is held, and not all."""


@dataclass
class Etl(Inner):
    """With a mapping that is edited."""

    file: Path

    def edit(self, old: str, new: str) -> None:
        text = self.file.read_text()
        assert old in text
        self.file.write_text(text.replace(old, new))

    async def replay(self, first: int) -> None:
        await self.replays.ask(SOURCE, first)
        while await self.replayer._step(SOURCE):
            pass
        assert await self.replays.asked() == []

    async def chains(self) -> set[tuple[object, ...]]:
        return {tuple(row) for row in await self.pool.fetch(CHAINS)}

    async def current(self) -> set[tuple[object, ...]]:
        entities = ("objective", "key_result", "check_in", "outcome")
        return {(entity, *row) for entity in entities for row in await self.pool.fetch(CURRENT.format(entity))}


@pytest.fixture
async def etl(fresh_stack: StackUnderTest, tmp_path: Path) -> AsyncIterator[Etl]:
    file = tmp_path / f"{SOURCE}.yaml"
    file.write_text((repository() / "configs" / "sources" / file.name).read_text())
    async with inner(fresh_stack.dsn, tmp_path) as parts:
        yield Etl(**vars(parts), file=file)


def chains(memory: MemorySource) -> set[tuple[object, ...]]:
    """The same of the source in memory; nothing was ever withdrawn there, so a place is a revision."""
    return {(entity, one, place, at, payload) for entity, one, place, at, payload in memory.published.iter_rows()}


def files(table: Table) -> list[list[list[str]]]:
    """Four exports: rows change and move, some are rejected, a target moves in the past, the last is a full one."""
    header, rows = table
    actual, target, month = (header.index(name) for name in ("YTD_ACTUAL", "YTD_TARGET", "PERIOD_MONTH"))
    rows = rows[:600]

    def edited(row: list[str], column: int, cell: str) -> list[str]:
        return [*row[:column], cell, *row[column + 1 :]]

    bad = [edited(row, month, "13th") for row in rows[20:30]]
    return [
        [*rows[:20], *bad, *rows[30:300]],
        [*[edited(row, actual, "7.5") for row in rows[:40]], *rows[300:320]],
        [*[edited(row, target, "51.5") for row in rows[100:160]], *rows[320:500]],
        rows,
    ]


async def applied(etl: Etl, raw: RawWriter, header: list[str], exports: Iterable[list[list[str]]]) -> None:
    for rows in exports:
        await raw.release(SOURCE, header, rows)
    await etl.apply_all(SOURCE)


async def test_a_batch_tells_the_mapping_it_was_transformed_under_and_a_replay_tells_of_none(
    etl: Etl, raw: RawWriter, mta_file: Table
) -> None:
    header, rows = mta_file
    await applied(etl, raw, header, [rows[:12]])
    etl.edit(*EDITS["a value from another column"])
    await etl.replay(1)
    await applied(etl, raw, header, [rows[12:14]])
    told = [(one.position, one.generation, one.mapping_version) for one in await etl.transformed()]
    assert told == [(1, 1, 1), (2, 2, 2)]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_replay_makes_what_todays_mapping_would_have_made(
    etl: Etl, raw: RawWriter, mta_file: Table, memory: MemorySource, case: tuple[str, int]
) -> None:
    edit, first = case
    header, exports = mta_file[0], files(mta_file)
    await applied(etl, raw, header, exports[:3])
    before = await etl.chains()
    assert before == await in_memory(memory, exports[:3])
    etl.edit(*EDITS[edit])
    await etl.replay(first)
    mended = etl.mappings.of(SOURCE, header)
    anew = MemorySource(memory.mapping, header)
    for position, rows in enumerate(exports[:3], 1):
        anew.mapping = mended if position >= first else memory.mapping
        anew.load(rows)
    assert await etl.chains() == chains(anew)
    await applied(etl, raw, header, exports[3:])
    anew.mapping = mended
    anew.load(exports[3])
    assert await etl.chains() == chains(anew)
    assert {(row[1], row[2].hex()) for row in await etl.current()} == newest(anew)


async def in_memory(memory: MemorySource, exports: Iterable[list[list[str]]]) -> set[tuple[object, ...]]:
    for rows in exports:
        memory.load(rows)
    return chains(memory)


def newest(memory: MemorySource) -> set[tuple[str, str]]:
    """Of each entity the hash of its newest version."""
    held = memory.held.filter(memory.held["revision"].is_not_null()).sort("revision")
    return set(held.unique("entity_id", keep="last").select("entity_id", "content_hash").iter_rows())


async def test_a_replay_stops_between_two_batches_goes_on_and_takes_in_what_came_meanwhile(
    etl: Etl, raw: RawWriter, mta_file: Table, memory: MemorySource
) -> None:
    header, exports = mta_file[0], files(mta_file)
    await applied(etl, raw, header, exports[:3])
    etl.edit(*EDITS["a value from another column"])
    await etl.replays.ask(SOURCE, 2)
    assert [await etl.replayer._step(SOURCE) for _ in range(2)] == [True, True], "it begins, and does the second batch"
    assert await etl.replays.stop(SOURCE)
    assert not await etl.replays.stop(SOURCE)
    assert not await etl.replayer._step(SOURCE)
    await applied(etl, raw, header, exports[3:])
    (stopped,) = await etl.replays.asked()
    assert (stopped.state, stopped.position, stopped.head) == ("stopped", 2, 4)
    before = await etl.chains()
    await etl.replay(2)
    memory.load(exports[0])
    memory.mapping = etl.mappings.of(SOURCE, header)
    for rows in exports[1:]:
        memory.load(rows)
    assert before != await etl.chains() == chains(memory)
    results = await etl.pool.fetch("select position, generation from batch_result order by generation, position")
    assert [tuple(row) for row in results] == [*[(position, 1) for position in range(1, 5)], (2, 2), (3, 2), (4, 2)]


async def test_a_mapping_edited_while_it_is_replayed_begins_the_replay_anew(
    etl: Etl, raw: RawWriter, mta_file: Table
) -> None:
    header, exports = mta_file[0], files(mta_file)
    await applied(etl, raw, header, exports[:3])
    before = await etl.chains()
    etl.edit(*EDITS["a value from another column"])
    await etl.replays.ask(SOURCE, 1)
    for _ in range(3):
        assert await etl.replayer._step(SOURCE)
    etl.edit(*reversed(EDITS["a value from another column"]))
    await etl.replay(1)
    assert await etl.chains() == before
    assert await etl.pool.fetchval("select count(*) from entity_version where generation = 2") == 0


async def test_a_broken_mapping_holds_up_its_replay_only_and_tells_why(
    etl: Etl, raw: RawWriter, mta_file: Table
) -> None:
    header, exports = mta_file[0], files(mta_file)
    await applied(etl, raw, header, exports[:1])
    etl.edit("from: YTD_TARGET", "from: YTD_TARGT")
    await etl.replays.ask(SOURCE, 1)
    await etl.replayer._replay(SOURCE, asyncio.Event())
    assert "YTD_TARGT" in (await etl.replays.waits.look())[SOURCE].detail
    assert await etl.pool.fetchval("select generation from source_head") == 1
    etl.edit("from: YTD_TARGT", "from: YTD_TARGET")
    await etl.replayer._replay(SOURCE, asyncio.Event())
    assert await etl.replays.waits.look() == {}
    assert await etl.pool.fetchval("select generation from source_head") == 2


async def test_two_replicas_may_carry_out_one_replay_and_one_that_wakes_up_late_spoils_nothing(
    etl: Etl, raw: RawWriter, mta_file: Table, memory: MemorySource
) -> None:
    """It does what it had decided on before it was stopped: to begin, or to switch under a mapping of before."""
    header, exports = mta_file[0], files(mta_file)
    await applied(etl, raw, header, exports[:3])
    edited = EDITS["a value from another column"]
    etl.edit(*edited)
    await etl.replays.ask(SOURCE, 1)
    (to_begin,) = await etl.replays.asked()
    former = etl.mappings.now(SOURCE)
    await asyncio.gather(etl.replayer._step(SOURCE), etl.replayer._step(SOURCE))
    to_switch = await until_all_is_done_again(etl)
    await etl.replays.begin(to_begin, former, None)
    assert await etl.replays.asked() == [to_switch], "not begun anew"
    etl.edit(*reversed(edited))
    assert await etl.replayer._step(SOURCE), "but for another mapping"
    await until_all_is_done_again(etl)
    assert await etl.replays.switch(to_switch) is None, "the switch would be another one's"
    assert await etl.replayer._step(SOURCE) is False
    assert await etl.pool.fetchval("select generation from source_head") == 2
    assert await etl.chains() == await in_memory(memory, exports[:3])


async def test_of_two_replicas_that_begin_at_the_same_moment_one_looks_again(
    etl: Etl, raw: RawWriter, mta_file: Table
) -> None:
    await applied(etl, raw, mta_file[0], files(mta_file)[:1])
    await etl.replays.ask(SOURCE, 1)
    async with etl.pool.acquire() as connection:
        begun = connection.transaction()
        await begun.start()
        await connection.execute("update replay set updated_at = now()")
        step = asyncio.create_task(etl.replayer._step(SOURCE))
        await until(lambda: etl.pool.fetchval(WAITS))
        await begun.commit()
    assert await step is True, "and looks again"
    assert (await etl.replays.asked())[0].generation is None
    while await etl.replayer._step(SOURCE):
        pass
    assert await etl.pool.fetchval("select generation from source_head") == 2


async def until_all_is_done_again(etl: Etl) -> Replay:
    """What comes next is the switch."""
    while (replay := (await etl.replays.asked())[0]).position != replay.head:
        assert await etl.replayer._step(SOURCE)
    return replay


async def test_a_replay_may_go_back_to_a_former_mapping(etl: Etl, raw: RawWriter, mta_file: Table) -> None:
    header, exports = mta_file[0], files(mta_file)
    await applied(etl, raw, header, exports[:2])
    before = await etl.chains()
    etl.edit(*EDITS["a value from another column"])
    await applied(etl, raw, header, exports[2:3])
    await etl.replay(1)
    assert [one["version"] for one in await etl.processed.mappings(SOURCE)] == [2, 1]
    former, today = await etl.processed.mapping(SOURCE, 1), await etl.processed.mapping(SOURCE, 2)
    assert former is not None
    assert today == etl.mappings.now(SOURCE)
    assert former.hash != etl.mappings.now(SOURCE).hash
    await etl.replays.ask(SOURCE, 1, mapping_version=1)
    while await etl.replayer._step(SOURCE):
        pass
    assert before <= await etl.chains()


async def test_the_switch_waits_until_a_file_is_applied_wholly(etl: Etl, raw: RawWriter, mta_file: Table) -> None:
    header, rows = mta_file
    await raw.release(SOURCE, header, rows[:40], batch_rows=20)
    assert await etl.applier._next(SOURCE)
    etl.edit(*EDITS["a value from another column"])
    await etl.replays.ask(SOURCE, 1)
    while await etl.replayer._step(SOURCE):
        pass
    assert await etl.pool.fetchval("select generation from source_head") == 1
    await etl.apply_all(SOURCE)
    await etl.replay(1)
    head = await etl.pool.fetchrow("select generation, position from source_head")
    assert tuple(head or ()) == (2, 2)
    assert await etl.pool.fetchval("select count(*) from batch_result where replayed") == 2


@pytest.mark.parametrize("replayed", ["with a replay", ""])
async def test_check_ins_may_gain_and_lose_a_time_of_their_own(
    etl: Etl, raw: RawWriter, mta_file: Table, replayed: str
) -> None:
    """With a replay from the second file on, or without any: every one of them goes on with the next revision."""
    header, exports = mta_file[0], files(mta_file)
    actual = header.index("YTD_ACTUAL")
    await applied(etl, raw, header, exports[:1])
    for number, edit in enumerate(((NO_TIME, A_TIME), (A_TIME, NO_TIME), (NO_TIME, A_TIME)), 2):
        etl.edit(*edit)
        rows = [[*row[:actual], f"{number}.25", *row[actual + 1 :]] for row in exports[0][:20]]
        await applied(etl, raw, header, [rows])
        if replayed:
            await etl.replay(number)
        assert await etl.pool.fetch(HOLES) == [], edit
        assert await etl.pool.fetch(HELD_TWICE) == [], edit
        values = await etl.pool.fetch("select distinct value::float8 from check_in where batch_id > 1")
        assert [row["value"] for row in values] == [number + 0.25], edit
    await applied(etl, raw, header, [rows])
    assert await etl.pool.fetchval("select new + changed from batch_result order by position desc limit 1") == 0
