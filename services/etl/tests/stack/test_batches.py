"""A batch's one transaction, and what leaves it, on the real database and broker."""

import csv
import io
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import pairwise

import orjson
import pytest

from okr_common import codec, topics
from okr_common.delivery.relay import Page, Relay
from okr_common.events import BatchLoaded, BatchPublished, BatchTransformed, event_id
from okr_common.kafka.producer import Producer
from okr_common.kafka.reader import read_all
from okr_common.paths import repository
from okr_common.sources import Mapping
from okr_common.topology import STAGES
from okr_etl.domain.batch import propose
from okr_etl.domain.turn import Task
from okr_etl.store.processed import ProcessedStore
from okr_etl.testing import MemorySource, RawWriter
from okr_etl.testing.inner import Inner, inner
from okr_stack.testing import StackUnderTest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]
STAGE = STAGES["etl"]
Table = tuple[list[str], list[list[str]]]


@dataclass
class Etl(Inner):
    """And where to publish."""

    bootstrap: str

    async def publish(self) -> None:
        producer = Producer(self.bootstrap, "test")
        await Relay(self.pool, producer, STAGE, self.processed.read_unit)._turn()

    async def task(self, mta: Mapping, position: int) -> Task:
        released = await self.raw.released("mta_nyct", position)
        assert released is not None
        batch = await self.raw.read(released)
        await self.processed.keep(mta)
        return Task(batch, propose(batch, mta), mta, 1, released.behind)


@pytest.fixture
async def etl(fresh_stack: StackUnderTest) -> AsyncIterator[Etl]:
    async with inner(fresh_stack.dsn, repository() / "configs" / "sources") as parts:
        yield Etl(**vars(parts), bootstrap=fresh_stack.bootstrap)


async def test_the_sample_in_three_files(etl: Etl, raw: RawWriter, mta_file: Table, memory: MemorySource) -> None:
    header, rows = mta_file
    for part in (rows[:4000], rows[4000:4001], rows[4001:]):
        events = await raw.release("mta_nyct", header, part, batch_rows=3000)
        for number, event in enumerate(events):
            memory.load(part[3000 * number :][:3000], f"file/{event.file_id}")
    await etl.apply_all("mta_nyct")
    counts = await etl.pool.fetchrow(
        "select sum(rows) as rows, sum(new) as new, sum(versions) as versions from batch_result"
    )
    tables = {
        table: await etl.pool.fetchval(f"select count(*) from {table}")
        for table in ("objective", "key_result", "check_in", "outcome", "rejected")
    }
    assert counts is not None
    assert (counts["rows"], counts["new"]) == (9213, 9213)
    assert tables == {"objective": 22, "key_result": 814, "check_in": 9213, "outcome": 635, "rejected": 0}
    versions = await etl.pool.fetch(
        "select entity, entity_id::text, revision, knowledge_time, payload from entity_version"
    )
    assert {tuple(row) for row in versions} == memory.versions()


async def test_what_is_published_and_in_which_order(etl: Etl, raw: RawWriter, mta_file: Table) -> None:
    header, rows = mta_file
    await raw.release("mta_nyct", header, rows[:300], batch_rows=200)
    await etl.apply_all("mta_nyct")
    await etl.publish()
    records = [codec.decode_record(read.value) for read in read_all(etl.bootstrap, [topics.PROCESSED_RECORDS.name])]
    assert [(record.position, record.seq) for record in records] == sorted(
        (record.position, record.seq) for record in records
    )
    stored = await etl.pool.fetch("select * from entity_version order by position, seq")
    assert [orjson.loads(row["payload"]) for row in stored] == [record.payload for record in records]
    events = [
        codec.decode_event([(name, text) for name, text in read.headers.items()], read.value)
        for read in read_all(etl.bootstrap, [topics.PROCESSING_EVENTS.name])
    ]
    assert [(type(event), getattr(event, "position", 0)) for event in events] == [
        (kind, position) for position in (1, 2) for kind in (BatchTransformed, BatchLoaded, BatchPublished)
    ]
    assert [event.behind for event in events if isinstance(event, BatchPublished)] == [1, 0]


