"""The demo cuts the published file: nothing may be lost, changed or moved by that."""

import csv
import io

import pytest

from okr_cli.demo.cuts import ENCODING, HISTORY, LATEST, Published, months, published, split
from okr_cli.demo.figures import HISTORY_ROWS, KNOWN, LATEST_ROWS
from okr_common import paths


@pytest.fixture(scope="module")
def content() -> bytes:
    return (paths.repository() / "samples" / "mta_nyct" / "Performance_NYCT.csv").read_bytes()


@pytest.fixture(scope="module")
def file(content: bytes) -> Published:
    return published(content)


def test_records_are_those_of_the_csv_module(content: bytes, file: Published) -> None:
    by_csv = list(csv.reader(io.StringIO(content.decode(ENCODING), newline="")))[1:]
    by_us = [next(csv.reader(io.StringIO(record.raw.decode(ENCODING), newline=""))) for record in file.records]
    assert by_us == by_csv


def test_the_file_has_the_known_size(file: Published) -> None:
    assert len(file.records) == KNOWN["records"]
    assert file.lines == KNOWN["lines"]


def test_the_parts_together_are_the_file(content: bytes, file: Published) -> None:
    parts = [HISTORY, *months(2017, range(1, 13)), LATEST]
    assert sum(file.count(part.holds) for part in parts) == len(file.records)
    kept = [line for part in parts for line in list(split(file.cut(part.holds)))[1:]]
    assert sorted(kept) == sorted(list(split(content))[1:])
    assert all(file.cut(part.holds).startswith(file.header) for part in parts)


def test_the_parts_have_the_known_rows(file: Published) -> None:
    assert file.count(HISTORY.holds) == HISTORY_ROWS
    assert file.count(LATEST.holds) == LATEST_ROWS


def test_a_quoted_line_end_stays_inside_its_record() -> None:
    assert list(split(b'h\n"a\n""b"\nc')) == [b"h\n", b'"a\n""b"\n', b"c"]


def test_a_file_that_ends_inside_a_quote_is_refused() -> None:
    with pytest.raises(ValueError, match="inside a quoted cell"):
        list(split(b'h\n"a\n'))
