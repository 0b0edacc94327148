"""What a full export has no more, on the real database: closed once, told in order, opened again, done again."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from okr_common.events import BatchIngested
from okr_common.spreadsheets import TOLD
from okr_etl.store.quality import Patience, QualityStore, Today
from okr_etl.testing import RawWriter
from okr_etl.testing.inner import Inner, inner
from okr_stack.testing import StackUnderTest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]
HEADER = ["id", "team", "value", "day", "due"]
MAPPING = """
title: goals of a tool whose exports are full
kind: csv
clock: data
recognise: {{ columns: [id, team] }}
columns:
  id: {{ from: id, type: text, required: true }}
  team: {{ from: team, type: text, required: true }}
  value: {{ from: value, type: number }}
  day: {{ from: day, type: date, required: true }}
  due: {{ from: due, type: date, required: true }}
derived: {{ kind: "'number'", direction: "'increase'", start: "DATE('2025-12-01')", nothing: "0", target: "10" }}
entities:
  objective: {{ key: [team], title: team }}
  key_result: {{ key: [id], title: id, metric_kind: kind, direction: direction, baseline: nothing, target: target,
    start_on: start, due_on: due }}
  check_in: {{ key: [id, day], as_of: day, value: value{more} }}
{outcome}
absent: {absent}
"""
DUE = "  outcome: { due: { grace_days: 3 } }"
OPEN = "select source_id from {} where source = $1 and closed is null order by source_id"
CHAINS = """
select v.entity, v.payload ->> 'source_id', row_number() over (partition by v.entity_id order by v.revision), v.closed,
       v.knowledge_time, v.payload ->> 'value', v.payload ->> 'final_value', v.closed_in is not null
from entity_version v where v.source = $1 and v.closed is distinct from 'replayed'
  and not exists (select from withdrawn w where w.entity_id = v.entity_id and w.revision = v.revision)
order by 1, 2, 3
"""
CURRENT = "select source_id, closed from {} where source = $1 order by 1"
CHECK_IN_OF_B1 = ("check_in", "b1")
NOT_HELD = """
select count(*) from entity_version v where entity_id in (select entity_id from held_version)
  and not exists (select from held_version h where (h.entity_id, h.revision) = (v.entity_id, v.revision))
