import csv
import io
import time
from itertools import islice
from typing import Literal, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from okr_ingest_csv.domain.lines import lines_in
from okr_ingest_csv.domain.record import Place, Repair, Row, Shape, Unreadable
from okr_ingest_csv.domain.records import Records, read_records

ANY_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
AWKWARD = st.text(st.sampled_from(',;\t|"\n\r a\u00e9\u2028\x1c\x85'), max_size=6)
START = Place()
QUOTINGS: tuple[Literal[0, 1, 2], ...] = (csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC)
CELLS = ANY_TEXT | AWKWARD
TABLES = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=8)
)


class Written(NamedTuple):
    """A table, and the bytes that csv.writer made of it in some dialect."""

    rows: list[list[str]]
    content: bytes
    shape: Shape


@st.composite
def written(draw: st.DrawFn) -> Written:
    rows = draw(TABLES)
    delimiter = draw(st.sampled_from(",;\t|"))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    # csv.writer leaves a line end unquoted that is not its own; no reader could tell it from a row's end
    ambiguous = any(character in cell for row in rows for cell in row for character in set("\r\n") - set(end))
    quoting = csv.QUOTE_ALL if ambiguous else draw(st.sampled_from(QUOTINGS))
    target = io.StringIO(newline="")
    csv.writer(target, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)
    encoding = draw(st.sampled_from(["utf-8", "utf-16-le", "utf-16-be"]))
    return Written(rows, target.getvalue().encode(encoding), Shape(encoding, delimiter, len(rows[0])))


def read(
    content: bytes, shape: Shape, start: Place = START, block_bytes: int = 16, **limits: int
) -> list[Row | Unreadable]:
    return list(read_records(io.BytesIO(content[start.byte :]), shape, start, block_bytes=block_bytes, **limits))


def rows_of(records: list[Row | Unreadable]) -> list[Row]:
    return [record for record in records if not isinstance(record, Unreadable)]


def unreadable(records: list[Row | Unreadable]) -> list[Unreadable]:
    return [record for record in records if isinstance(record, Unreadable)]


def extent(record: Row | Unreadable) -> tuple[int, int]:
    if isinstance(record, Unreadable):
        return record.byte_start, record.byte_len
    return record[3], record[4]


def place_after(record: Row | Unreadable) -> Place:
    last_line = record.last_line if isinstance(record, Unreadable) else record[2]
    return Place(sum(extent(record)), last_line + 1)


@given(written(), st.integers(1, 40))
def test_any_table_in_any_dialect_comes_back_cell_for_cell(table: Written, block_bytes: int) -> None:
    records = read(table.content, table.shape, block_bytes=block_bytes)
    assert [cells for cells, *_ in rows_of(records)] == table.rows
    assert not unreadable(records)


@given(st.lists(st.lists(st.integers(0, 9))), st.lists(st.integers(0, 3)))
def test_none_is_lost_whether_taken_together_or_one_by_one(blocks: list[list[int]], mosts: list[int]) -> None:
    every = [number for block in blocks for number in block]
    records = Records(blocks)  # type: ignore[arg-type]
    found = [number for most in mosts for number in [*records.take(most), *islice(records, most)]]
    assert [*found, *records] == every
    assert records.take(5) == []


@given(written(), st.integers(1, 40))
def test_byte_ranges_and_lines_give_the_very_record(table: Written, block_bytes: int) -> None:
    reader = csv.reader(
        io.StringIO(table.content.decode(table.shape.encoding), newline=""), delimiter=table.shape.delimiter
    )
    at, line = 0, 1
    for cells, first, last, start, length, _ in rows_of(read(table.content, table.shape, block_bytes=block_bytes)):
        alone = table.content[start : start + length].decode(table.shape.encoding)
        assert next(csv.reader(io.StringIO(alone, newline=""), delimiter=table.shape.delimiter)) == cells
        next(reader)
        assert (start, first, last) == (at, line, reader.line_num)
        at, line = start + length, last + 1
    assert at == len(table.content)