async def test_records_from_memory_are_those_of_the_table(etl: Etl, raw: RawWriter, mta_file: Table) -> None:
    await raw.release("mta_nyct", mta_file[0], mta_file[1][:400])
    await etl.apply_all("mta_nyct")
    unit = orjson.loads(await etl.pool.fetchval("select unit from delivery.outbox where unit is not null"))
    committed = [await etl.processed.read_unit(unit, after, 300) for after in (0, 300)]
    read_back = [await ProcessedStore(etl.pool).read_unit(unit, after, 300) for after in (0, 300)]
    assert [_told(page) for page in committed] == [_told(page) for page in read_back]
    assert committed[0].place == 300
    assert (await etl.processed.read_unit(unit, committed[1].place, 300)).records == ()


async def test_what_is_not_the_last_batch_is_read_from_the_table(etl: Etl, raw: RawWriter, mta_file: Table) -> None:
    await raw.release("mta_nyct", mta_file[0], mta_file[1][:400], batch_rows=200)
    await etl.apply_all("mta_nyct")
    units = await etl.pool.fetch("select unit from delivery.outbox where unit is not null order by id")
    pages = [await etl.processed.read_unit(orjson.loads(row["unit"]), 0, 5_000) for row in units]
    assert sum(len(page.records) for page in pages) == await etl.pool.fetchval("select count(*) from entity_version")


def _told(page: Page) -> list[tuple[object, ...]]:
    """Without what tells the moment of sending."""
    return [(*one._replace(headers=None), _lasting(one.headers or {})) for one in page.records]


def _lasting(headers: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in headers.items() if name not in {"traceparent", "ce_time"}}


async def test_ids_are_those_of_the_language(etl: Etl, raw: RawWriter, mta_file: Table) -> None:
    await raw.release("mta_nyct", mta_file[0], mta_file[1][:20])
    await etl.apply_all("mta_nyct")
    await etl.publish()
    for read in read_all(etl.bootstrap, [topics.PROCESSED_RECORDS.name]):
        record = codec.decode_record(read.value)
        assert read.key == str(record.entity_id).encode()
        expected = event_id(record.ce_type, record.subject, record.generation)
        assert read.headers["ce_id"] == str(expected)
        assert read.headers["ce_subject"] == record.subject
        assert read.headers.keys() >= {"ce_specversion", "ce_type", "ce_source", "ce_time", "traceparent"}


async def test_the_same_rows_again_publish_nothing(etl: Etl, raw: RawWriter, mta_file: Table) -> None:
    for _ in range(2):
        await raw.release("mta_nyct", *mta_file)
    await etl.apply_all("mta_nyct")
    rows = await etl.pool.fetch("select new, unchanged, versions from batch_result order by position")
    assert [tuple(row)[:2] for row in rows] == [(9213, 0), (0, 9213)]
    assert rows[1]["versions"] == 0


async def test_a_batch_tells_how_many_versions_of_each_entity_it_made(
    etl: Etl, raw: RawWriter, mta_file: Table
) -> None:
    header, rows = mta_file
    other = {"YTD_ACTUAL": (22, "2.5"), "INDICATOR_NAME": (23, "Renamed")}
    changed = [[*row] for row in rows[:24]]
    for column, (row, cell) in other.items():
        changed[row][header.index(column)] = cell
    files = (rows[:23], rows[:24], changed, changed)
    released = [event for file in files for event in await raw.release("mta_nyct", header, file)]
    await etl.apply_all("mta_nyct")
    told = await etl.transformed()
    assert [(one.batch_id, one.position, one.rows) for one in told] == [
        (event.batch_id, event.position, event.rows) for event in released
    ]
    assert {(one.source, one.generation, one.mapping_version) for one in told} == {("mta_nyct", 1, 1)}
    assert [(one.objectives, one.key_results, one.check_ins, one.outcomes) for one in told] == [
        (2, 2, 23, 1),  # two years of an indicator, one without its December
        (0, 0, 1, 1),  # that December, beside rows that are known
        (0, 1, 1, 0),  # another value and another title
        (0, 0, 0, 0),
    ]
    counts = [tuple(row) for row in await etl.pool.fetch(COUNTS)]
    assert counts == [(23, 23, 0, 0, 0), (24, 1, 0, 23, 0), (24, 0, 2, 22, 0), (24, 0, 0, 24, 0)]


