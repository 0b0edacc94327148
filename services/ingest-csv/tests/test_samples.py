"""Real files, counted by an independent reader."""

import csv
import io
from pathlib import Path

import pytest

from okr_common import paths
from okr_ingest_csv.domain.content import Inspection
from okr_ingest_csv.domain.dialect import dialect_of
from okr_ingest_csv.domain.record import Row, Shape, Unreadable
from okr_ingest_csv.domain.records import read_records

MTA = paths.repository() / "samples" / "mta_nyct" / "Performance_NYCT.csv"
DEVELOPMENT_DATA = paths.repository().parent / "shared" / "data"


def read(content: bytes) -> tuple[Inspection, list[Row], list[Unreadable]]:
    inspection = Inspection()
    inspection.feed(content)
    encoding = inspection.encoding()
    dialect = dialect_of(inspection.head, encoding)
    shape = Shape(encoding.codec, dialect.delimiter, len(dialect.header))
    records = list(read_records(io.BytesIO(content[dialect.start.byte :]), shape, dialect.start))
    rows = [one for one in records if not isinstance(one, Unreadable)]
    return inspection, rows, [one for one in records if isinstance(one, Unreadable)]


def test_the_mta_file_is_read_as_it_was_published() -> None:
    content = MTA.read_bytes()
    inspection, rows, unreadable = read(content)
    assert (inspection.encoding().name, inspection.encoding().guessed) == ("cp1252", True)
    assert "offset 344926" in inspection.encoding().how
    theirs = list(csv.reader(io.StringIO(content.decode("cp1252"), newline=""), strict=True))
    assert [row[0] for row in rows] == theirs[1:]
    assert (len(rows), unreadable) == (9213, [])
    assert rows[-1][2] - rows[0][1] + 1 == 9453


@pytest.mark.data
@pytest.mark.skipif(not DEVELOPMENT_DATA.is_dir(), reason="the development data is not beside this checkout")
@pytest.mark.parametrize("path", sorted(DEVELOPMENT_DATA.glob("*/**/*.csv")), ids=lambda path: path.name)
def test_every_real_file_is_read_to_its_last_byte(path: Path) -> None:
    content = path.read_bytes()
    _, rows, unreadable = read(content)
    ends = [row[3] + row[4] for row in rows] + [one.byte_start + one.byte_len for one in unreadable]
    assert max(ends) == len(content)
    assert len(unreadable) <= 0.2 * (len(rows) + len(unreadable))
