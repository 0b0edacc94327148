"""Any table of any strings, exported in any way: found out and read whole, cut anywhere, and split anywhere."""

import codecs
import io
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_common.sources import EncodingName, Read
from okr_ingest_csv.domain.batch import take_batch
from okr_ingest_csv.domain.content import CONTROLS
from okr_ingest_csv.domain.lines import WIDE
from okr_ingest_csv.domain.plan import Range, Size, UnplannableError, plan
from okr_ingest_csv.domain.record import Row, Shape, Unreadable
from okr_ingest_csv.domain.records import Records, read_records
from okr_ingest_csv.testing import Whole, read_whole

DELIMITERS, LINE_ENDS = ",;\t|", ("\n", "\r\n", "\r")
TITLES = ("Goals of 2026", "made by Ann; Bob, and Cy", "", "   ")


class Way(NamedTuple):
    """In which encoding a file is written, and whether it marks it or its source declares it."""

    encoding: EncodingName
    mark: bytes = b""
    declared: bool = False


WAYS = (
    Way("utf-8"),
    Way("utf-8", codecs.BOM_UTF8),
    Way("utf-16-le", codecs.BOM_UTF16_LE),
    Way("utf-16-be", codecs.BOM_UTF16_BE),
    Way("utf-16-le", declared=True),
    Way("cp1252", declared=True),
    Way("latin-1", declared=True),
)
NO_TEXT = "".join(map(chr, CONTROLS))
"""In a file that says nothing of its encoding, many of these mean that it is no text at all."""


class Exported(NamedTuple):
    """A table, its bytes, and how it must be read."""

    header: tuple[str, ...]
    rows: list[list[str]]
    content: bytes
    read: Read
    delimiter: str
    header_line: int

    def found(self, length: int | None = None) -> Whole:
        """What the reader makes of it, or of its first bytes."""
        return read_whole(self.content[:length], self.read, lambda cells: tuple(cells) == self.header)

    def shape(self) -> Shape:
        return Shape(self.found().dialect.encoding.name, self.delimiter, len(self.header))


ONE_BYTE = bytes(range(1, 256))


def cells(way: Way) -> st.SearchStrategy[str]:
    excluded = "\0" if way.mark or way.declared else "\0" + NO_TEXT
    any_character = st.characters(exclude_characters=excluded, exclude_categories=["Cs"])
    if way.encoding in ("cp1252", "latin-1"):
        any_character = st.sampled_from(ONE_BYTE.decode(way.encoding, "ignore"))
    return st.text(any_character, max_size=8) | st.text(st.sampled_from(',;\t|"\n\r a\u00e9'), max_size=6)


@st.composite
def exported(draw: st.DrawFn) -> Exported:
    way, delimiter = draw(st.sampled_from(WAYS)), draw(st.sampled_from(DELIMITERS))
    header = tuple(f"c{number}" for number in range(draw(st.integers(1, 4))))
    rows = draw(st.lists(st.lists(cells(way), min_size=len(header), max_size=len(header)), max_size=8))
    separator = [f"sep={delimiter}"] if draw(st.booleans()) else []
    titles = draw(st.lists(st.sampled_from(TITLES), max_size=3))
    above = draw(st.sampled_from(LINE_ENDS)).join([*separator, *titles, ""])
    text = above + "".join(_record(draw, one, delimiter) for one in [header, *rows])
    text = text if draw(st.booleans()) or not rows else text.removesuffix("\n").removesuffix("\r")
    read = Read(
        encoding=way.encoding if way.declared else None,
        delimiter=delimiter if len(header) == 1 else None,  # nothing else can tell it
    )
    line = 1 + len(separator) + len(titles)
    return Exported(header, rows, way.mark + text.encode(way.encoding), read, delimiter, line)


def _record(draw: st.DrawFn, row: Sequence[str], delimiter: str) -> str:
    """Quoted where it must be, and here and there where it need not be; with any line end."""
    must = [cell == "" or not set(cell).isdisjoint(f'{delimiter}"\r\n') for cell in row]
    written = [
        '"' + cell.replace('"', '""') + '"' if quoted or draw(st.booleans()) else cell
        for cell, quoted in zip(row, must, strict=True)
    ]
    return delimiter.join(written) + draw(st.sampled_from(LINE_ENDS))


@given(exported())
def test_any_table_exported_in_any_way_is_found_out_and_comes_back_cell_for_cell(table: Exported) -> None:
    dialect, rows, unreadable = table.found()
    assert (dialect.delimiter, dialect.header, dialect.header_line) == (
        table.delimiter,
        table.header,
        table.header_line,
    )
    assert ([row[0] for row in rows], unreadable) == (table.rows, [])
    assert not dialect.encoding.guessed


@given(exported(), st.data())
def test_cut_at_any_byte_it_gives_the_records_before_and_one_for_the_rest(table: Exported, data: st.DataObject) -> None:
    whole = table.found()
    begin = whole.dialect.start.byte
    cut = data.draw(st.integers(begin, len(table.content)))
    found = table.found(cut)
    before = [row for row in whole.rows if row[3] + row[4] <= cut]
    rest = found.rows[len(before) :] + found.unreadable
    assert found.rows[: len(before)] == before
    assert sum(map(_length, [*before, *rest])) == cut - begin
    assert len(found.unreadable) <= 1
    # half of the LF after a CR, which ends the row before it, is a record of its own
    assert len(rest) <= (2 if _is_wide(whole) else 1)


def _is_wide(whole: Whole) -> bool:
    return whole.dialect.encoding.name in WIDE


def _length(one: Row | Unreadable) -> int:
    return one.byte_len if isinstance(one, Unreadable) else one[4]


@given(exported(), st.integers(1, 5), st.integers(1, 60), st.integers(1, 30))
def test_split_anywhere_it_gives_the_same_records_under_the_same_numbers(
    table: Exported, records: int, size: int, chunk: int
) -> None:
    whole = table.found()
    start, shape = whole.dialect.start, table.shape()
    rest = io.BytesIO(table.content[start.byte :])
    if shape.encoding in WIDE:
        with pytest.raises(UnplannableError):
            list(plan(rest, shape, start, Size(records, size), chunk))
        return
    ranges = list(plan(rest, shape, start, Size(records, size), chunk))
    assert [(number, row) for one in ranges for number, row in _numbered(table.content, one, shape)] == list(
        enumerate(whole.rows, 1)
    )
    assert [one.start for one in ranges] == [start, *[one.after for one in ranges[:-1]]][: len(ranges)]


def _numbered(content: bytes, one: Range, shape: Shape) -> list[tuple[int, Row | Unreadable]]:
    """The records of a range that is read alone, each with its number in the file."""
    part = content[one.start.byte : one.start.byte + one.length]
    records = list(read_records(io.BytesIO(part), shape, one.start))
    assert take_batch(Records([records]), 1, one.start, one.records + 1).after == one.after
    return list(enumerate(records, one.start.row))
