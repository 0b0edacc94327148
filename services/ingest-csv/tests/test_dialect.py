import csv
import io

import pytest

from okr_common.errors import PermanentError
from okr_common.sources import Read
from okr_ingest_csv.domain.content import HEAD_BYTES
from okr_ingest_csv.domain.dialect import DELIMITERS
from okr_ingest_csv.domain.record import Place
from okr_ingest_csv.testing import dialect_in


def written(delimiter: str, rows: list[list[str]], end: str = "\r\n") -> bytes:
    target = io.StringIO(newline="")
    csv.writer(target, delimiter=delimiter, lineterminator=end).writerows(rows)
    return target.getvalue().encode()


@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_delimiter_is_found_although_cells_hold_the_others(delimiter: str, end: str) -> None:
    rows = [["id", "name", "amount"], *[[str(n), "one, two; three | four", "1,5"] for n in range(20)]]
    found = dialect_in(written(delimiter, rows, end))
    assert (found.delimiter, found.header) == (delimiter, ("id", "name", "amount"))


def test_a_few_ragged_rows_do_not_turn_the_head() -> None:
    rows = [["a", "b", "c", "d"], *[["1", "2", "3", "4"]] * 30, ["1|2"], ["1|2"], ["1", "2", "3"]]
    assert dialect_in(written(",", rows)).delimiter == ","


def test_decimal_commas_do_not_beat_semicolons() -> None:
    assert dialect_in(b"start;target;now\n" + b"1,5;2,5;3,5\n" * 30).delimiter == ";"


def test_one_column_is_a_table_too() -> None:
    found = dialect_in(b"name\nAda\nGrace\n")
    assert (found.delimiter, found.header) == (",", ("name",))


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    found = dialect_in(b"\xef\xbb\xbfid,x\n1,2\n")
    assert found.header == ("id", "x")
    assert found.start == Place(byte=8, line=2, row=1)
    for read in (Read(), Read(encoding="utf-8")):
        twice = dialect_in(b"\xef\xbb\xbf" * 2 + b"id,x\n1,2\n", read)
        assert (twice.header, twice.start.byte) == (("id", "x"), 11)


def test_a_header_over_several_lines_ends_where_its_quotes_close() -> None:
    head = b'\n\n"MPA RAG rating\n(A Delivery Confidence)",id,id\n1,2,3\n'
    found = dialect_in(head)
    assert found.header == ("MPA RAG rating\n(A Delivery Confidence)", "id", "id")
    assert found.start == Place(byte=head.index(b"1,2,3"), line=5, row=1)


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"\n\r\n\n", "empty"),
        (b" \n,,,\n,\n", "empty"),
        (b'"a,b\n1,2\n', "bad_header"),
        (b'"a"b,c\n1,2\n', "bad_header"),
        (b"a,\x00b\n1,2\n", "bad_header"),
    ],
)
def test_no_header_is_a_reason(head: bytes, reason: str) -> None:
    with pytest.raises(PermanentError) as refused:
        dialect_in(head)
    assert refused.value.reason == reason


WANTED = {"goal", "target", "due"}
ASKED = {"is_header": lambda cells: {cell.strip() for cell in cells} >= WANTED}
TABLE = "goal;target;due\nGrow, fast;1,5;2026\n"


def test_the_columns_a_source_asks_for_decide_delimiter_and_header() -> None:
    found = dialect_in(b"Goals, of, our, company\n\nas of,today,,\n" + TABLE.encode(), **ASKED)
    assert (found.delimiter, found.header, found.header_line) == (";", ("goal", "target", "due"), 4)
    assert found.start == Place(byte=55, line=5)
    assert "a source asks for" in found.delimiter_how
    assert "a source asks for" in found.header_how


def test_a_title_does_not_hide_the_delimiter_where_nobody_knows_the_columns() -> None:
    assert dialect_in(b"Our goals\n" + TABLE.encode() * 3).delimiter == ";"


