"""Late parents on the real database: in the transaction of the batch that brings them, and in replays.

The oracle is the source in memory, whose own tests say what it should be.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import asyncpg
import pytest

from okr_common.paths import repository
from okr_common.sources import Mapping
from okr_common.testing.waiting import until
from okr_etl.store.quality import Patience, QualityStore, Today
from okr_etl.testing import MemorySource, RawWriter
from okr_etl.testing.inner import Inner, inner
from okr_stack.testing import StackUnderTest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]
SOURCE = "viva_goals"
HEADER = [
    *("Row ID", "Title", "Parent", "Entity", "Owner Email", "Time Period", "Start Date", "Due Date", "Metric Name"),
    *("Starting Value", "Target Value", "Current Value", "Status"),
]
BY_ROW = {
    "clock: wall": "clock: data",
    'today: { from: "file:day", type: date }': 'today: { from: Start Date, type: date, formats: ["%Y-%m-%d"] }',
}
"""What a row says is told by its cells alone, so that memory and database are the same."""
OTHERWISE = {"columns: { goal: title,": "columns: { goal: title, above_entity: entity,"}
CALLED_OTHERWISE = {"{ from: Row ID, type: text,": "{ from: Row ID, type: text, map: { x1: '1', '11': '11' },"}
DUE_WHATEVER_IS_SAID = {"    due_on: due_on": "    due_on: start_on"}
SAME_ROW_PENDING = """
insert into pending (source, generation, position, batch_id, row_num, parent)
select source, generation + 1, position, batch_id, row_num, parent from pending
"""
"""What the replay has to write itself: it waits for whoever did."""
WAITS = "select exists (select from pg_stat_activity where wait_event_type = 'Lock' and usename = 'okr_etl')"
COUNTS = "new, changed, duplicate, unchanged, rejected, pending"
CHAINS = """
select v.entity, v.entity_id::text, row_number() over (partition by v.entity_id order by v.revision), v.payload
from entity_version v where v.closed is null
  and not exists (select from withdrawn w where w.entity_id = v.entity_id and w.revision = v.revision)