async def test_a_batch_is_applied_once_whoever_tries(etl: Etl, raw: RawWriter, mta_file: Table, mta: Mapping) -> None:
    await raw.release("mta_nyct", mta_file[0], mta_file[1][:50])
    await etl.processed.head("mta_nyct")
    task = await etl.task(mta, 1)
    assert await etl.processed.apply(task) is not None
    assert await etl.processed.apply(task) is None
    assert await etl.pool.fetchval("select count(*) from batch_result") == 1


async def test_a_later_batch_never_comes_first(etl: Etl, raw: RawWriter, mta_file: Table, mta: Mapping) -> None:
    await raw.release("mta_nyct", mta_file[0], mta_file[1][:50], batch_rows=25)
    await etl.processed.head("mta_nyct")
    assert await etl.processed.apply(await etl.task(mta, 2)) is None
    assert await etl.pool.fetchval("select count(*) from entity_version") == 0


async def test_a_correction_moves_the_current_row_and_keeps_the_version(
    etl: Etl, raw: RawWriter, mta_file: Table
) -> None:
    header, rows = mta_file
    column = header.index("YTD_ACTUAL")
    corrected = [*rows[0][:column], "2.5", *rows[0][column + 1 :]]
    for row in (rows[0], corrected, rows[0]):
        await raw.release("mta_nyct", header, [row])
    await etl.apply_all("mta_nyct")
    current = await etl.pool.fetchrow("select revision, value::float8, progress, batch_id from check_in")
    assert current is not None
    assert tuple(current)[:3] == (3, 1.93, 1.0)
    versions = await etl.pool.fetch("select payload from entity_version where entity = 'check_in' order by revision")
    assert [orjson.loads(row["payload"])["value"] for row in versions] == [1.93, 2.5, 1.93]


TABLES = {
    "objective": "title",
    "key_result": "title, target::float8, due_on::text, attributes::text",
    "check_in": "as_of::text, value::float8, target::float8, progress, comment",
    "outcome": "final_value::float8, target::float8, achieved, resolution",
}


async def test_every_current_row_says_what_its_newest_version_says(etl: Etl, raw: RawWriter, mta_file: Table) -> None:
    header, rows = mta_file
    year = [row for row in rows if row[header.index("PERIOD_YEAR")] == "2012"]
    await raw.release("mta_nyct", header, year)
    edits = {"AGENCY_NAME": 'The "new", agency', "INDICATOR_NAME": "Renamed", "YTD_TARGET": "51.5", "YTD_ACTUAL": "70"}
    edited = [[edits.get(name, cell) for name, cell in zip(header, row, strict=True)] for row in year]
    await raw.release("mta_nyct", header, [row for row in edited if row[header.index("PERIOD_MONTH")] == "12"])
    await etl.apply_all("mta_nyct")
    for table, columns in TABLES.items():
        newest = "select distinct on (entity_id) * from entity_version order by entity_id, revision desc"
        query = f"select t.revision as own, v.revision, v.payload, {columns} from {table} t"
        found = await etl.pool.fetch(f"{query} join ({newest}) v on v.entity_id = t.{table}_id")
        assert max(row["own"] for row in found) > 1, f"something of {table} changed"
        for row in found:
            said = dict(row)
            assert said.pop("own") == said.pop("revision")
            payload = orjson.loads(said.pop("payload"))
            said |= {"attributes": orjson.loads(said["attributes"])} if "attributes" in said else {}
            assert {name: payload[name] for name in said} == said