@pytest.mark.parametrize("line", ["sep=;\n", "SEP=;\r\n", '"sep=;"\n'])
def test_a_sep_line_is_honoured_and_no_header(line: str) -> None:
    found = dialect_in((line + "a,b;c\n1;2\n").encode())
    assert (found.delimiter, found.header, found.header_line) == (";", ("a,b", "c"), 2)
    assert found.start.line == 3


def test_a_wrong_sep_line_is_told_and_the_source_s_columns_decide() -> None:
    content = b"sep=;\ngoal,target,due\n1,2,3\n"
    found = dialect_in(content, is_header=lambda cells: tuple(cells) == ("goal", "target", "due"))
    assert (found.delimiter, found.header_line) == (",", 2)
    assert found.delimiter_how.startswith("the sep= line says ';', but with it")
    assert dialect_in(content).delimiter == ";"  # nobody asks for columns: the file's word counts


def test_the_source_decides_before_the_file_does() -> None:
    found = dialect_in(b"sep=;\nx\na|b\n1|2\n", Read(delimiter="|", header_line=3))
    assert (found.delimiter, found.header, found.start.line) == ("|", ("a", "b"), 4)
    named = dialect_in("1|Zürich\n".encode("latin-1"), Read(delimiter="|", names=("id", "place"), encoding="latin-1"))
    assert (named.header, named.header_line, named.start) == (("id", "place"), 0, Place(0, 1))
    assert (named.encoding.name, named.encoding.guessed) == ("latin-1", False)


@pytest.mark.parametrize(
    ("head", "line", "told"),
    [
        (b"a,b\n1,2\n", 9, "no line 9"),
        (b"sep=,\na,b\n", 1, "no line 1"),
        (b"title\n,\na,b\n", 2, "line 2, .* is blank"),
        (b'title\n"a"b,c\n1,2\n', 2, "line 2: the header cannot be read"),
    ],
)
def test_no_header_where_the_source_has_it_is_a_reason(head: bytes, line: int, told: str) -> None:
    with pytest.raises(PermanentError, match=told) as refused:
        dialect_in(head, Read(header_line=line))
    assert refused.value.reason == "bad_header"


@pytest.mark.parametrize("title", [b'"Goals of 2026', b'The "big" ones', b'"The" big ones', b'"Goals,\nof 2026'])
def test_what_stands_above_the_line_of_the_header_need_not_be_csv(title: bytes) -> None:
    line = 2 + title.count(b"\n")
    found = dialect_in(title + b"\na;b\n1;2\n", Read(header_line=line))
    assert (found.delimiter, found.header, found.header_line) == (";", ("a", "b"), line)
    assert found.start == Place(byte=len(title) + 5, line=line + 1)


def test_a_header_beyond_all_measure_is_a_reason() -> None:
    with pytest.raises(PermanentError) as long:
        dialect_in(b"a," + b"x" * 70_000 + b"\n1,2\n")
    with pytest.raises(PermanentError) as wide:
        dialect_in(b"a," * 6_000 + b"\n")
    assert (long.value.reason, wide.value.reason) == ("header_too_long", "too_many_columns")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_header_that_ends_beyond_the_head_is_refused_and_not_cut(end: str) -> None:
    last = f"id,title{end}".encode()
    for missing in range(-1, len(last)):
        above = HEAD_BYTES + missing - len(last)
        content = b"x" * (above - 1) + b"\n" + last + f"1,2{end}".encode()
        try:
            found = dialect_in(content, Read(header_line=2))
        except PermanentError as error:
            assert error.reason == "header_too_long"  # noqa: PT017 - or it is read as it is
            assert missing > 0 or (missing == 0 and end == "\r")
        else:
            assert missing <= 0
            assert (found.header, found.start) == (("id", "title"), Place(above + len(last), 3))


@pytest.mark.parametrize("line", [None, 400_000])
def test_what_stands_beyond_the_head_is_not_told_to_be_nowhere(line: int | None) -> None:
    with pytest.raises(PermanentError, match=r"within the first 262,144 bytes"):
        dialect_in(b"\n" * 300_000 + b"id,title\n1,2\n", Read(header_line=line))
