"""Outcomes by due date on the real database: decided once, corrected, kept by a replay."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from okr_common.clock import utc_now
from okr_common.topology import STAGES
from okr_etl.store.quality import Patience, QualityStore, Today
from okr_etl.testing import RawWriter
from okr_etl.testing.inner import Inner, inner
from okr_stack.testing import StackUnderTest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]
STAGE = STAGES["etl"]
HEADER = ["id", "title", "target", "value", "day", "due"]
MAPPING = """
title: goals that end by their due dates
kind: csv
clock: {clock}
recognise: {{ columns: [id, title] }}
columns:
  id: {{ from: id, type: text, required: true }}
  title: {{ from: title, type: text, required: true }}
  target: {{ from: target, type: number }}
  value: {{ from: value, type: number }}
  day: {{ from: day, type: date, required: true }}
  due: {{ from: due, type: date, required: true }}
derived: {{ kind: "'number'", direction: "'increase'", start: "DATE('2025-12-01')", nothing: "0" }}
entities:
  objective: {{ key: [id], title: title }}
  key_result: {{ key: [id], title: title, metric_kind: kind, direction: direction, baseline: nothing, target: target,
    start_on: start, due_on: due }}
  check_in: {{ key: [id, day], as_of: day, value: value }}
  outcome: {{ due: {{ grace_days: 3 }} }}
