"""Real files, counted by an independent reader."""

import csv
import io
from pathlib import Path

import pytest

from okr_common import paths
from okr_ingest_csv.testing import read_whole

MTA = paths.repository() / "samples" / "mta_nyct" / "Performance_NYCT.csv"
DEVELOPMENT_DATA = paths.repository().parent / "shared" / "data"


def test_the_mta_file_is_read_as_it_was_published() -> None:
    content = MTA.read_bytes()
    dialect, rows, unreadable = read_whole(content)
    assert (dialect.encoding.name, dialect.encoding.guessed) == ("cp1252", True)
    assert "offset 344,926" in dialect.encoding.how
    theirs = list(csv.reader(io.StringIO(content.decode("cp1252"), newline=""), strict=True))
    assert [row[0] for row in rows] == theirs[1:]
    assert (len(rows), unreadable) == (9213, [])
    assert rows[-1][2] - rows[0][1] + 1 == 9453


@pytest.mark.data
@pytest.mark.skipif(not DEVELOPMENT_DATA.is_dir(), reason="the development data is not beside this checkout")
@pytest.mark.parametrize("path", sorted(DEVELOPMENT_DATA.glob("*/**/*.csv")), ids=lambda path: path.name)
def test_every_real_file_is_read_to_its_last_byte(path: Path) -> None:
    content = path.read_bytes()
    _, rows, unreadable = read_whole(content)
    ends = [row[3] + row[4] for row in rows] + [one.byte_start + one.byte_len for one in unreadable]
    assert max(ends) == len(content)
    assert len(unreadable) <= 0.2 * (len(rows) + len(unreadable))
