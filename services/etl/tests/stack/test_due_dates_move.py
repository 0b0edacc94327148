"""Goals whose due dates, targets and values move about: a replay holds what live files have made, whatever they were.

Under another mapping it comes to what a source that had it from its first file holds.
"""

import random
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

from okr_etl.testing import RawWriter
from okr_etl.testing.inner import Inner, inner
from okr_stack.testing import StackUnderTest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]
HEADER = ["id", "target", "value", "day", "due"]
MAPPING = """
title: goals whose due dates move
kind: csv
clock: data
recognise: {{ columns: [id, due] }}
columns:
  id: {{ from: id, type: text, required: true }}
  target: {{ from: target, type: number }}
  value: {{ from: value, type: number }}
  day: {{ from: day, type: date, required: true }}
  due: {{ from: due, type: date, required: true }}
derived: {{ kind: "'number'", direction: "'increase'", start: "DATE('2025-12-01')", nothing: "0", half: "target / 2" }}
entities:
  objective: {{ key: [id], title: id }}
  key_result: {{ key: [id], title: id, metric_kind: kind, direction: direction, baseline: nothing, target: {target},
    start_on: start, due_on: due }}
  check_in: {{ key: [id, day], as_of: day, value: value }}
  outcome: {{ due: {{ grace_days: {grace} }} }}
absent: {absent}
"""
OUTCOMES = """
select source_id, final_value::float8, target::float8, resolution from outcome
where source = $1 and closed is null order by source_id
"""
MOVED = """
select count(*) from outcome o join key_result k using (key_result_id)
where o.closed is null and k.closed is null and k.due_on > $1::date
"""
FEW, MANY = range(6, 8), range(8, 28)
FIRST_DAY = date(2026, 1, 10)


@dataclass
class Etl(Inner):
    """With a mapping for each source."""

    folder: Path

    def say(self, source: str, absent: str, target: str = "target", grace: int = 3) -> None:
        (self.folder / f"{source}.yaml").write_text(MAPPING.format(target=target, grace=grace, absent=absent))

    async def replay(self, source: str, first: int) -> tuple[int, int]:
        """How many versions it published, and how many it withdrew."""
        await self.replays.ask(source, first)
        while await self.replayer._step(source):
            pass
        (done, *_) = await self.replays.done(source, 1)
        return done["versions"], done["withdrawn"]

    async def outcomes(self, source: str) -> list[tuple[object, ...]]:
        return [tuple(row) for row in await self.pool.fetch(OUTCOMES, source)]


@pytest.fixture
async def etl(fresh_stack: StackUnderTest, tmp_path: Path) -> AsyncIterator[Etl]:
    async with inner(fresh_stack.dsn, tmp_path) as parts:
        yield Etl(**vars(parts), folder=tmp_path)


def files(by: random.Random) -> Iterator[list[list[str]]]:
    """Each some weeks after the one before; a goal may be left out, moved, have another target, or none."""
    goals = {f"g{number}": ["10", "2026-03-31"] for number in range(4)}
    day = FIRST_DAY
    for _ in range(6):
        day += timedelta(days=by.randint(10, 45))
        for goal in goals.values():
            if by.random() < 0.3:
                goal[1] = str(FIRST_DAY + timedelta(days=by.randint(10, 300)))
            if by.random() < 0.2:
                goal[0] = by.choice(["5", "20", ""])
        told = [name for name in goals if by.random() < 0.85]
        rows = [
            [name, goals[name][0], str(by.randint(1, 20)), str(day - timedelta(days=by.choice([0, 9]))), goals[name][1]]
            for name in told
        ]
        clock = ["clock", "10", "1", str(day), "2027-12-31"]
        yield [*rows, clock] if by.random() < 0.5 else [clock, *rows]


@pytest.mark.parametrize("seeds", [FEW, pytest.param(MANY, marks=[pytest.mark.faults, pytest.mark.long])], ids=str)
async def test_a_replay_decides_as_the_live_files_were_decided(etl: Etl, raw: RawWriter, seeds: range) -> None:
    moved = 0
    for seed in seeds:
        by, live, anew = random.Random(seed), f"live{seed}", f"anew{seed}"  # noqa: S311 - rows, not secrets
        absent, mended = by.choice(["keep", "close", "delete"]), by.choice([("half", 3), ("target", 40)])
        etl.say(live, absent)
        etl.say(anew, absent, *mended)
        firsts = [await load(etl, raw, (anew, live), rows, by.randint(1, 5)) for rows in files(by)]
        before = await etl.outcomes(live)
        moved += await etl.pool.fetchval(MOVED, await etl.pool.fetchval("select max(as_of) from check_in"))
        for first in firsts:
            assert await etl.replay(live, first) == (0, 0), f"seed {seed}, from {first}"
        assert await etl.outcomes(live) == before
        etl.say(live, absent, *mended)
        await etl.replay(live, 1)
        assert await etl.outcomes(live) == await etl.outcomes(anew), f"seed {seed}, {mended}"
        assert await etl.replay(live, 1) == (0, 0), f"seed {seed}, {mended}"
    assert moved, "no outcome was of a goal whose due date moved away"


async def load(etl: Etl, raw: RawWriter, sources: Sequence[str], rows: list[list[str]], batch_rows: int) -> int:
    """The same file of each; the position of its first batch."""
    for source in sources:
        events = await raw.release(source, HEADER, rows, batch_rows=batch_rows)
        await etl.apply_all(source)
    return events[0].position


HELD = """
select r.target::float8 from key_result_revision r join key_result k using (key_result_id)
where k.source = 'ties' and r.valid_from <= $1 order by r.valid_from desc, r.revision desc limit 1
"""
KNOWN = "select (payload ->> 'target')::float8 from known_at($1) where entity = 'key_result' and source = 'ties'"


async def test_of_revisions_of_one_day_the_last_one_holds_and_each_was_known_in_its_time(
    etl: Etl, raw: RawWriter
) -> None:
    etl.say("ties", "keep")
    moments = []
    for target in ("10", "30", "20"):
        await load(etl, raw, ["ties"], [["g", target, "5", "2026-01-10", "2026-12-31"]], 5)
        moments.append(await etl.pool.fetchval("select clock_timestamp()"))
    ties = "select count(*), count(distinct valid_from), min(valid_from) from key_result_revision"
    (revisions, days, day) = await etl.pool.fetchrow(ties)
    assert (revisions, days) == (3, 1)
    assert await etl.pool.fetchval(HELD, day) == 20
    assert [await etl.pool.fetchval(KNOWN, moment) for moment in moments] == [10, 30, 20]
    assert await etl.pool.fetchval("select target::float8 from key_result") == 20