@given(written(), st.data())
def test_a_cut_anywhere_gives_the_records_before_it_and_at_most_one_unreadable(
    table: Written, data: st.DataObject
) -> None:
    whole = rows_of(read(table.content, table.shape))
    unit = lines_in(table.shape.encoding).unit
    cut = data.draw(st.integers(0, len(table.content) // unit)) * unit
    records = read(table.content[:cut], table.shape)
    before = [row for row in whole if sum(extent(row)) <= cut]
    assert rows_of(records)[: len(before)] == before
    assert len(records) <= len(before) + 1


@given(written(), st.integers(1, 40), st.data())
def test_reading_resumes_after_any_record_as_if_never_stopped(
    table: Written, block_bytes: int, data: st.DataObject
) -> None:
    records = read(table.content, table.shape)
    done = data.draw(st.integers(0, len(records)))
    start = place_after(records[done - 1]) if done else Place()
    assert read(table.content, table.shape, start, block_bytes) == records[done:]


@given(
    st.binary(max_size=60)
    | st.lists(st.sampled_from(b'\0\0\0\r\n,"a'), max_size=60).map(bytes)
    | st.text(st.sampled_from('",\r\n a\0\udce9')).map(lambda text: text.encode("utf-8", "surrogateescape")),
    st.integers(1, 3),
    st.sampled_from(["utf-8", "cp1252", "utf-16-le", "utf-16-be"]),
)
@example(b"x" * 17 + b"\n", 1, "utf-8")
@example(b'x,"' + b"y\n" * 9, 2, "utf-8")
@example(b"x\0,\0" * 9 + b"\n\0" * 3 + b"\n", 2, "utf-16-le")
@example(b"\0\r" + b"\0" * 31 + b"\r\0", 1, "utf-16-be")
@example("x,\u4e2d\u4e2d\u4e2d\n".encode("utf-16-le"), 2, "utf-16-le")
@example("\u20ac\u20ac\u20ac,x\n".encode("cp1252"), 2, "cp1252")
@example('"\n0123,\r'.encode("utf-16-be") + b"\0", 1, "utf-16-be")
def test_no_byte_of_any_file_is_lost_whatever_it_holds(content: bytes, width: int, encoding: str) -> None:
    shape = Shape(encoding, ",", width)
    records = read(content, shape, cell_bytes=8)
    at = 0
    for record in records:
        start, length = extent(record)
        assert start == at
        assert length > 0
        at += length
    assert at == len(content)
    for block_bytes in (1, 3, 1000):
        assert read(content, shape, block_bytes=block_bytes, cell_bytes=8) == records
    for record in records:
        follow = place_after(record)
        assert read(content, shape, follow, cell_bytes=8) == [one for one in records if extent(one)[0] >= follow.byte]


BAD = [
    (b"1\n", "too_few_cells"),
    (b"1,2,3\n", "too_many_cells"),
    (b"\n", "blank_line"),
    (b"\r\n", "blank_line"),
    (b'"1"x,2\n', "bad_quote"),
    (b"1,\x002\n", "nul"),
    (b"1,\xff\n", "bad_encoding"),
]


@pytest.mark.parametrize(("bad", "reason"), BAD, ids=[f"{reason}-{number}" for number, (_, reason) in enumerate(BAD)])
def test_a_bad_record_is_kept_with_its_reason_and_the_next_line_is_read(bad: bytes, reason: str) -> None:
    records = read(b"a,b\n" + bad + b"c,d\n", Shape("utf-8", ",", 2))
    assert [row[0] for row in rows_of(records)] == [["a", "b"], ["c", "d"]]
    (kept,) = unreadable(records)
    assert (kept.reason, kept.raw, kept.first_line, kept.last_line, kept.byte_start) == (reason, bad, 2, 2, 4)
    assert kept.detail


def test_a_quote_that_is_never_closed_keeps_the_rest_as_one_record() -> None:
    records = read(b'a,b\n1,"x\ny\nz', Shape("utf-8", ",", 2))
    (kept,) = unreadable(records)
    assert (kept.reason, kept.raw, kept.first_line, kept.last_line) == ("unclosed_quote", b'1,"x\ny\nz', 2, 4)


def test_a_stray_quote_in_a_large_file_costs_its_own_line_only() -> None:
    good = [f"{number},b\n".encode() for number in range(50)]
    content = b"".join(good[:10]) + b'x,"y\n' + b"".join(good[10:])
    records = read(content, Shape("utf-8", ",", 2), cell_bytes=32)
    assert [row[0][0] for row in rows_of(records)] == [str(number) for number in range(50)]
    (kept,) = unreadable(records)
    assert (kept.reason, kept.raw, kept.first_line) == ("unclosed_quote", b'x,"y\n', 11)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_a_line_beyond_all_measure_is_passed_over(end: bytes) -> None:
    long = b"x" * 500 + b"," + b"y" * 500 + end
    for block_bytes in (1, 2, 7, 64, 4096):
        records = read(
            b"a,b" + end + long + b"c,d" + end, Shape("utf-8", ",", 2), block_bytes=block_bytes, cell_bytes=32
        )
        assert [row[0] for row in rows_of(records)] == [["a", "b"], ["c", "d"]]
        (kept,) = unreadable(records)
        assert (kept.reason, kept.byte_len, kept.first_line, kept.last_line) == ("cell_too_large", len(long), 2, 2)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_half_a_character_after_a_line_end_adds_nothing_to_a_record_as_long_as_one_may_be(encoding: str) -> None:
    content = '"\r4567"\r,2\n'.encode(encoding)
    for block_bytes in range(1, len(content) + 1):
        records = read(content, Shape(encoding, ",", 1), block_bytes=block_bytes, cell_bytes=8)
        assert [row[0] for row in rows_of(records)] == [["\r4567"]]
        assert [one.reason for one in unreadable(records)] == ["too_many_cells"]


def test_a_cell_of_130_kb_is_a_cell() -> None:
    records = read(b"a," + b"x" * 130_000 + b"\n", Shape("utf-8", ",", 2), block_bytes=4096)
    assert [len(row[0][1]) for row in rows_of(records)] == [130_000]


THREE = Shape("utf-8", ",", 3)
GOOD = [f"{number},b,c\n".encode() for number in range(8)]


def kept(content: bytes, shape: Shape = THREE) -> tuple[list[str], list[tuple[str, int, int]]]:
    """The first cell of each row; reason, first and last line of each unreadable record, whatever the block size."""
    records = read(content, shape, block_bytes=4096)
    for block_bytes in (1, 5, 64):
        assert read(content, shape, block_bytes=block_bytes) == records
    return (
        [row[0][0] for row in rows_of(records)],
        [(one.reason, one.first_line, one.last_line) for one in unreadable(records)],
    )


NUMBERS = [str(number) for number in range(8)]


def test_a_stray_quote_near_the_end_costs_its_own_line_where_whole_rows_follow() -> None:
    assert kept(b'x,"y,c\n' + b"".join(GOOD)) == (NUMBERS, [("unclosed_quote", 1, 1)])
    assert kept(b'x,"y,c\n' + b"".join(GOOD) + b'9,"half') == (
        NUMBERS,
        [("bad_quote", 1, 1), ("unclosed_quote", 10, 10)],
    )


def test_an_open_quote_before_prose_is_one_record_to_the_end() -> None:
    assert kept(GOOD[0] + b'x,"first line\nsecond, line\nthird') == (["0"], [("unclosed_quote", 2, 4)])


def test_a_stray_quote_closed_by_the_next_quoted_cell_swallows_no_row_between() -> None:
    content = GOOD[0] + b'x,"y,c\n' + b"".join(GOOD[1:5]) + b'5,"z, zz",c\n' + GOOD[6]
    assert kept(content) == (["0", "1", "2", "3", "4", "5", "6"], [("bad_quote", 2, 2)])


def test_quotes_within_a_quoted_cell_do_not_make_rows_of_its_other_lines() -> None:
    content = GOOD[0] + b'1,"He said "hi" and\nleft, then, ok",c\n' + GOOD[2]
    assert kept(content) == (["0", "2"], [("bad_quote", 2, 3)])
    assert kept(GOOD[0] + b'1,"a"b,c\n' + GOOD[2]) == (["0", "2"], [("bad_quote", 2, 2)])


def test_rows_after_a_line_with_a_quote_too_many_are_rows() -> None:
    content = GOOD[0] + b'1,"a"b",c\n' + b"".join(GOOD[2:5]) + b'5,"z, zz",c\n'
    assert kept(content) == (["0", "2", "3", "4", "5"], [("bad_quote", 2, 2)])


def test_a_record_too_wide_that_holds_whole_rows_is_a_stray_quote() -> None:
    content = b'x,"y,c\n' + b"".join(GOOD) + b'9",b,c,d\n'
    assert kept(content) == (NUMBERS, [("bad_quote", 1, 1), ("too_many_cells", 10, 10)])


def test_damage_on_every_line_of_a_long_stretch_takes_no_longer_than_rows_would() -> None:
    content = b'1,"open\n' + b'""x\n' * 160_000  # the quote is open for longer than a record may be
    began = time.process_time()
    records = read(content, THREE, block_bytes=131_072, cell_bytes=300_000)
    assert time.process_time() - began < 10  # it took 19 s when each damaged record cost a copy of the stretch
    assert [one.reason for one in unreadable(records)] == ["unclosed_quote", *["bad_quote"] * 160_000]


def test_a_text_that_is_nearly_a_long_figure_is_told_from_one_at_once() -> None:
    shape = Shape("utf-8", ",", 3, Repair(1, (2,)))
    began = time.process_time()
    (record,) = read(b"1,a,b," + b"7" * 30_000 + b"x\n", shape)
    assert time.process_time() - began < 5  # it took 13 s when the whole text was tried against the pattern
    assert isinstance(record, Unreadable)


def test_surplus_cells_are_joined_where_the_source_allows_it_and_the_figures_fit() -> None:
    shape = Shape("utf-8", ",", 3, Repair(1, (2,)))
    records = read(b"1,Rel 5, 4.5,7\n2,a,b,c\n3,x,8\n4,y\n", shape)
    assert [(row[0], row[5]) for row in rows_of(records)] == [
        (["1", "Rel 5, 4.5", "7"], True),
        (["3", "x", "8"], False),
    ]
    assert [one.reason for one in unreadable(records)] == ["too_many_cells", "too_few_cells"]


def test_a_record_over_several_lines_is_not_repaired_since_a_stray_quote_looks_like_it() -> None:
    shape = Shape("utf-8", ",", 3, Repair(1, (2,)))
    assert kept(b'1,"y, b\n2",c,7\n3,x,8\n', shape) == (["3"], [("too_many_cells", 1, 2)])