"""


def row(row_id: str, title: str, parent: str = "", value: str = "") -> list[str]:
    """A key result where it has a value; else a goal, which is no check-in."""
    target = "10" if value else ""
    return [row_id, title, parent, "", "", "Q1 2026", "2026-01-01", "2026-03-31", "", "0", target, value, "On Track"]


FIRST = [row("11", "Customers", "1", "5"), row("12", "Visits", "2", "1"), row("13", "Much", "1", "much")]
SECOND = [row("14", "Below itself", "15", "1"), row("2", "Be known"), row("16", "Lost", "99", "3")]
THIRD = [row("1", "Grow"), row("15", "Below itself, too", "14", "1"), row("11", "Customers", "1", "5")]
FILE = [*FIRST, *SECOND, *THIRD]


@dataclass
class Etl(Inner):
    """With a mapping that is edited."""

    file: Path

    def edit(self, edits: dict[str, str]) -> None:
        text = self.file.read_text()
        for old, new in edits.items():
            assert old in text
            text = text.replace(old, new)
        self.file.write_text(text)

    @property
    def mapping(self) -> Mapping:
        return self.mappings.of(SOURCE, HEADER)

    async def replay(self, first: int) -> None:
        await self.replays.ask(SOURCE, first)
        while await self.replayer._step(SOURCE):
            pass
        assert (await self.replays.asked(), await self.replays.waits.look()) == ([], {})

    async def chains(self) -> set[tuple[object, ...]]:
        return {tuple(one) for one in await self.pool.fetch(CHAINS)}

    async def counts(self) -> dict[int, dict[str, int]]:
        newest = (
            f"select distinct on (position) position, {COUNTS} from batch_result order by position, generation desc"
        )
        return {one.pop("position"): one for one in map(dict, await self.pool.fetch(newest))}

    async def decided(self) -> list[tuple[str | None, str | None]]:
        """Why nothing was closed for the last file."""
        return [tuple(one) for one in await self.pool.fetch("select reason, detail from absent_decided")]

    async def closed(self) -> list[str]:
        rows = await self.pool.fetch("select title from key_result where closed = 'absent' order by title")
        return [one["title"] for one in rows]

    async def rejected(self) -> list[tuple[object, ...]]:
        return [
            tuple(one) for one in await self.pool.fetch("select position, row_num, reasons from rejected order by 1, 2")
        ]

    async def waiting(self) -> list[tuple[int, int, str]]:
        rows = await self.pool.fetch(
            "select p.position, row_num, parent from pending p join source_head using (source, generation)"
        )
        return sorted((one["position"], one["row_num"], one["parent"]) for one in rows)


@pytest.fixture
async def etl(fresh_stack: StackUnderTest, tmp_path: Path) -> AsyncIterator[Etl]:
    file = tmp_path / f"{SOURCE}.yaml"
    file.write_text((repository() / "configs" / "sources" / file.name).read_text())
    async with inner(fresh_stack.dsn, tmp_path) as parts:
        etl = Etl(**vars(parts), file=file)
        etl.edit(BY_ROW)
        yield etl


def chains(memory: MemorySource) -> set[tuple[object, ...]]:
    return {(entity, one, place, payload) for entity, one, place, _, payload in memory.published.iter_rows()}


def in_memory(mapping: Mapping, files: Sequence[Sequence[Sequence[str]]], batch_rows: int) -> MemorySource:
    memory = MemorySource(mapping, HEADER)
    for number, rows in enumerate(files, start=1):
        for start in range(0, len(rows), batch_rows):
            memory.load(rows[start : start + batch_rows], f"file/{number}")
    return memory


@pytest.mark.parametrize("batch_rows", [9, 3, 1])
async def test_parents_that_come_in_a_later_batch(etl: Etl, raw: RawWriter, batch_rows: int) -> None:
    await raw.release(SOURCE, HEADER, FILE, batch_rows=batch_rows)
    await etl.apply_all(SOURCE)
    whole, memory = in_memory(etl.mapping, [FILE], 9), in_memory(etl.mapping, [FILE], batch_rows)
    assert await etl.chains() == chains(memory) == chains(whole)
    assert await etl.counts() == memory.tree.counts
    assert [parent for _, _, parent in await etl.waiting()] == ["99"]
    rejected = await etl.pool.fetch("select row_num, reasons from rejected order by row_num")
    assert [(one["row_num"], one["reasons"]) for one in rejected] == [
        (3, ["not_a_number:value"]),
        (4, ["cyclic_parent"]),
        (8, ["cyclic_parent"]),
    ]


async def test_what_waited_is_published_with_the_batch_that_brings_its_parent(etl: Etl, raw: RawWriter) -> None:
    events = await raw.release(SOURCE, HEADER, FILE, batch_rows=3)
    await etl.apply_all(SOURCE)
    told = await etl.pool.fetch(
        "select position, seq, batch_id, row_num, payload ->> 'title' as title from entity_version "
        "where entity = 'key_result' order by position, seq"
    )
    assert [(one["position"], one["batch_id"], one["row_num"], one["title"]) for one in told] == [
        (2, events[0].batch_id, 2, "Visits"),
        (3, events[0].batch_id, 1, "Customers"),
    ]
    versions = await etl.pool.fetch("select position, versions from batch_result order by position")
    assert [one["versions"] for one in versions] == [0, 3, 3]
    made = [(one.objectives, one.key_results, one.check_ins, one.outcomes) for one in await etl.transformed()]
    assert made == [(0, 0, 0, 0), (1, 1, 1, 0), (1, 1, 1, 0)]
    units = await etl.pool.fetch("select unit from delivery.outbox where unit is not null order by id")
    assert len(units) == 3


async def test_a_parent_of_an_earlier_file_and_one_of_a_later_one(etl: Etl, raw: RawWriter) -> None:
    files = [[*FIRST, row("2", "Be known")], [row("21", "Readers", "2", "4"), row("22", "Orders", "1", "2")], THIRD]
    for rows in files:
        await raw.release(SOURCE, HEADER, rows)
    await etl.apply_all(SOURCE)
    memory = in_memory(etl.mapping, files, 9)
    assert await etl.chains() == chains(memory)
    assert await etl.counts() == memory.tree.counts
    assert await etl.waiting() == [(3, 2, "14")]


@pytest.mark.parametrize("first", [1, 2, 3])
async def test_a_replay_keeps_the_same_rule(etl: Etl, raw: RawWriter, first: int) -> None:
    await raw.release(SOURCE, HEADER, FILE, batch_rows=3)
    await etl.apply_all(SOURCE)
    before = await etl.chains(), await etl.counts(), await etl.waiting()
    await etl.replay(first)
    assert (await etl.chains(), await etl.counts(), await etl.waiting()) == before
    await raw.release(SOURCE, HEADER, [row("99", "Found"), row("17", "More visits", "2", "8")])
    await etl.apply_all(SOURCE)
    memory = in_memory(etl.mapping, [FILE], 3)
    memory.load([row("99", "Found"), row("17", "More visits", "2", "8")], "file/2")
    assert await etl.chains() == chains(memory)
    assert await etl.counts() == memory.tree.counts
    assert await etl.waiting() == []


async def test_a_replay_settles_what_waited_before_its_first_batch(etl: Etl, raw: RawWriter) -> None:
    await raw.release(SOURCE, HEADER, [row("11", "Customers", "1", "5")])
    await raw.release(SOURCE, HEADER, [["x1", "Grow", *row("", "")[2:]]])
    await etl.apply_all(SOURCE)
    assert await etl.waiting() == [(1, 1, "1")]
    etl.edit(CALLED_OTHERWISE)
    await etl.replay(2)
    assert await etl.waiting() == []
    assert (await etl.counts())[1] == {
        **dict.fromkeys(("changed", "duplicate", "unchanged", "rejected", "pending"), 0),
        "new": 1,
    }
    assert any('"title":"Grow"' in str(one[-1]) for one in await etl.chains())


@pytest.mark.parametrize("mended", [False, True])
async def test_a_row_that_is_rejected_when_its_parent_comes_while_it_is_replayed(
    etl: Etl, raw: RawWriter, *, mended: bool
) -> None:
    """It waited before the first batch that is done again; its parent comes when the replay has begun."""
    backwards = row("11", "Customers", "1", "5")
    backwards[HEADER.index("Due Date")] = "2025-12-31"
    await raw.release(SOURCE, HEADER, [backwards])
    await raw.release(SOURCE, HEADER, [row("2", "Be known")])
    await etl.apply_all(SOURCE)
    since = await etl.pool.fetchval("select since from pending")
    if mended:
        etl.edit(DUE_WHATEVER_IS_SAID)
    await etl.replays.ask(SOURCE, 2)
    assert await etl.replayer._step(SOURCE), "begun"
    assert await etl.pool.fetchval("select count(*) from pending where since = $1", since) == 2, (
        "one of each generation"
    )
    await raw.release(SOURCE, HEADER, [row("1", "Grow")])
    await etl.apply_all(SOURCE)
    while await etl.replayer._step(SOURCE):
        pass
    assert (await etl.replays.asked(), await etl.waiting()) == ([], [])
    rejected = await etl.pool.fetch("select position, reasons from rejected")
    told = [] if mended else [(1, ["due_before_start"])]
    assert [tuple(one) for one in rejected] == told
    assert (await etl.counts())[1] == {**dict.fromkeys(COUNTS.split(", "), 0), "new" if mended else "rejected": 1}


async def test_what_a_replay_begins_with_is_one_look_while_live_batches_go_on(
    etl: Etl, raw: RawWriter, fresh_stack: StackUnderTest
) -> None:
    """A row that waits is settled between two of its statements, one of which has to wait so long."""
    await raw.release(SOURCE, HEADER, [row("11", "Customers", "1", "5")])
    await raw.release(SOURCE, HEADER, [row("2", "Be known")])
    await etl.apply_all(SOURCE)
    await raw.release(SOURCE, HEADER, [row("1", "Grow")])
    await etl.replays.ask(SOURCE, 2)
    in_the_way = await asyncpg.connect(fresh_stack.admin_dsn("okr_processed"))
    blocking = in_the_way.transaction()
    await blocking.start()
    await in_the_way.execute(SAME_ROW_PENDING)
    beginning = asyncio.create_task(etl.replayer._step(SOURCE))
    await until(lambda: in_the_way.fetchval(WAITS))
    await etl.apply_all(SOURCE)
    assert await etl.waiting() == []
    await blocking.rollback()
    await in_the_way.close()
    assert await beginning, "begun"
    seeds = "select pending, new from replay_result"
    assert [tuple(one) for one in await etl.pool.fetch(seeds)] == [(1, 0)], "as the rows that wait in it"
    before = await etl.chains(), await etl.counts()
    while await etl.replayer._step(SOURCE):
        pass
    assert (await etl.replays.asked(), await etl.waiting()) == ([], [])
    assert (await etl.chains(), await etl.counts()) == before
    assert await etl.pool.fetchval("select versions from replay_done") == 0


def tree(chance: random.Random) -> list[list[list[str]]]:
    """Exports of some goals: parents and rows are missing now and then, some rows are rejected once theirs is there."""
    exports = []
    for month in range(1, 6):
        rows = [row(one, f"Goal {one}") for one in "123" if chance.random() < 0.4]
        below = [one for one in ("11", "12", "21", "22", "31", "32") if chance.random() < 0.6]
        rows += [row(one, f"Result {one}", one[0], str(chance.randint(1, 3))) for one in below]
        for told in rows:
            told[HEADER.index("Start Date")] = f"2026-0{month}-01" if chance.random() < 0.8 else "2026-12-31"
            told[HEADER.index("Due Date")] = "2026-12-01"
        exports.append(chance.sample(rows, len(rows)))
    return [rows for rows in exports if rows]


@pytest.mark.parametrize("seed", range(8))
async def test_a_replay_judges_files_whose_parents_come_late_as_they_were_judged(
    etl: Etl, raw: RawWriter, seed: int
) -> None:
    """Wherever it begins; also after others, since what each leaves behind is as it was."""
    chance = random.Random(seed)  # noqa: S311 - the same ones each time
    etl.edit({"clock: data": "clock: data\nabsent: { then: close, at_most: 1 }"})
    begins = []
    for rows in tree(chance):
        batches = await raw.release(SOURCE, HEADER, rows, batch_rows=chance.choice([1, 2, 9]))
        begins.append(batches[0].position)
        await etl.apply_all(SOURCE)
    before = await etl.chains(), await etl.counts(), await etl.waiting(), await etl.closed(), await etl.rejected()
    for first in chance.sample(begins, len(begins)):
        await etl.replay(first)
        assert await etl.pool.fetchval("select sum(versions) from replay_done") == 0, f"from {first} of {begins}"
        after = await etl.chains(), await etl.counts(), await etl.waiting(), await etl.closed(), await etl.rejected()
        assert after == before, f"from {first} of {begins}"


async def test_a_parent_that_was_told_without_a_column_that_is_taken_by_now(etl: Etl, raw: RawWriter) -> None:
    await raw.release(SOURCE, HEADER, [row("1", "Grow")])
    await etl.apply_all(SOURCE)
    etl.edit(OTHERWISE)
    await raw.release(SOURCE, HEADER, [row("11", "Customers", "1", "5")])
    await etl.apply_all(SOURCE)
    assert await etl.waiting() == [(2, 1, "1")]
    await raw.release(SOURCE, HEADER, [row("1", "Grow")])
    await etl.apply_all(SOURCE)
    assert await etl.waiting() == []
    assert await etl.processed.parents.overlooked() == 0


async def test_who_waits_for_long_is_warned_of(etl: Etl, raw: RawWriter) -> None:
    await raw.release(SOURCE, HEADER, [row("11", "Customers", "1", "5"), row("12", "Visits", "2", "1")])
    await etl.apply_all(SOURCE)
    quality, today = QualityStore(etl.pool), {SOURCE: Today(date(2026, 2, 1), has_status=False)}
    assert await quality.warnings(today, Patience(), "pending_for_long", 10) == []
    await etl.pool.execute("update pending set since = now() - interval '8 days'")
    (warning,) = await quality.warnings(today, Patience(), "pending_for_long", 10)
    assert warning["detail"] == "2 rows have waited for a parent for over 7 days, the first for 1"
    assert await quality.warnings(today, Patience(pending=9), "pending_for_long", 10) == []
    waiting = await quality.pending(SOURCE, 10, 0)
    assert [(one["row_num"], one["parent"]) for one in waiting] == [(1, "1"), (2, "2")]
    assert await quality.pending("another", 10, 0) == []


async def test_a_row_that_waits_may_be_the_one_that_is_missed(etl: Etl, raw: RawWriter) -> None:
    etl.edit({"clock: data": "clock: data\nabsent: close"})
    above = row("1", "Grow")
    whole = [above, row("11", "Customers", "1", "5"), row("12", "Visits", "1", "1")]
    cut = [above, row("11", "Customers", "1", "6"), row("16", "Lost", "99", "3")]
    for rows in (whole, cut):
        await raw.release(SOURCE, HEADER, rows)
        await etl.apply_all(SOURCE)
    assert await etl.decided() == [
        ("absent_undecided", "1 row waits for its parent: they may speak of what seems to be gone")
    ]
    assert await etl.closed() == []
    await raw.release(SOURCE, HEADER, cut[:2], batch_rows=1)
    await etl.apply_all(SOURCE)
    assert (await etl.decided(), await etl.closed()) == ([(None, None)], ["Visits"])


async def test_what_comes_with_a_late_parent_of_its_own_file_is_spoken_of(etl: Etl, raw: RawWriter) -> None:
    etl.edit({"clock: data": "clock: data\nabsent: close"})
    above, below = row("1", "Grow"), [row("11", "Customers", "1", "5"), row("12", "Visits", "1", "1")]
    for rows in ([above, *below], [*below, above]):
        await raw.release(SOURCE, HEADER, rows, batch_rows=1)
        await etl.apply_all(SOURCE)
    assert (await etl.decided(), await etl.closed()) == ([(None, None)], [])