async def test_rejected_rows_keep_all_their_reasons(etl: Etl, raw: RawWriter, mta_file: Table) -> None:
    header, rows = mta_file
    good = rows[0]
    bad = [*good[:7], 'Sideways, "quoted"\n', *good[8:12], "x", *good[13:]]
    await raw.release("mta_nyct", header, [good, bad, good[:3]])
    await etl.apply_all("mta_nyct")
    found = await etl.pool.fetch("select row_num, reasons, detail from rejected order by row_num")
    assert [row["row_num"] for row in found] == [2, 3]
    assert found[0]["reasons"] == ["unknown_word:direction", "not_a_number:target"]
    assert "Sideways" in orjson.loads(found[0]["detail"])["unknown_word:direction"]
    result = await etl.pool.fetchrow("select new, rejected from batch_result")
    assert result is not None
    assert tuple(result) == (1, 2)


async def test_a_revert_refers_to_the_rows_of_an_older_batch(etl: Etl, raw: RawWriter, mta_file: Table) -> None:
    header, rows = mta_file
    [event] = await raw.release("mta_nyct", header, rows[:5])
    await raw.release("mta_nyct", header, rows[5:6])
    await raw.revert(event)
    await etl.apply_all("mta_nyct")
    results = await etl.pool.fetch("select rows, unchanged from batch_result order by position")
    assert [tuple(row) for row in results] == [(5, 0), (1, 0), (5, 5)]


async def test_an_empty_batch_moves_the_head(etl: Etl, raw: RawWriter, mta_file: Table) -> None:
    await raw.release("mta_nyct", mta_file[0], [])
    await etl.apply_all("mta_nyct")
    assert await etl.pool.fetchval("select position from source_head") == 1


async def test_what_changed_is_due_to_be_curated(etl: Etl, raw: RawWriter, mta_file: Table) -> None:
    header, rows = mta_file
    await raw.release("mta_nyct", header, rows[:24])
    await etl.apply_all("mta_nyct")
    due = await etl.pool.fetch("select entity, entity_id from document_due")
    assert Counter(row["entity"] for row in due) == {"objective": 2, "key_result": 2}
    await etl.pool.execute("delete from document_due")
    await raw.release("mta_nyct", header, [*rows[:23], [*rows[23][:13], "9", *rows[23][14:]]])
    await etl.apply_all("mta_nyct")
    due = await etl.pool.fetch("select entity from document_due")
    assert [row["entity"] for row in due] == ["key_result"], "only the key result with another check-in"


async def test_of_a_daily_export_only_the_news_is_read(etl: Etl, raw: RawWriter, mta_file: Table) -> None:
    header, rows = mta_file
    actual = header.index("YTD_ACTUAL")
    bad = [*rows[1][:actual], "n/a?", *rows[1][actual + 1 :]]
    changed = [*rows[700][:actual], "1.5", *rows[700][actual + 1 :]]
    monday = await raw.release("mta_nyct", header, [rows[0], bad, *rows[2:900]], batch_rows=300)
    again = [rows[0], bad, *rows[2:700], changed, *rows[701:901]]
    tuesday = await raw.release("mta_nyct", header, again, batch_rows=300)
    await raw.compare(tuesday, monday)
    await etl.apply_all("mta_nyct")
    counts = [tuple(row) for row in await etl.pool.fetch(COUNTS)]
    assert counts[:3] == [(300, 299, 0, 0, 1), (300, 300, 0, 0, 0), (300, 300, 0, 0, 0)]
    assert counts[3:] == [(300, 0, 0, 299, 1), (300, 0, 0, 300, 0), (300, 0, 1, 299, 0), (1, 1, 0, 0, 0)]
    assert not await etl.pool.fetchval("select whole from source_head"), "only its news was read"