"""
PLACES = """
select generation, position, seq, entity, payload ->> 'source_id' as source_id, closed from entity_version
where source = $1 order by generation, position, seq
"""


@dataclass
class Etl(Inner):
    """With mappings that are edited."""

    folder: Path

    def mapping(self, absent: str, source: str = "goals", *, outcome: str = "", more: str = "") -> None:
        text = MAPPING.format(absent=absent, outcome=outcome, more=more)
        (self.folder / f"{source}.yaml").write_text(text)

    async def open(self, source: str = "goals") -> list[str]:
        """The key results that are pursued."""
        return [row["source_id"] for row in await self.pool.fetch(OPEN.format("key_result"), source)]

    async def closings(self, source: str = "goals") -> list[tuple[str, str, str]]:
        """Why what was closed, in the order it was told."""
        rows = await self.pool.fetch(PLACES, source)
        return [(row["entity"], row["source_id"], row["closed"]) for row in rows if row["closed"]]

    async def chains(self, source: str = "goals") -> list[tuple[object, ...]]:
        return [tuple(row) for row in await self.pool.fetch(CHAINS, source)]

    async def current(self, source: str = "goals") -> list[tuple[object, ...]]:
        entities = ("objective", "key_result", "check_in", "outcome")
        return [tuple(row) for entity in entities for row in await self.pool.fetch(CURRENT.format(entity), source)]

    async def warned(self, source: str = "goals") -> list[tuple[str, str]]:
        today = {source: Today((await self.now()).date(), has_status=False)}
        found = await QualityStore(self.pool).warnings(today, Patience(), None, 100)
        told = [(one["warning"], *one["detail"].split(" (batch ")) for one in found if "absent" in one["warning"]]
        return [(warning, why) for warning, why, _batch in told]

    async def now(self) -> Any:  # noqa: ANN401 - a time
        return await self.pool.fetchval("select clock_timestamp()")

    async def replay(self, first: int = 1, source: str = "goals") -> int:
        """How many versions it published."""
        await self.replays.ask(source, first)
        while await self.replayer._step(source):
            pass
        (done, *_) = await self.replays.done(source, 1)
        return int(done["versions"])


@pytest.fixture
async def etl(fresh_stack: StackUnderTest, tmp_path: Path) -> AsyncIterator[Etl]:
    async with inner(fresh_stack.dsn, tmp_path) as parts:
        yield Etl(**vars(parts), folder=tmp_path)


def row(name: str, day: str = "2026-01-31", value: object = 4, due: str = "2026-12-31") -> list[str]:
    """A goal of the team that its first letter names."""
    return [name, f"team {name[0]}", str(value), day, due]


TEN = [f"a{number}" for number in range(8)] + ["b0", "b1"]


def export(names: list[str], day: str = "2026-01-31", value: object = 4) -> list[list[str]]:
    return [row(name, day, value) for name in names]


async def loaded(
    etl: Etl, raw: RawWriter, *exports: list[list[str]], source: str = "goals", batch_rows: int = 50_000
) -> list[list[BatchIngested]]:
    """Each applied before the next one comes."""
    told = []
    for rows in exports:
        told.append(await raw.release(source, HEADER, rows, batch_rows=batch_rows))
        await etl.apply_all(source)
    return told


async def test_by_default_nothing_comes_of_it(etl: Etl, raw: RawWriter) -> None:
    etl.mapping("keep")
    await loaded(etl, raw, export(TEN), export(TEN[:9], "2026-02-28"))
    assert await etl.open() == TEN
    assert await etl.pool.fetchval("select count(*) from said where spoken is not null") == 0
    assert await etl.pool.fetchval("select count(*) from absent_decided") == 0


async def test_key_results_that_are_gone_are_closed_once_with_their_objective(etl: Etl, raw: RawWriter) -> None:
    etl.mapping("close")
    await loaded(etl, raw, export(TEN))
    before = await etl.now()
    await loaded(etl, raw, export(TEN[:8], "2026-02-28"), export(TEN[:8], "2026-02-28"))
    assert await etl.open() == TEN[:8]
    assert await etl.closings() == [
        ("objective", "team b", "absent"),
        ("key_result", "b0", "absent"),
        ("key_result", "b1", "absent"),
    ]
    placed = [tuple(one) for one in await etl.pool.fetch(PLACES, "goals") if one["closed"]]
    assert [place[:2] for place in placed] == [(1, 2)] * 3, "behind the batch that ends the file"
    assert len(await etl.pool.fetch("select from check_in where closed is null")) == 18, "what was told stays"
    units = await etl.pool.fetch("select position, after_seq, versions, outcomes, closed from due_unit")
    assert [tuple(unit) for unit in units] == [(2, 8, 3, 0, 3)]
    assert await etl.pool.fetchval("select count(*) from document_due where entity = 'objective'") == 2
    known = "select count(*) from known_at($1) where entity = 'key_result'"
    assert await etl.pool.fetchval(known, before) == 10
    assert await etl.pool.fetchval(known, await etl.now()) == 8
    assert await etl.pool.fetchval(
        "select distinct knowledge_time::date::text from entity_version where closed is not null"
    ) == ("2026-02-28")


async def test_where_it_is_deleted_what_was_told_of_it_goes_too(etl: Etl, raw: RawWriter) -> None:
    etl.mapping("delete", outcome=DUE)
    ended = [row("b1", value=12, due="2026-02-01")]
    await loaded(
        etl, raw, [*export(TEN[:9]), *ended], [*export(TEN[:9], "2026-02-28"), *ended], export(TEN[:9], "2026-03-31")
    )
    assert await etl.closings() == [
        ("key_result", "b1", "absent_deleted"),
        ("check_in", "b1/2026-01-31", "absent_deleted"),
        ("outcome", "b1", "absent_deleted"),
    ]
    assert await etl.pool.fetchval("select count(*) from outcome where closed is null") == 0
    assert [
        tuple(unit)
        for unit in await etl.pool.fetch("select versions, outcomes, closed from due_unit order by position")
    ] == [
        (1, 1, 0),
        (3, 1, 3),
    ]


async def test_what_ended_before_it_went_has_its_outcome(etl: Etl, raw: RawWriter) -> None:
    etl.mapping("close", outcome=DUE)
    await loaded(etl, raw, [*export(TEN[:9]), row("b1", value=12, due="2026-02-01")], export(TEN[:9], "2026-02-28"))
    assert await etl.open() == TEN[:9]
    assert [tuple(one) for one in await etl.pool.fetch("select source_id, closed from outcome")] == [("b1", None)]


@pytest.mark.parametrize("then", ["close", "delete"])
@pytest.mark.parametrize("recorded", ["", ", recorded_at: day"])
async def test_what_is_said_again_opens_again(etl: Etl, raw: RawWriter, then: str, recorded: str) -> None:
    etl.mapping(then, more=recorded)
    first, less = export(TEN), export(TEN[:9], "2026-02-28")
    await loaded(etl, raw, first, less, [*less, row("b1")], [*less, row("b1")], [*less, row("b1", "2026-02-28")])
    assert await etl.open() == TEN
    of_goal = [
        (place, closed)
        for entity, name, place, closed, *_ in await etl.chains()
        if (entity, name) == ("key_result", "b1")
    ]
    why = {"close": "absent", "delete": "absent_deleted"}[then]
    assert of_goal == [(1, None), (2, why), (3, None)], "the same words, and no word more"
    told = await etl.pool.fetch(
        "select source_id, revision, closed from check_in where source_id like 'b1%' order by 1"
    )
    again = 3 if then == "delete" else 1
    assert [tuple(one) for one in told] == [("b1/2026-01-31", again, None), ("b1/2026-02-28", 1, None)]
    assert await etl.replay() == 0


async def test_what_had_a_time_opens_again_without_one(etl: Etl, raw: RawWriter) -> None:
    """All its versions are found again: one that is not would be made twice, and the source would wait for ever."""
    etl.mapping("delete", more=", recorded_at: day")
    less = export(TEN[:9], "2026-02-28")
    await loaded(etl, raw, export(TEN), less)
    etl.mapping("delete")
    for value in (4, 4, 5):
        await loaded(etl, raw, [*less, row("b1", value=value)])
    told = [(place, *rest) for entity, name, place, *rest in await etl.chains() if (entity, name[:2]) == CHECK_IN_OF_B1]
    assert [(one[0], one[1], one[3]) for one in told] == [
        (1, None, "4.0"),
        (2, "absent_deleted", "4.0"),
        (3, None, "4.0"),
        (4, None, "5.0"),
    ]
    assert await etl.pool.fetchval(NOT_HELD) == 0


async def test_a_replay_tells_that_it_was_closed_before_it_is_opened_again(etl: Etl, raw: RawWriter) -> None:
    """Its row says an earlier time than that of the file which had it no more."""
    etl.mapping("keep", more=", recorded_at: day")
    less = export(TEN[:9], "2026-02-28")
    await loaded(etl, raw, export(TEN), less, [*less, row("b1")])
    etl.mapping("close", more=", recorded_at: day")
    await etl.replay()
    told = await etl.pool.fetch(
        "select revision, closed from entity_version where entity = 'key_result' and payload ->> 'source_id' = 'b1' "
        "order by generation, position, seq"
    )
    assert [tuple(one) for one in told] == [(1, None), (2, "absent"), (3, None)]
    assert await etl.open() == TEN


async def test_an_old_row_opens_it_too(etl: Etl, raw: RawWriter) -> None:
    """Rows older than the last that was told before it went."""
    etl.mapping("close")
    less = export(TEN[:9], "2026-03-31")
    await loaded(etl, raw, export(TEN), export(TEN, "2026-02-28"), less, [*less, row("b1")])
    assert await etl.open() == TEN


async def test_too_many_at_once_close_nothing_and_are_told(etl: Etl, raw: RawWriter) -> None:
    etl.mapping("close")
    few = export(TEN[:7], "2026-02-28")
    await loaded(etl, raw, export(TEN), few)
    assert await etl.open() == TEN
    told = "3 of 10 open key results are in its last file no more, which is above at_most: 0.2; nothing was closed"
    assert await etl.warned() == [("absent_beyond_share", told)]
    etl.mapping("{ then: close, at_most: 0.3 }")
    await etl.apply_all("goals")
    assert await etl.open() == TEN, "a file is judged once"
    await loaded(etl, raw, few)
    assert await etl.open() == TEN[:7]
    assert await etl.warned() == []


async def test_of_few_key_results_one_may_go_but_never_the_last(etl: Etl, raw: RawWriter) -> None:
    etl.mapping("close")
    await loaded(etl, raw, export(["a", "b", "c"]), export(["a", "b"], "2026-02-28"), export(["a"], "2026-03-31"))
    assert await etl.open() == ["a"]
    await loaded(etl, raw, [])
    assert await etl.open() == ["a"]
    assert [warning for warning, _ in await etl.warned()] == ["absent_beyond_share"]


async def test_a_file_that_was_not_read_wholly_tells_nothing(etl: Etl, raw: RawWriter) -> None:
    etl.mapping("close")
    less = export(TEN[:9], "2026-02-28")
    await loaded(etl, raw, export(TEN), [*less, ["b1", "team b", "much", "2026-02-28", "2026-12-31"]])
    assert await etl.open() == TEN
    told = "1 row was rejected: they may speak of what seems to be gone"
    assert await etl.warned() == [("absent_undecided", told)]
    (damaged,) = await raw.release("goals", HEADER, less)
    await raw.unreadable(damaged, "stray_quote", "blank_line")
    await etl.apply_all("goals")
    told = "1 record is unreadable: they may speak of what seems to be gone"
    assert (await etl.open(), await etl.warned()) == (TEN, [("absent_undecided", told)])
    (blank,) = await raw.release("goals", HEADER, less)
    await raw.unreadable(blank, "blank_line")
    await etl.apply_all("goals")
    assert (await etl.open(), await etl.warned()) == (TEN[:9], []), "a blank line says nothing"


async def test_mended_rows_that_are_sent_back_are_no_full_export(etl: Etl, raw: RawWriter) -> None:
    etl.mapping("close")
    await loaded(etl, raw, export(TEN))
    await raw.release("goals", [*TOLD, *HEADER], [["", "", "", *one] for one in export(TEN[:9], "2026-02-28")])
    await etl.apply_all("goals")
    told = "it holds rejected rows that were mended, and not all goals there are"
    assert (await etl.open(), await etl.warned()) == (TEN, [("absent_undecided", told)])


async def test_a_file_of_several_batches_is_judged_after_its_last(etl: Etl, raw: RawWriter) -> None:
    etl.mapping("close")
    await loaded(etl, raw, export(TEN), batch_rows=3)
    await raw.release("goals", HEADER, export(TEN[:9], "2026-02-28"), batch_rows=3)
    for _ in range(3):
        assert await etl.applier._next("goals")
        assert await etl.open() == TEN
    await etl.apply_all("goals")
    assert await etl.open() == TEN[:9]
    places = await etl.pool.fetch("select position from entity_version where closed is not null")
    assert [one["position"] for one in places] == [7]


async def test_sources_do_not_speak_for_each_other(etl: Etl, raw: RawWriter) -> None:
    etl.mapping("close")
    etl.mapping("delete", "other")
    for source in ("goals", "other"):
        await raw.release(source, HEADER, export(TEN), batch_rows=4)
    await raw.release("goals", HEADER, export(TEN[:9], "2026-02-28"), batch_rows=4)
    await raw.release("other", HEADER, export(TEN[1:], "2026-02-28"), batch_rows=4)
    while await etl.applier._next("goals") | await etl.applier._next("other"):
        pass
    assert (await etl.open("goals"), await etl.open("other")) == (TEN[:9], TEN[1:])


async def test_where_only_the_news_is_read_the_same_is_closed(etl: Etl, raw: RawWriter) -> None:
    """b1 is in no row any more; a1 lost one of its two rows; a0 has another value."""
    etl.mapping("close")
    rows = [*export(TEN), *export(TEN, "2026-02-28"), row("clock", "2026-05-01")]
    (before,) = await loaded(etl, raw, rows)
    less = [one for one in rows if one[0] != "b1" and one[:4:3] != ["a1", "2026-02-28"]]
    less = [row("a0", "2026-02-28", 5) if one[:4:3] == ["a0", "2026-02-28"] else one for one in less]
    for _ in range(2):
        after = await raw.release("goals", HEADER, less)
        await raw.compare(after, before)
        await etl.apply_all("goals")
        assert not await etl.pool.fetchval("select whole from source_head"), "else this shows nothing"
        assert await etl.open() == [*TEN[:9], "clock"]
        before = after
    assert [name for _, name, _ in await etl.closings()] == ["b1"]


async def test_what_could_not_be_told_of_one_file_is_told_of_the_next_though_only_its_news_is_read(
    etl: Etl, raw: RawWriter
) -> None:
    etl.mapping("close")
    less = export(TEN[:9], "2026-02-28")
    (_, before) = await loaded(etl, raw, export(TEN), [*less, ["b1", "team b", "much", "2026-02-28", "2026-12-31"]])
    assert await etl.open() == TEN
    after = await raw.release("goals", HEADER, less)
    await raw.compare(after, before)
    await etl.apply_all("goals")
    assert not await etl.pool.fetchval("select whole from source_head"), "else this shows nothing"
    assert await etl.open() == TEN[:9]


MARCH = [*export(TEN[:7], "2026-03-31"), row("b1", "2026-03-31"), row("c0", "2026-03-31")]
EXPORTS = [
    export(TEN),
    export(TEN[:9], "2026-02-28"),
    MARCH,
    [*MARCH[1:], ["a9", "team a", "much", "2026-04-30", "2026-12-31"]],
    [*export(TEN[:6], "2026-05-31"), row("b1", "2026-05-31", 12, due="2026-05-01"), row("c0", "2026-05-31")],
    [*export(TEN[1:8], "2026-06-30"), row("c0", "2026-06-30")],
]
EDITS = ["close", "delete", "keep", "{ then: close, at_most: 0.05 }"]


@pytest.mark.parametrize("then", ["close", "delete"])
async def test_a_replay_under_the_same_mapping_publishes_nothing(etl: Etl, raw: RawWriter, then: str) -> None:
    etl.mapping(f"{{ then: {then}, at_most: 0.4 }}", outcome=DUE)
    await loaded(etl, raw, *EXPORTS, batch_rows=4)
    before, now = await etl.chains(), await etl.current()
    assert {closed for _, _, _, closed, *_ in before} > {None}
    for first in (1, 7, 10):
        assert await etl.replay(first) == 0
        assert (await etl.chains(), await etl.current()) == (before, now)
    await loaded(etl, raw, [*EXPORTS[0][:9], row("b1", due="2026-05-01")])
    assert await etl.replay() == 0


@pytest.mark.parametrize("former", EDITS)
@pytest.mark.parametrize("then", EDITS)
async def test_a_replay_closes_what_a_source_that_had_the_mapping_from_the_beginning_has_closed(
    etl: Etl, raw: RawWriter, former: str, then: str
) -> None:
    etl.mapping(former, outcome=DUE)
    etl.mapping(then, "fresh", outcome=DUE)
    for source in ("goals", "fresh"):
        await loaded(etl, raw, *EXPORTS, source=source, batch_rows=4)
    etl.mapping(then, outcome=DUE)
    await etl.replay()
    assert await etl.chains() == await etl.chains("fresh")
    assert await etl.warned() == await etl.warned("fresh")
    for source in ("goals", "fresh"):
        await loaded(etl, raw, EXPORTS[0], export(TEN[:9], "2026-07-31"), source=source)
    assert await etl.chains() == await etl.chains("fresh")
    assert await etl.open() == await etl.open("fresh")
