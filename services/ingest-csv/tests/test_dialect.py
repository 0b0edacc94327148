import csv
import io

import pytest

from okr_common.errors import PermanentError
from okr_ingest_csv.domain.content import Encoding
from okr_ingest_csv.domain.dialect import DELIMITERS, dialect_of
from okr_ingest_csv.domain.record import Place

UTF8 = Encoding("utf-8", guessed=False, how="told")


def written(delimiter: str, rows: list[list[str]], end: str = "\r\n") -> bytes:
    target = io.StringIO(newline="")
    csv.writer(target, delimiter=delimiter, lineterminator=end).writerows(rows)
    return target.getvalue().encode()


@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_delimiter_is_found_although_cells_hold_the_others(delimiter: str, end: str) -> None:
    rows = [["id", "name", "amount"], *[[str(n), "one, two; three | four", "1,5"] for n in range(20)]]
    found = dialect_of(written(delimiter, rows, end), UTF8)
    assert (found.delimiter, found.header) == (delimiter, ("id", "name", "amount"))


def test_a_few_ragged_rows_do_not_turn_the_head() -> None:
    rows = [["a", "b", "c", "d"], *[["1", "2", "3", "4"]] * 30, ["1|2"], ["1|2"], ["1", "2", "3"]]
    assert dialect_of(written(",", rows), UTF8).delimiter == ","


def test_decimal_commas_do_not_beat_semicolons() -> None:
    assert dialect_of(b"start;target;now\n" + b"1,5;2,5;3,5\n" * 30, UTF8).delimiter == ";"


def test_one_column_is_a_table_too() -> None:
    found = dialect_of(b"name\nAda\nGrace\n", UTF8)
    assert (found.delimiter, found.header) == (",", ("name",))


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    found = dialect_of(b"\xef\xbb\xbfid,x\n1,2\n", Encoding("utf-8-sig", guessed=False, how="mark"))
    assert found.header == ("id", "x")
    assert found.start == Place(byte=8, line=2, row=1)


def test_a_header_over_several_lines_ends_where_its_quotes_close() -> None:
    head = b'\n\n"MPA RAG rating\n(A Delivery Confidence)",id,id\n1,2,3\n'
    found = dialect_of(head, UTF8)
    assert found.header == ("MPA RAG rating\n(A Delivery Confidence)", "id", "id")
    assert found.start == Place(byte=head.index(b"1,2,3"), line=5, row=1)


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"\n\r\n\n", "empty"),
        (b'"a,b\n1,2\n', "bad_header"),
        (b'"a"b,c\n1,2\n', "bad_header"),
        (b"a,\x00b\n1,2\n", "bad_header"),
    ],
)
def test_no_header_is_a_reason(head: bytes, reason: str) -> None:
    with pytest.raises(PermanentError) as refused:
        dialect_of(head, UTF8)
    assert refused.value.reason == reason
