"""The hostile files of okr_common.testing.hostile, as this service judges and reads them, without a disk between."""

import io
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from okr_common.sources import Sources, load_sources
from okr_common.testing.hostile import Hostile, corpus, write, write_mappings
from okr_ingest_csv.domain.batch import take_batch
from okr_ingest_csv.domain.content import Inspection
from okr_ingest_csv.domain.dialect import Dialect
from okr_ingest_csv.domain.discovery import Look
from okr_ingest_csv.domain.lines import WIDE
from okr_ingest_csv.domain.plan import Range, Size, UnplannableError, plan
from okr_ingest_csv.domain.quality import Summary, findings_of, reason_to_stop
from okr_ingest_csv.domain.record import Row, Shape, Unreadable
from okr_ingest_csv.domain.records import Records, read_records
from okr_ingest_csv.domain.verdict import Candidate, judge

LOOK = Look(0, 0, 0)
CASES = pytest.mark.parametrize("case", corpus(), ids=lambda case: case.name[:40])
READ = pytest.mark.parametrize("case", [case for case in corpus() if case.was_read], ids=lambda case: case.name[:40])
QUOTES_TELL_NO_BOUNDARIES = {
    "inner-quotes.csv",
    "spaced-quotes.csv",
    "bad-quote.csv",
    "backslash-quote.csv",
    "stray-quote.csv",
    "spaced-quote.csv",
    "broken-country.csv",
    "swallowing-quote.csv",
    "cut-in-a-quote.csv",
    "open-quote-in-2-mib.csv",
}


class Read(NamedTuple):
    """What became of a file."""

    candidate: Candidate
    records: list[Row | Unreadable]

    @property
    def rows(self) -> list[Row]:
        return [one for one in self.records if not isinstance(one, Unreadable)]

    @property
    def unreadable(self) -> list[Unreadable]:
        return [one for one in self.records if isinstance(one, Unreadable)]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    folder = tmp_path_factory.mktemp("sources")
    write_mappings(folder)
    loaded = load_sources(folder)
    assert not loaded.problems
    return loaded


def read(case: Hostile, sources: Sources, chunk: int = 65_536) -> Read:
    inspection = Inspection()
    for at in range(0, len(case.content), chunk):
        inspection.feed(case.content[at : at + chunk])
    candidate = judge(f"/inbox/{case.name}", LOOK, inspection, sources)
    if candidate.state != "waiting" or candidate.dialect is None:
        return Read(candidate, [])
    dialect = candidate.dialect
    stream = io.BytesIO(case.content[dialect.start.byte :])
    return Read(candidate, list(read_records(stream, shape_of(candidate, dialect), dialect.start)))


def shape_of(candidate: Candidate, dialect: Dialect) -> Shape:
    return Shape(dialect.encoding.name, dialect.delimiter, len(dialect.header), candidate.repair)


def summary(found: Read) -> Summary:
    dialect = found.candidate.dialect
    assert dialect is not None
    guess = dialect.encoding.how if dialect.encoding.guessed else None
    unreadable = Counter(one.reason for one in found.unreadable)
    batch = take_batch(Records([found.records]), 1, dialect.start, len(found.records) + 1)
    copies = len(found.rows) - len({tuple(row[0]) for row in found.rows})
    return Summary(dialect.header, dialect.header_line, guess, len(found.rows), unreadable, batch.profile, copies)


@CASES
def test_each_file_is_judged_and_read_as_it_must_be(case: Hostile, sources: Sources) -> None:
    found = read(case, sources)
    candidate, dialect = found.candidate, found.candidate.dialect
    assert candidate.source == case.source
    if dialect is None:
        assert (case.encoding, case.delimiter, case.header, case.header_line) == (None,) * 4
    else:
        told = (dialect.encoding.name, dialect.delimiter, dialect.header, dialect.header_line)
        assert told == (case.encoding, case.delimiter, case.header, case.header_line)
    if not case.was_read:
        assert (candidate.state, candidate.reason) == (case.state, case.reason)
        assert candidate.detail
        return
    assert [tuple(row[0]) for row in found.rows] == list(case.rows)
    assert sum(row[5] for row in found.rows) == case.repaired
    assert Counter(one.reason for one in found.unreadable) == case.unreadable
    findings = findings_of(summary(found), [], sources.mappings[case.source].read)
    assert {one.kind for one in findings} == case.findings
    stop = reason_to_stop(findings)
    reason = "header_only" if not found.records else None
    assert (("quarantined", stop.kind) if stop else ("done", reason)) == (case.state, case.reason)


@READ
def test_header_and_records_cover_the_bytes_without_a_gap(case: Hostile, sources: Sources) -> None:
    found = read(case, sources)
    assert found.candidate.dialect is not None
    at, line = found.candidate.dialect.start.byte, found.candidate.dialect.start.line
    for one in found.records:
        first, last, start, length = _extent(one)
        assert (start, first) == (at, line)
        at, line = start + length, last + 1
    assert at == len(case.content)


def _extent(record: Row | Unreadable) -> tuple[int, int, int, int]:
    if isinstance(record, Unreadable):
        return record.first_line, record.last_line, record.byte_start, record.byte_len
    return record[1], record[2], record[3], record[4]


@READ
def test_read_in_parts_each_file_gives_the_same_records_or_is_known_to_need_one_reader(
    case: Hostile, sources: Sources
) -> None:
    found = read(case, sources)
    dialect = found.candidate.dialect
    assert dialect is not None
    start, shape = dialect.start, shape_of(found.candidate, dialect)
    one_reader = case.name in QUOTES_TELL_NO_BOUNDARIES or shape.encoding in WIDE
    try:
        ranges = list(plan(io.BytesIO(case.content[start.byte :]), shape, start, Size(2, 1_000_000), 4_096))
    except UnplannableError:
        assert one_reader
        return
    assert not one_reader
    parts = [_alone(case.content, one, shape) for one in ranges]
    assert [record for part in parts for record in part] == found.records
    assert [len(part) for part in parts] == [one.records for one in ranges]


def _alone(content: bytes, one: Range, shape: Shape) -> list[Row | Unreadable]:
    part = content[one.start.byte : one.start.byte + one.length]
    return list(read_records(io.BytesIO(part), shape, one.start))


def test_the_corpus_is_large_and_always_the_same(tmp_path: Path) -> None:
    cases = corpus()
    assert len(cases) >= 80
    assert len({case.name for case in cases}) == len({case.content for case in cases}) == len(cases)
    corpus.cache_clear()
    assert corpus() == cases
    write(tmp_path)
    assert {path.name: path.read_bytes() for path in (tmp_path / "files").iterdir()} == {
        case.name: case.content for case in cases
    }