async def test_the_rejected_rows_of_files_that_wait_together_are_told_for_each(
    etl: Etl, raw: RawWriter, mta_file: Table
) -> None:
    header, rows = mta_file
    actual = header.index("YTD_ACTUAL")
    bad = [*rows[1][:actual], "n/a?", *rows[1][actual + 1 :]]
    days = [await raw.release("mta_nyct", header, [rows[0], bad, *rows[2 : 100 + day]]) for day in range(4)]
    for before, after in pairwise(days):
        await raw.compare(after, before)
    await etl.apply_all("mta_nyct")
    counts = [tuple(row) for row in await etl.pool.fetch(COUNTS)]
    assert counts == [(100, 99, 0, 0, 1), *[(100 + day, 1, 0, 98 + day, 1) for day in range(1, 4)]]
    assert not await etl.pool.fetchval("select whole from source_head")


async def test_rows_that_contradict_each_other_publish_once_however_often_the_file_comes(
    etl: Etl, raw: RawWriter, mta_file: Table
) -> None:
    header, rows = mta_file
    actual = header.index("YTD_ACTUAL")
    other = [*rows[5][:actual], "1.5", *rows[5][actual + 1 :]]
    for _ in range(3):  # as if etl began anew with each batch: nothing of what was said is in memory
        await raw.release("mta_nyct", header, [*rows[:40], other], batch_rows=10)
        for _ in range(5):
            etl.applier._said._known.clear()
            await etl.applier._next("mta_nyct")
    counts = [tuple(row) for row in await etl.pool.fetch(COUNTS)]
    assert counts == [*[(10, 10, 0, 0, 0)] * 4, (1, 0, 0, 0, 1), *[*[(10, 0, 0, 10, 0)] * 4, (1, 0, 0, 0, 1)] * 2]
    reasons = await etl.pool.fetch("select distinct reasons from rejected")
    assert [row["reasons"] for row in reasons] == [["contradicts_earlier_row"]]


COUNTS = "select rows, new, changed, unchanged, rejected from batch_result order by position"


async def test_a_wide_row_becomes_several_check_ins_and_their_current_rows(etl: Etl, raw: RawWriter) -> None:
    file = repository() / "samples" / "formats" / "culture_amp.csv"
    header, *rows = csv.reader(io.StringIO(file.read_text(encoding="utf-8"), newline=""), strict=True)
    for _ in range(2):
        await raw.release("culture_amp", header, rows[:3])
    await etl.apply_all("culture_amp")
    query = "select k.title, c.value::float8, c.row_num from check_in c join key_result k using (key_result_id)"
    assert [tuple(row) for row in await etl.pool.fetch(f"{query} order by 3, 1")] == [
        ("Open three offices", 0.65, 1),
        ("Sign 20 partners", 0.25, 1),
        ("Release weekly", 1.0, 2),
        ("Fill six posts", 0.1, 3),
        ("Keep all, for a year", 0.0, 3),
        ("Onboard all", 0.0, 3),
    ]
    counts = [tuple(row) for row in await etl.pool.fetch(COUNTS)]
    assert counts == [(3, 3, 0, 0, 0), (3, 0, 0, 3, 0)]


async def test_a_transposed_file_that_was_cut_into_batches_is_rejected_whole_and_counted(
    etl: Etl, raw: RawWriter
) -> None:
    text = (repository() / "samples" / "uk_gmpp" / "uk_2014.csv").read_bytes().decode("cp1252")
    header, *lines = csv.reader(io.StringIO(text, newline=""))
    await raw.release("uk_gmpp", header, lines, batch_rows=10)
    await etl.apply_all("uk_gmpp")
    counts = await etl.pool.fetch("select rows, rejected, versions from batch_result order by position")
    assert [tuple(row) for row in counts] == [(10, 10, 0), (6, 6, 0)]
    reasons = await etl.pool.fetch("select distinct reasons[1] as reason from rejected")
    assert [row["reason"] for row in reasons] == ["transposed_in_parts"]
