import io
import json
from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_ingest_csv.domain import batch as batch_module
from okr_ingest_csv.domain.batch import take_batch
from okr_ingest_csv.domain.record import Place, Shape
from okr_ingest_csv.domain.records import read_records

SHAPE = Shape("utf-8", ",", 2)
CONTENT = b"1,a\n2\n3,c\n\n5,e\n6,f\n"


def batches(content: bytes, batch_rows: int, batch_bytes: int = 1000) -> list[tuple[int, int, int, bool]]:
    records, at, found = read_records(io.BytesIO(content), SHAPE, Place(), block_bytes=13), Place(), []
    while True:
        batch = take_batch(records, 7, at, batch_rows, batch_bytes)
        found.append((batch.start.row, batch.rows, len(batch.unreadable), batch.last))
        at = batch.after
        if batch.last:
            assert at.byte == len(content)
            return found


def test_records_are_numbered_whether_rows_or_not() -> None:
    assert batches(CONTENT, 2) == [(1, 1, 1, False), (3, 1, 1, False), (5, 2, 0, False), (7, 0, 0, True)]
    assert batches(CONTENT, 4) == [(1, 2, 2, False), (5, 2, 0, True)]
    assert batches(CONTENT, 50) == [(1, 4, 2, True)]


def test_a_batch_of_many_chunks_has_every_row_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for chunk_rows in (1, 2, 3, 1000):
        monkeypatch.setattr(batch_module, "CHUNK_ROWS", chunk_rows)
        test_records_are_numbered_whether_rows_or_not()
        test_wide_rows_end_a_batch_early_with_the_block_that_fills_it()


def test_wide_rows_end_a_batch_early_with_the_block_that_fills_it() -> None:
    assert [rows for _, rows, _, _ in batches(b"1,aaaaaaaaaa\n" * 5, 50, batch_bytes=30)] == [2, 2, 1]


@given(
    st.lists(
        st.tuples(st.text(st.characters(exclude_categories=["Cs"], exclude_characters='\0"\r\n,')), st.text("xyz"))
    )
)
def test_copy_holds_each_row_with_its_place_and_hash(rows: list[tuple[str, str]]) -> None:
    content = "".join(f"{one},{two}\n" for one, two in rows).encode()
    batch = take_batch(read_records(io.BytesIO(content), SHAPE, Place()), 7, Place(), 100)
    lines = b"".join(batch.copy).split(b"\n")[:-1]
    assert len(lines) == batch.rows == len(rows)
    for number, (line, row) in enumerate(zip(lines, rows, strict=True), 1):
        batch_id, row_num, cells, first, last, start, length, digest, repaired = line.split(b"\x02")
        assert json.loads(cells) == list(row)
        assert (batch_id, int(row_num), int(first), int(last)) == (b"7", number, number, number)
        assert content[int(start) : int(start) + int(length)].decode() == f"{row[0]},{row[1]}\n"
        assert digest == b"\\x" + blake2b(cells, digest_size=16).hexdigest().encode()
        assert b"\x01" not in cells
        assert repaired == b"0"