"""
OUTCOMES = """
select source_id, revision, final_value::float8, target::float8, resolution, knowledge_time::date::text
from outcome where closed is null order by source_id
"""


@dataclass
class Etl(Inner):
    """With a mapping that is edited; `now` is the wall clock."""

    file: Path
    now: datetime = datetime(2026, 4, 2, tzinfo=UTC)

    async def outcomes(self) -> list[tuple[object, ...]]:
        return [tuple(row) for row in await self.pool.fetch(OUTCOMES)]

    async def replay(self, first: int = 1) -> tuple[int, int]:
        """How many versions it published, and how many it withdrew."""
        await self.replays.ask("goals", first)
        while await self.replayer._step("goals"):
            pass
        (done, *_) = await self.replays.done("goals", 1)
        return done["versions"], done["withdrawn"]


@pytest.fixture
async def etl(fresh_stack: StackUnderTest, tmp_path: Path) -> AsyncIterator[Etl]:
    file = tmp_path / "goals.yaml"
    file.write_text(MAPPING.format(clock="data"))
    async with inner(fresh_stack.dsn, tmp_path, lambda: made.now) as parts:
        made = Etl(**vars(parts), file=file)
        yield made


def row(name: str, value: object, day: str, *, target: object = 10, due: str = "2026-03-31") -> list[str]:
    return [name, f"Goal {name}", str(target), str(value), day, due]


MARCH = [row("a", 4, "2026-02-28"), row("b", 9, "2026-02-28"), row("a", 12, "2026-03-30"), row("b", 5, "2026-03-30")]
APRIL = [row("a", 12, "2026-04-02"), row("b", 7, "2026-04-03"), row("c", 1, "2026-04-05", due="2026-12-31")]
DECIDED = [
    ("a", 1, 12.0, 10.0, "achieved", "2026-04-04"),
    ("b", 1, 7.0, 10.0, "partial", "2026-04-04"),
]


async def test_a_key_result_ends_when_the_grace_is_over_on_the_sources_clock(etl: Etl, raw: RawWriter) -> None:
    await raw.release("goals", HEADER, MARCH)
    await etl.apply_all("goals")
    assert await etl.outcomes() == [], "the newest row is of March"
    await raw.release("goals", HEADER, APRIL)
    await etl.apply_all("goals")
    assert await etl.outcomes() == DECIDED
    versions = await etl.pool.fetch("select position, seq, entity from entity_version where position = 2 order by seq")
    assert [version["entity"] for version in versions][-2:] == ["outcome", "outcome"], "they come after the batch's own"
    assert [version["seq"] for version in versions] == list(range(1, len(versions) + 1))
    assert await etl.pool.fetchval("select count(*) from document_due") == 6


async def test_it_is_decided_once_and_again_where_something_was_corrected(etl: Etl, raw: RawWriter) -> None:
    for rows in (MARCH, APRIL, [row("c", 2, "2026-04-20", due="2026-12-31")]):
        await raw.release("goals", HEADER, rows)
    await etl.apply_all("goals")
    await etl.apply_all("goals")
    assert await etl.outcomes() == DECIDED
    assert await etl.pool.fetchval("select count(*) from due_unit") == 1
    await raw.release("goals", HEADER, [row("b", 10, "2026-04-03"), row("a", 99, "2026-04-04")])
    await etl.apply_all("goals")
    assert await etl.outcomes() == [DECIDED[0], ("b", 2, 10.0, 10.0, "achieved", "2026-04-20")], "a's came too late"


async def test_an_outcome_whose_only_value_is_taken_back_stays_until_the_source_is_replayed(
    etl: Etl, raw: RawWriter
) -> None:
    for rows in (
        [row("a", 4, "2026-03-30"), row("c", 1, "2026-04-05", due="2026-12-31")],
        [row("a", "", "2026-03-30")],
    ):
        await raw.release("goals", HEADER, rows)
        await etl.apply_all("goals")
    assert [outcome[:3] for outcome in await etl.outcomes()] == [("a", 1, 4.0)]
    assert await etl.pool.fetchval("select value from check_in where source_id like 'a/%'") is None
    today = {"goals": Today(date(2026, 4, 6), has_status=False, grace_days=3)}
    quality = QualityStore(etl.pool)
    (told,) = await quality.warnings(today, Patience(), "ended_without_value", 9)
    assert told["detail"].endswith("its outcome is of a value that was taken back; okr backfill etl decides anew")
    assert await etl.replay() == (1, 1), "closed, and the one before withdrawn"
    (told,) = await quality.warnings(today, Patience(), "ended_without_value", 9)
    assert told["detail"].endswith(": it has no outcome")
    assert await etl.outcomes() == []
    assert await etl.replay() == (0, 0)
    await raw.release("goals", HEADER, [row("a", 5, "2026-03-30")])
    await etl.apply_all("goals")
    assert [outcome[:3] for outcome in await etl.outcomes()] == [("a", 3, 5.0)], "it opens again with a value"


async def test_in_a_live_source_the_day_decides_without_a_new_row(etl: Etl, raw: RawWriter) -> None:
    etl.file.write_text(MAPPING.format(clock="wall"))
    await raw.release("goals", HEADER, MARCH)
    await etl.apply_all("goals")
    etl.now = datetime(2026, 4, 3, 23, 59, tzinfo=UTC)
    await etl.apply_all("goals")
    assert await etl.outcomes() == []
    etl.now += timedelta(minutes=1)
    await etl.applier._sweep()
    assert "goals" in etl.applier._due, "a new day has begun"
    await etl.apply_all("goals")
    assert [outcome[0] for outcome in await etl.outcomes()] == ["a", "b"]


async def test_a_replay_keeps_what_was_decided_and_revises_what_came_out_otherwise(etl: Etl, raw: RawWriter) -> None:
    for rows in (MARCH, APRIL, [row("b", 10, "2026-04-03")]):
        await raw.release("goals", HEADER, rows)
        await etl.apply_all("goals")
    before = await etl.outcomes()
    assert [(outcome[0], outcome[1]) for outcome in before] == [("a", 1), ("b", 2)]
    assert await etl.replay() == (0, 0), "also b's first outcome stays, which later rows corrected"
    assert await etl.outcomes() == before
    etl.file.write_text(MAPPING.format(clock="data").replace("target: target", "target: value"))
    versions, _ = await etl.replay()
    assert versions > 0
    assert [outcome[2:5] for outcome in await etl.outcomes()] == [(12.0, 12.0, "achieved"), (10.0, 10.0, "achieved")]
    etl.file.write_text(MAPPING.format(clock="data").replace("  outcome: { due: { grace_days: 3 } }\n", ""))
    await etl.replay()
    assert await etl.outcomes() == [], "nobody says any more how they ended"


async def test_after_a_replay_the_next_file_is_decided_as_before(etl: Etl, raw: RawWriter) -> None:
    for rows in (MARCH, APRIL):
        await raw.release("goals", HEADER, rows)
    await etl.apply_all("goals")
    await etl.replay()
    await raw.release("goals", HEADER, [row("b", 10, "2026-04-03"), row("d", 5, "2026-04-06", due="2026-04-01")])
    await etl.apply_all("goals")
    assert await etl.outcomes() == [
        DECIDED[0],
        ("b", 2, 10.0, 10.0, "achieved", "2026-04-06"),
    ], "d's only value came after the days of grace"


async def test_what_was_known_at_a_time_is_not_changed_by_later_batches(etl: Etl, raw: RawWriter) -> None:
    known = "select entity_id, revision, payload::text from known_at($1) order by entity_id"
    moments, answers = [], []
    for rows in (MARCH, APRIL, [row("b", 10, "2026-04-03"), row("a", 1, "2025-12-02")]):
        await raw.release("goals", HEADER, rows)
        await etl.apply_all("goals")
        moments.append(await etl.pool.fetchval("select clock_timestamp()"))
        answers.append(await etl.pool.fetch(known, moments[-1]))
    etl.file.write_text(MAPPING.format(clock="data").replace("target: target", "target: value"))
    await etl.replay()
    etl.file.write_text(MAPPING.format(clock="data").replace("key: [id, day]", "key: [title, day]"))
    await etl.replay()
    assert [await etl.pool.fetch(known, moment) for moment in moments] == answers
    now = await etl.pool.fetch(known, await etl.pool.fetchval("select clock_timestamp()"))
    current = "select count(*) from check_in where closed is null"
    goals = await etl.pool.fetchval("select count(*) from known_at(clock_timestamp()) where entity = 'check_in'")
    assert goals == await etl.pool.fetchval(current)
    assert len({tuple(one) for one in now}) == len(now)


async def test_before_a_decision_its_outcomes_were_not_known(etl: Etl, raw: RawWriter) -> None:
    etl.file.write_text(MAPPING.format(clock="wall"))
    await raw.release("goals", HEADER, MARCH)
    await etl.apply_all("goals")
    before = await etl.pool.fetchval("select clock_timestamp()")
    etl.now += timedelta(days=9)
    await etl.apply_all("goals")
    outcomes = "select count(*) from known_at($1) where entity = 'outcome'"
    assert await etl.pool.fetchval(outcomes, before) == 0
    assert await etl.pool.fetchval(outcomes, await etl.pool.fetchval("select clock_timestamp()")) == 2


def moved(name: str, day: str, due: str, value: object = 6) -> list[list[str]]:
    """The goal's due date as it is told on that day; another goal moves the source's clock there."""
    return [row(name, value, day, due=due), row("clock", 1, day, due="2027-12-31")]


async def test_a_due_date_that_moves_is_followed_both_ways(etl: Etl, raw: RawWriter) -> None:
    told = [("2026-03-01", "2026-03-31"), ("2026-04-05", "2026-03-31"), ("2026-05-01", "2026-06-30")]
    for day, due in told:
        await raw.release("goals", HEADER, moved("m", day, due))
        await etl.apply_all("goals")
    assert [(one[1], one[2]) for one in await etl.outcomes()] == [(1, 6.0)], "it was over on the third of April"
    await raw.release(
        "goals", HEADER, [row("m", 11, "2026-06-29", due="2026-06-30"), *moved("x", "2026-07-05", "2027-01-01")]
    )
    await etl.apply_all("goals")
    assert [(one[1], one[2], one[4]) for one in await etl.outcomes()] == [(2, 11.0, "achieved")], "and again in July"
    await raw.release(
        "goals", HEADER, [row("m", 11, "2026-07-06", due="2026-03-31"), *moved("x", "2026-07-07", "2027-01-01")]
    )
    await etl.apply_all("goals")
    assert [(one[1], one[2]) for one in await etl.outcomes()] == [(3, 6.0)], (
        "nearer again: what was known by March counts"
    )


async def test_a_replay_keeps_what_was_decided_before_the_due_date_was_moved(etl: Etl, raw: RawWriter) -> None:
    """Whatever batch it begins with; under a mapping whose grace was not over by then there was nothing to decide."""
    for day, due in (("2026-03-01", "2026-03-31"), ("2026-04-05", "2026-03-31"), ("2026-05-01", "2026-06-30")):
        await load(etl, raw, moved("m", day, due))
    await load(etl, raw, moved("m", "2026-05-20", "2026-09-30", 7))
    before = await etl.outcomes()
    assert [one[:3] for one in before] == [("m", 1, 6.0)], "it was over on the third of April"
    for first in (1, 2, 3, 4):
        assert await etl.replay(first) == (0, 0), first
        assert await etl.outcomes() == before
    await etl.pool.execute("update batch_result set clock = null")
    assert await etl.replay(4) == (0, 0), "as of batches that came before anybody noted the clock"
    etl.file.write_text(MAPPING.format(clock="data").replace("target: target", "target: value"))
    await etl.replay()
    assert [one[2:5] for one in await etl.outcomes()] == [(6.0, 6.0, "achieved")], "by the target of then"
    etl.file.write_text(MAPPING.format(clock="data").replace("grace_days: 3", "grace_days: 40"))
    await etl.replay()
    assert await etl.outcomes() == [], "in May it was not yet over"
    etl.file.write_text(MAPPING.format(clock="data"))
    await etl.replay()
    assert [one[2:] for one in await etl.outcomes()] == [one[2:] for one in before]
    assert await etl.pool.fetch(HOLES) == []


async def test_so_does_a_replay_of_a_source_that_goes_by_the_day(etl: Etl, raw: RawWriter) -> None:
    etl.file.write_text(MAPPING.format(clock="wall"))
    etl.now = utc_now()
    for day, due in (("2026-03-01", "2026-03-31"), ("2026-04-05", "2099-03-31"), ("2026-04-09", "2099-06-30")):
        await load(etl, raw, [row("m", 6, day, due=due)])
    before = await etl.outcomes()
    assert [one[:3] for one in before] == [("m", 1, 6.0)], "it was over when the first file came"
    for first in (1, 2, 3):
        assert await etl.replay(first) == (0, 0), first
    assert await etl.outcomes() == before


async def test_a_replay_takes_back_a_decision_of_a_goal_that_is_not_due_after_all(etl: Etl, raw: RawWriter) -> None:
    for rows in (MARCH, APRIL):
        await raw.release("goals", HEADER, rows)
    await etl.apply_all("goals")
    assert await etl.outcomes() == DECIDED
    later = "derived: { later: due + INTERVAL '1 year', kind:"
    etl.file.write_text(
        MAPPING.format(clock="data").replace("derived: { kind:", later).replace("due_on: due", "due_on: later")
    )
    await etl.replay()
    assert await etl.outcomes() == []
    etl.file.write_text(MAPPING.format(clock="data"))
    await etl.replay()
    assert [outcome[2:] for outcome in await etl.outcomes()] == [outcome[2:] for outcome in DECIDED]


async def test_of_two_values_of_one_day_a_replay_takes_the_same_as_the_live_decision(etl: Etl, raw: RawWriter) -> None:
    text = MAPPING.format(clock="data").replace("key: [id, day]", "key: [id, value]")
    etl.file.write_text(
        text.replace("value: value }", "value: value, recorded_at: said }").replace(
            "due: { from: due", "said: { from: title, type: timestamp }\n  due: { from: due"
        )
    )
    goals = [
        [f"g{n}", f"2026-03-30T{hour:02}:00:00Z", "10", str(hour), "2026-03-30", "2026-03-31"]
        for n in range(8)
        for hour in (9, 17)
    ]
    await raw.release("goals", HEADER, [*goals, ["c", "2026-05-01T00:00:00Z", "10", "1", "2026-05-01", "2027-01-01"]])
    await etl.apply_all("goals")
    assert {outcome[2] for outcome in await etl.outcomes()} == {17.0}
    assert await etl.replay() == (0, 0)


FINAL = "  outcome: { source: { when: day > DATE('2026-03-15') AND day < DATE('2026-04-04'), known_at: day } }"
"""The source says itself how a and b ended, and each time it says so it is another outcome or time."""
DUE = "  outcome: { due: { grace_days: 3 } }"
HOLES = """
select entity_id from held_version group by entity_id having count(*) <> max(number) - min(number) + 1
union all
select v.entity_id from entity_version v
where v.entity = 'outcome' and v.closed is null
  and not exists (select from held_version h where h.entity_id = v.entity_id and h.revision = v.revision)
  and not exists (select from withdrawn w where w.entity_id = v.entity_id and w.revision = v.revision)
