"""Cut anywhere by a plan, a file gives the same records under the same numbers; or the plan says that it cannot."""

import io
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from okr_ingest_csv.domain.batch import Batch, take_batch
from okr_ingest_csv.domain.plan import Range, Size, UnplannableError, plan
from okr_ingest_csv.domain.record import Place, Row, Shape, Unreadable
from okr_ingest_csv.domain.records import Records, read_records
from okr_ingest_csv.ranges import Task, read_range

SHAPE = Shape("utf-8", ",", 2)
PIECES = st.sampled_from(["a", "1", ",", ",", "\n", "\n", "\r\n", "\r", '"', '""', '"x,\ny"', "é", " "])
REGULAR = st.lists(
    st.sampled_from(["a,b\n", '"a\nb",c\r\n', '"x""y\r\n",""\n', "1,2\r", "\n", "é,ü\n", "a\n", '"",""\r\n'])
)


def planned(content: bytes, size: Size, chunk_bytes: int) -> list[Range]:
    return list(plan(io.BytesIO(content), SHAPE, Place(), size, chunk_bytes))


def records(content: bytes, start: Place = Place()) -> list[Row | Unreadable]:  # noqa: B008 - immutable
    return list(read_records(io.BytesIO(content), SHAPE, start))


def in_parts(content: bytes, ranges: list[Range]) -> list[Row | Unreadable] | None:
    """The records of all parts, each read alone; None where a part is not what the plan says."""
    found: list[Row | Unreadable] = []
    for one in ranges:
        part = content[one.start.byte : one.start.byte + one.length]
        if take_batch(Records([records(part, one.start)]), 1, one.start, one.records + 1).after != one.after:
            return None
        found += records(part, one.start)
    return found


@given(REGULAR.map("".join), st.integers(1, 5), st.integers(1, 60), st.integers(1, 30))
def test_a_regular_file_is_cut_between_records_and_comes_back_whole(
    text: str, rows: int, size_bytes: int, chunk_bytes: int
) -> None:
    content = text.encode()
    ranges = planned(content, Size(rows, size_bytes), chunk_bytes)
    whole = records(content)
    assert in_parts(content, ranges) == whole
    assert sum(one.records for one in ranges) == len(whole)
    assert sum(one.length for one in ranges) == len(content)
    assert [one.after for one in ranges[:-1]] == [one.start for one in ranges[1:]]


@given(st.lists(PIECES, max_size=40).map("".join), st.integers(1, 5), st.integers(1, 30))
def test_of_any_file_the_parts_are_right_or_the_plan_is_refused_or_found_out(
    text: str, rows: int, chunk_bytes: int
) -> None:
    content = text.encode()
    try:
        ranges = planned(content, Size(rows, 1_000), chunk_bytes)
    except UnplannableError:
        return
    found = in_parts(content, ranges)
    assert found is None or found == records(content)


def extents(batch: Batch) -> list[tuple[int, int, str]]:
    """First byte, bytes and reason of each record."""
    rows = [line.split(b"\x02")[5:7] for line in b"".join(batch.copy).splitlines()]
    bad = [(one.byte_start, one.byte_len, one.reason) for one in batch.unreadable]
    return sorted([*((int(start), int(length), "") for start, length in rows), *bad])


WHOLE_ROWS = '"q\n' + "1,2\n" * 5 + '",2,3\n'


@given(
    st.lists(st.sampled_from(['"x""y,\r\n"', '"\n"', '"\n,"', '","', '""', "a", ",", ",", "\n", "\n", "\r"])).map(
        "".join
    ),
    st.integers(1, 6),
    st.integers(1, 30),
    st.integers(4, 6),
)
@example('"x""y,\r\n"\r\n\r,"","z",\n', 2, 12, 4)  # a record longer than one may be
@example(WHOLE_ROWS + "\n" * 6 + '"a",b\n', 7, len(WHOLE_ROWS) + 6, 1_000)  # a cell that seems to hold whole rows
def test_what_is_read_in_parts_is_what_one_reader_reads(
    tmp_path_factory: pytest.TempPathFactory, text: str, rows: int, chunk_bytes: int, cell_bytes: int
) -> None:
    """Where quotes do not tell a record's end, there may by chance be as many records as planned: that is found out."""
    content, path = text.encode(), tmp_path_factory.getbasetemp() / "in-parts.csv"
    path.write_bytes(content)
    try:
        ranges = planned(content, Size(rows, 1_000, cell_bytes), chunk_bytes)
    except UnplannableError:
        return
    whole = take_batch(read_records(io.BytesIO(content), SHAPE, Place(), cell_bytes=cell_bytes), 1, Place(), 1_000)
    expected, found = extents(whole), list[tuple[int, int, str]]()
    for one in ranges:
        batch = read_range(Task(str(path), len(content), SHAPE, one, 1, cell_bytes)).batch
        if batch is None:
            assert found == expected[: len(found)]
            return
        found += extents(batch)
    assert found == expected


def test_ranges_are_as_large_as_they_may_be() -> None:
    ranges = planned(b"a,b\n" * 1000, Size(100, 10_000), 40)
    assert [one.records for one in ranges] == [100] * 10
    assert [one.start.row for one in ranges] == list(range(1, 1001, 100))
    by_bytes = planned(b"a,b\n" * 1000, Size(10_000, 400), 40)
    assert {one.length for one in by_bytes} == {400}


@pytest.mark.parametrize("text", ['a,5" pipe\n', '"a" ,b\n', 'a,"b\n', '"a"b,c\n', 'a,b"\n"c,d\n'])
def test_a_quote_that_neither_opens_nor_closes_a_cell_forbids_a_plan(text: str) -> None:
    with pytest.raises(UnplannableError, match="byte"):
        planned(b"1,2\n" + text.encode() + b"3,4\n", Size(1, 100), 64)


def test_utf_16_has_no_plan() -> None:
    shape = Shape("utf-16-le", ",", 2)
    with pytest.raises(UnplannableError, match="UTF-16"):
        list(plan(io.BytesIO(b"a\0"), shape, Place(), Size(1, 1)))


def test_a_part_with_more_records_than_its_plan_is_misplanned_and_not_changed(tmp_path: Path) -> None:
    """Longer than a block: what is left of the part must be read before its bytes can be judged."""
    content = b"a,b\n" * 300_000
    path = tmp_path / "part.csv"
    path.write_bytes(content)
    wrong = Range(Place(), len(content), 300_000, 5, sha256(content).digest())
    assert read_range(Task(str(path), len(content), SHAPE, wrong, 1, 1_000)).trouble == "misplanned"
    right = replace(wrong, records=300_000)
    assert read_range(Task(str(path), len(content), SHAPE, right, 1, 1_000)).trouble is None
    changed = replace(right, sha256=bytes(32))
    assert read_range(Task(str(path), len(content), SHAPE, changed, 1, 1_000)).trouble == "changed"


def test_a_part_whose_rows_grow_beyond_a_batch_is_one_batch(tmp_path: Path) -> None:
    content = (b"," * 499 + b"\n") * 50_000
    path = tmp_path / "wide.csv"
    path.write_bytes(content)
    shape = Shape("utf-8", ",", 500)
    (part,) = plan(io.BytesIO(content), shape, Place(), Size(50_000, 2**30))
    read = read_range(Task(str(path), len(content), shape, part, 1, 1_000_000))
    assert read.batch is not None
    assert read.batch.rows == 50_000
