"""What goals contribute to, and their periods, on the real database: edges that wait, rings, documents, replays."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import asyncpg
import pytest

from okr_common.paths import repository
from okr_common.postgres.pool import open_pool
from okr_etl.curator import build
from okr_etl.store.documents import DocumentStore
from okr_etl.store.quality import Patience, QualityStore, Today
from okr_etl.testing import RawWriter
from okr_etl.testing.inner import ROLE, Inner, inner
from okr_stack.testing import StackUnderTest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]
SOURCE = "viva_goals"
HEADER = [
    *("Row ID", "Title", "Parent", "Entity", "Owner Email", "Time Period", "Start Date", "Due Date", "Metric Name"),
    *("Starting Value", "Target Value", "Current Value", "Status"),
]
LABELLED, DATED = "period: { label: period }", "period: { label: period, start_on: start_on, end_on: due_on }"
EDGES = """
select coalesce(o.title, k.title) as child, a.parent_key, coalesce(po.title, pk.title) as parent, a.pending
from alignment a
left join objective o on o.objective_id = a.child_id left join key_result k on k.key_result_id = a.child_id
left join objective po on po.objective_id = a.parent_id left join key_result pk on pk.key_result_id = a.parent_id
order by 1, a.place
"""


def row(row_id: str, title: str, parent: str = "", value: str = "") -> list[str]:
    """A key result where it has a value; else a goal, which is no check-in."""
    target = "10" if value else ""
    return [row_id, title, parent, "", "", "Q1 2026", "2026-01-01", "2026-03-31", "", "0", target, value, "On Track"]


TREE = [row("1", "Grow"), row("2", "Be known", "1"), row("21", "Visits", "2\n3", "5")]


@pytest.fixture
async def etl(fresh_stack: StackUnderTest) -> AsyncIterator[Inner]:
    async with inner(fresh_stack.dsn, repository() / "configs" / "sources") as parts:
        yield parts


@pytest.fixture
async def documents(etl: Inner, fresh_stack: StackUnderTest) -> AsyncIterator[DocumentStore]:
    async with await open_pool(fresh_stack.dsn(ROLE, "curated"), "test") as curated:
        yield DocumentStore(etl.pool, curated)


async def load(etl: Inner, raw: RawWriter, *rows: list[str]) -> None:
    await raw.release(SOURCE, HEADER, rows)
    await etl.apply_all(SOURCE)


async def edges(pool: asyncpg.Pool) -> list[tuple[object, ...]]:
    return [tuple(edge) for edge in await pool.fetch(EDGES)]


async def texts(documents: DocumentStore) -> dict[str, str]:
    """The documents that are due, by their titles; they are written then."""
    found: dict[str, str] = {}
    while (due := await documents.due([SOURCE], 100)) is not None:
        made = build(due)
        await documents.write(due, made)
        found |= {one.meta["title"]: one.text for one in made}
    return found


async def test_an_edge_waits_for_its_parent_and_finds_it(etl: Inner, raw: RawWriter) -> None:
    await load(etl, raw, *TREE)
    assert await edges(etl.pool) == [
        ("Be known", "1", None, True),
        ("Visits", "2", "Be known", False),
        ("Visits", "3", None, True),
    ]
    await load(etl, raw, row("3", "Earn trust"), row("11", "Customers", "1", "1"), row("31", "Incidents", "3", "2"))
    assert await edges(etl.pool) == [
        ("Be known", "1", "Grow", False),
        ("Customers", "1", "Grow", False),
        ("Incidents", "3", "Earn trust", False),
        ("Visits", "2", "Be known", False),
        ("Visits", "3", "Earn trust", False),
    ]


async def test_documents_name_what_a_goal_contributes_to_and_its_period(
    etl: Inner, raw: RawWriter, documents: DocumentStore
) -> None:
    await load(etl, raw, *TREE)
    first = await texts(documents)
    assert "Period: Q1 2026." in first["Be known"]
    assert "Contributes to" not in first["Be known"]
    await load(etl, raw, row("3", "Earn trust"), row("11", "Customers", "1", "1"), row("31", "Incidents", "3", "2"))
    then = await texts(documents)
    assert "Contributes to: Grow." in then["Be known"], "it is written anew, though it did not change itself"
    assert "Contributes to: Earn trust." in then["Visits"]
    assert "Contributes to" not in then["Customers"], "its own objective is named already"


async def test_goals_that_contribute_to_each_other_are_warned_of(etl: Inner, raw: RawWriter) -> None:
    await load(
        etl, raw, row("1", "Grow", "2"), row("2", "Be known", "1"), row("11", "A", "1", "1"), row("21", "B", "2", "1")
    )
    quality, today = QualityStore(etl.pool), {SOURCE: Today(date(2026, 2, 1), has_status=False)}
    (warning,) = await quality.warnings(today, Patience(), "cyclic_alignment", 10)
    assert sorted(warning["title"].split(", ")) == ["Be known", "Grow"]
    assert await etl.pool.fetchval("select sum(rejected) from batch_result") == 0
    await load(etl, raw, row("1", "Grow"), row("11", "A", "1", "2"))
    assert await quality.warnings(today, Patience(), "cyclic_alignment", 10) == []


async def test_the_periods_of_objectives(etl: Inner, raw: RawWriter) -> None:
    other = [*row("22", "Talks", "2", "1")]
    other[HEADER.index("Time Period")] = "Soon"
    await load(etl, raw, *TREE, other)
    periods = await etl.pool.fetch("select label, kind, start_on, end_on from period order by label")
    assert [tuple(period) for period in periods] == [
        ("Q1 2026", "quarter", date(2026, 1, 1), date(2026, 3, 31)),
        ("Soon", "other", None, None),
    ]
    labels = await etl.pool.fetch("select distinct o.period from objective o join period p on p.label = o.period")
    assert {one["period"] for one in labels} == {"Q1 2026", "Soon"}


async def test_a_period_that_ends_before_it_starts_rejects_its_row_and_no_more(
    fresh_stack: StackUnderTest, raw: RawWriter, tmp_path: Path
) -> None:
    file = tmp_path / f"{SOURCE}.yaml"
    text = (repository() / "configs" / "sources" / file.name).read_text()
    file.write_text(text.replace(LABELLED, DATED))
    async with inner(fresh_stack.dsn, tmp_path) as etl:
        odd = row("11", "Customers", "1", "1")
        odd[HEADER.index("Start Date")], odd[HEADER.index("Due Date")] = "2026-04-01", "2026-03-31"
        await load(etl, raw, *TREE, odd)
        (rejected,) = await etl.pool.fetch("select reasons, detail from rejected")
        assert "due_before_start:period" in rejected["reasons"]
        assert "due on 2026-03-31, before it starts on 2026-04-01" in rejected["detail"]
        days = await etl.pool.fetch("select distinct start_on, end_on from period")
        assert [tuple(one) for one in days] == [(date(2026, 1, 1), date(2026, 3, 31))]


async def days(etl: Inner, label: str = "Q1 2026") -> tuple[date | None, date | None]:
    found = await etl.pool.fetchrow("select start_on, end_on from period where label = $1", label)
    assert found is not None
    return found["start_on"], found["end_on"]


def dated(row_id: str, start: str, due: str, metric: str = "") -> list[str]:
    made = row(row_id, f"Goal {row_id}", "" if row_id == "1" else "1", "1")
    made[HEADER.index("Metric Name")] = metric
    made[HEADER.index("Start Date")], made[HEADER.index("Due Date")] = start, due
    return made


@pytest.mark.parametrize("batch_rows", [9, 1])
async def test_the_newest_file_says_which_days_a_period_has(
    fresh_stack: StackUnderTest, raw: RawWriter, tmp_path: Path, batch_rows: int
) -> None:
    file = tmp_path / f"{SOURCE}.yaml"
    text = (repository() / "configs" / "sources" / file.name).read_text()
    text = text.replace(LABELLED, "period: { label: period, start_on: first, end_on: last }")
    for name, day in (("last", "due_on"), ("first", "start_on")):
        made = f"derived:\n  {name}: CASE WHEN metric = 'no days' THEN NULL ELSE {day} END\n"
        text = text.replace("derived:\n", made)
    file.write_text(text)
    top = dated("1", "2026-02-01", "2026-02-28")
    wide = [top, dated("11", "2026-01-01", "2026-02-28"), dated("12", "2026-02-01", "2026-04-30")]
    narrow = [top, dated("11", "2026-01-15", "2026-02-28"), dated("12", "2026-02-01", "2026-03-31")]
    silent = [dated(one, "2026-01-01", "2026-12-31", "no days") for one in ("1", "11", "12")]
    async with inner(fresh_stack.dsn, tmp_path) as etl:
        for rows, told in (
            (wide, (date(2026, 1, 1), date(2026, 4, 30))),
            (narrow, (date(2026, 1, 15), date(2026, 3, 31))),
            (silent, (date(2026, 1, 15), date(2026, 3, 31))),
            (wide, (date(2026, 1, 1), date(2026, 4, 30))),
        ):
            await raw.release(SOURCE, HEADER, rows, batch_rows=batch_rows)
            await etl.apply_all(SOURCE)
            assert await days(etl) == told
        assert await etl.pool.fetchval("select sum(rejected) from batch_result") == 0


async def test_what_a_replay_says_of_periods_is_read_once_it_holds(
    fresh_stack: StackUnderTest, raw: RawWriter, tmp_path: Path
) -> None:
    file = tmp_path / f"{SOURCE}.yaml"
    text = (repository() / "configs" / "sources" / file.name).read_text()
    file.write_text(text)
    calendar, fiscal = (date(2026, 1, 1), date(2026, 3, 31)), (date(2025, 7, 1), date(2025, 9, 30))
    async with inner(fresh_stack.dsn, tmp_path) as etl:
        await load(etl, raw, *TREE)
        soon = row("22", "Talks", "2", "1")
        soon[HEADER.index("Time Period")] = "FY26 Q1"
        await load(etl, raw, *TREE, soon)
        assert (await days(etl), await days(etl, "FY26 Q1")) == (calendar, calendar)
        file.write_text(text.replace(LABELLED, "period: { label: period, year_starts: 7 }"))
        await etl.replays.ask(SOURCE, 2)
        assert [await etl.replayer._step(SOURCE) for _ in range(2)] == [True, True], "it begins, and does the batch"
        assert (await days(etl), await days(etl, "FY26 Q1")) == (calendar, calendar)
        assert not await etl.replayer._step(SOURCE)
        assert await etl.pool.fetchval("select generation from source_head") == 2
        assert (await days(etl), await days(etl, "FY26 Q1")) == (calendar, fiscal)
        file.write_text(text.replace(f", {LABELLED}", "").replace(f"    {LABELLED}\n", ""))
        await etl.replays.ask(SOURCE, 2)
        while await etl.replayer._step(SOURCE):
            pass
        told = await etl.pool.fetch("select label from period")
        assert [one["label"] for one in told] == ["Q1 2026"], "what was said before its first batch stays"
        assert await etl.pool.fetchval("select count(distinct generation) from period_said") == 1


async def test_a_replay_says_the_edges_again(fresh_stack: StackUnderTest, raw: RawWriter, tmp_path: Path) -> None:
    file = tmp_path / f"{SOURCE}.yaml"
    text = (repository() / "configs" / "sources" / file.name).read_text()
    file.write_text(text)
    async with inner(fresh_stack.dsn, tmp_path) as etl:
        await load(etl, raw, *TREE, row("11", "Customers", "1", "1"))
        before = await edges(etl.pool)
        file.write_text(text.replace("parents: goal_parents }", "parents: goal_parents, kind: supports }"))
        await etl.replays.ask(SOURCE, 1)
        while await etl.replayer._step(SOURCE):
            pass
        assert await edges(etl.pool) == before
        kinds = await etl.pool.fetch("select child_entity, kind from alignment group by 1, 2 order by 1")
        assert [tuple(one) for one in kinds] == [("key_result", "contributes"), ("objective", "supports")]