union all
select entity_id from entity_version group by entity_id having count(*) <> max(revision)
"""


@pytest.mark.parametrize("first", [1, 2])
async def test_a_source_may_begin_and_cease_to_say_how_its_goals_end(etl: Etl, raw: RawWriter, first: int) -> None:
    """Whatever was said or decided before, in the end that holds which the mapping of now makes of it."""
    etl.file.write_text(MAPPING.format(clock="data").replace(DUE, FINAL))
    for rows in (MARCH, APRIL):
        await raw.release("goals", HEADER, rows)
    await etl.apply_all("goals")
    assert [one[:3] for one in await etl.outcomes()] == [("a", 1, 12.0), ("b", 2, 7.0)]
    for kind, other in ((DUE, FINAL), (FINAL, DUE), (DUE, FINAL), (DUE, DUE), (FINAL, DUE)):
        etl.file.write_text(etl.file.read_text().replace(other, kind))
        await etl.replays.ask("goals", first)
        while await etl.replayer._step("goals"):
            pass
        assert await etl.replays.waits.look() == {}
        told = [(one[0], *one[2:5]) for one in await etl.outcomes()]
        assert told == [(one[0], *one[2:5]) for one in DECIDED], kind
        basis = await etl.pool.fetch("select distinct label_basis from outcome where closed is null")
        assert [row["label_basis"] for row in basis] == ["due" if kind == DUE else "source"], (kind, basis)
        assert await etl.pool.fetch(HOLES) == [], kind


async def test_a_source_may_begin_to_say_how_its_goals_end_without_a_replay(etl: Etl, raw: RawWriter) -> None:
    """Whatever it says counts, be it known earlier than what was decided; of others the decision stays."""
    silent = row("d", 3, "2026-03-10")
    for rows in ([*MARCH, silent], APRIL):
        await load(etl, raw, rows)
    decided = [one[2:5] for one in await etl.outcomes()]
    etl.file.write_text(etl.file.read_text().replace(DUE, FINAL))
    await load(etl, raw, [*MARCH, *APRIL])
    assert await ended(etl) == [("a", 12.0, "source"), ("b", 7.0, "source"), ("d", 3.0, "due")]
    assert [one[2:5] for one in await etl.outcomes()] == decided
    assert await etl.pool.fetch(HOLES) == []
    versions = "select count(*) from entity_version where entity = 'outcome'"
    told = await etl.pool.fetchval(versions)
    await load(etl, raw, [*MARCH, *APRIL])
    assert await etl.pool.fetchval(versions) == told, "the same words again are no news"
    await load(etl, raw, [row("b", 11, "2026-04-03"), row("b", 2, "2026-03-20")])
    assert await ended(etl) == [("a", 12.0, "source"), ("b", 11.0, "source"), ("d", 3.0, "due")], (
        "the older one is late"
    )
    await etl.replays.ask("goals", 5)
    while await etl.replayer._step("goals"):
        pass
    assert await ended(etl) == [("a", 12.0, "source"), ("b", 11.0, "source")], "nothing says any more how d ended"
    assert await etl.pool.fetch(HOLES) == []


async def test_a_source_may_cease_and_begin_again_to_say_how_its_goals_end_without_a_replay(
    etl: Etl, raw: RawWriter
) -> None:
    etl.file.write_text(etl.file.read_text().replace(DUE, FINAL))
    for rows in (MARCH, APRIL):
        await load(etl, raw, rows)
    for number, (kind, other) in enumerate([(DUE, FINAL), (FINAL, DUE)] * 2, 1):
        etl.file.write_text(etl.file.read_text().replace(other, kind))
        later = row("c", number, f"2026-05-0{number}", due="2026-12-31")
        await load(etl, raw, [*MARCH, *APRIL, row("a", 12 + number, "2026-04-03"), later])
        basis = "due" if kind == DUE else "source"
        assert await ended(etl) == [("a", 12.0 + number, basis), ("b", 7.0, basis)], number
        assert await etl.pool.fetch(HOLES) == [], number


async def load(etl: Etl, raw: RawWriter, rows: list[list[str]]) -> None:
    await raw.release("goals", HEADER, rows)
    await etl.apply_all("goals")


async def ended(etl: Etl) -> list[tuple[object, ...]]:
    told = "select source_id, final_value::float8, label_basis from outcome where closed is null order by 1"
    return [tuple(one) for one in await etl.pool.fetch(told)]
