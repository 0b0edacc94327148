import gzip
import hashlib
import io
import random
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_common.errors import PermanentError
from okr_ingest_csv.domain.content import Inspection
from okr_ingest_csv.domain.encoding import Encoding


def inspected(content: bytes, step: int = 7) -> Inspection:
    inspection = Inspection()
    for at in range(0, len(content), step):
        inspection.feed(content[at : at + step])
    return inspection


def zipped() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("sheet.xml", "<x/>")
    return target.getvalue()


BINARIES = {
    "gzip": gzip.compress(b"a,b\n1,2\n"),
    "zip or xlsx": zipped(),
    "empty zip": b"PK\x05\x06" + bytes(18),
    "old excel": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500),
    "zstd": b"\x28\xb5\x2f\xfd\x04\x00rest",
    "pdf": b"%PDF-1.7\n1 0 obj\n",
    "png": b"\x89PNG\r\n\x1a\n" + bytes(20),
    "jpeg": b"\xff\xd8\xff\xe0JFIF",
    "nul-ridden": b"a,b\n" + b"1\x00,2\x00\n" * 50,
    "random": random.Random(3).randbytes(5000),  # noqa: S311 - no secret
}


@pytest.mark.parametrize("content", BINARIES.values(), ids=BINARIES)
def test_what_is_no_text_is_refused_by_its_content(content: bytes) -> None:
    with pytest.raises(PermanentError) as refused:
        inspected(content).encoding()
    assert refused.value.reason == "binary"


def test_an_empty_file_says_so() -> None:
    with pytest.raises(PermanentError) as refused:
        inspected(b"").encoding()
    assert refused.value.reason == "empty"


@pytest.mark.parametrize("codec", ["utf-16-be", "utf-16-le"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_utf_16_is_told_by_its_mark_or_by_its_nul_bytes(codec: str, mark: str) -> None:
    encoding = inspected((mark + "objective,key result\n" * 20).encode(codec)).encoding()
    assert (encoding.name, encoding.guessed, encoding.mark_bytes) == (codec, not mark, 2 * len(mark))


def test_utf_32_is_refused_not_misread() -> None:
    with pytest.raises(PermanentError) as refused:
        inspected("objective,key result\n".encode("utf-32")).encoding()
    assert refused.value.reason == "bad_encoding"


def test_a_source_may_say_the_encoding() -> None:
    content = "id,Zürich\n".encode("latin-1")
    assert inspected(content).encoding("latin-1").name == "latin-1"
    marked = inspected(b"\xef\xbb\xbf" + content).encoding("utf-8")
    assert (marked.name, marked.mark_bytes, marked.guessed) == ("utf-8", 3, False)


@given(
    st.text(st.characters(exclude_characters="\ufeff\0", exclude_categories=["Cs", "Cc"]), min_size=1),
    st.integers(1, 9),
)
def test_utf_8_is_proved_wherever_the_chunks_end(text: str, step: int) -> None:
    encoding = inspected(text.encode(), step).encoding()
    assert (encoding.name, encoding.guessed) == ("utf-8", False)


def test_a_byte_order_mark_is_seen_and_not_a_guess() -> None:
    encoding = inspected(b"\xef\xbb\xbfa,b\n").encoding()
    assert (encoding.name, encoding.mark_bytes, encoding.guessed) == ("utf-8", 3, False)


def test_the_bytes_of_a_known_file_are_written_as_they_were_and_others_are_to_be_looked_through() -> None:
    content = "a;ä\n".encode() * 100
    known = Inspection({hashlib.sha256(content).digest(): Encoding("utf-8", guessed=False, how="as it was")})
    other = Inspection({hashlib.sha256(b"else").digest(): Encoding("cp1252", guessed=True, how="as it was")})
    for inspection in (known, other):
        inspection.feed(content)
    assert (known.unforeseen, known.encoding().how) == (False, "as it was")
    assert other.unforeseen


def test_one_late_byte_decides_and_is_named() -> None:
    encoding = inspected(b"a,b\n" * 50_000 + b"\xa3,1\n", 65_536).encoding()
    assert (encoding.name, encoding.guessed) == ("cp1252", True)
    assert "0xa3 at offset 200,000" in encoding.how


def test_one_damaged_line_does_not_make_a_small_file_of_utf_8_another_encoding() -> None:
    encoding = inspected("Zürich;5\n".encode() * 30 + b"Bern;\xe9t\xe9\n").encoding()
    assert (encoding.name, encoding.guessed) == ("utf-8", True)
    assert "but 2 (byte 0xe9 at offset 305)" in encoding.how


def test_a_pair_that_happens_to_read_as_utf_8_proves_nothing() -> None:
    """A closing quotation mark after a sharp s."""
    encoding = inspected("„Fuß“;Größe\n".encode("cp1252") * 30).encoding()
    assert (encoding.name, encoding.guessed) == ("cp1252", True)


@pytest.mark.parametrize("tail", [b"\xc3", b"\xe2\x82"])
def test_a_character_cut_by_the_end_is_not_utf_8_where_no_other_is(tail: bytes) -> None:
    for step in (1, 7, 1000):
        encoding = inspected(b"a,b\n1," + tail, step).encoding()
        assert encoding.name == "cp1252"
        assert f"{tail[0]:#04x} at offset 6" in encoding.how


@pytest.mark.parametrize("tail", [b"\xc3", b"\xe2\x82"])
def test_a_file_cut_within_a_character_is_utf_8_like_its_other_characters(tail: bytes) -> None:
    for step in (1, 7, 1000):
        inspection = inspected("a,b\nGröße,1\n".encode() + tail, step)
        for encoding in (inspection.encoding(), inspection.encoding()):  # asked again, it says the same
            assert (encoding.name, encoding.guessed) == ("utf-8", True)
            assert f"within a character, at offset {14 + len(tail)}" in encoding.how


@pytest.mark.parametrize(("before", "after"), [(b"\xc3", b"(plain"), (b"\xe2\x82", b"plain")])
def test_a_character_cut_by_plain_text_is_not_utf_8_at_any_chunk_size(before: bytes, after: bytes) -> None:
    for step in range(1, 9):
        assert inspected(b"a,b\n1," + before + after, step).encoding().name == "cp1252"


def test_a_byte_without_a_character_in_either_encoding_makes_it_latin_1_and_both_places_are_told() -> None:
    encoding = inspected(b"a,b\n\xff,\x81\n").encoding()
    assert (encoding.name, encoding.guessed) == ("latin-1", True)
    assert "0xff at offset 4" in encoding.how
    assert "0x81 at offset 6" in encoding.how


def test_a_few_bad_bytes_do_not_turn_a_utf_8_file_into_mojibake() -> None:
    for step in (3, 7, 1000):
        encoding = inspected("Zürich,Genève\n".encode() * 100 + b"Bern,\xe9t\xe9\n", step).encoding()
        assert (encoding.name, encoding.guessed) == ("utf-8", True)
        assert "valid UTF-8 but 2 (byte 0xe9 at offset 1,605" in encoding.how


def test_one_nul_in_a_cell_does_not_make_a_file_binary() -> None:
    assert inspected(b"a,b\n1,\x002\n").encoding().name == "utf-8"
