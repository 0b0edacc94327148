"""What a dead letter carries."""

import hashlib
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_common.errors import PermanentError
from okr_common.kafka import original
from okr_common.kafka.dead_letters import MOST_BYTES, PREFIX, dead_letter
from okr_common.kafka.original import ATTEMPT, KEPT, ORIGIN, Header, kept, restored
from okr_common.topics import DEAD_LETTERS
from okr_common.topology import STAGES

WHY = PermanentError("not_json", "the value is not JSON")


@dataclass
class Message:
    content: bytes | None
    own: list[Header] = field(default_factory=list)
    named: bytes | None = b"key"

    def topic(self) -> str:
        return "okr_ingestion_events"

    def partition(self) -> int:
        return 3

    def offset(self) -> int:
        return 42

    def key(self) -> bytes | None:
        return self.named

    def value(self) -> bytes | None:
        return self.content

    def headers(self) -> list[Header]:
        return self.own


def test_the_bytes_and_where_they_stood() -> None:
    letter = dead_letter(Message(b"\xff"), WHY, STAGES["etl"], "id")
    said = {name.removeprefix(PREFIX): text for name, text in letter.headers.items() if name.startswith(PREFIX)}
    assert (letter.value, letter.message_key) == (b"\xff", b"key")
    assert (said["topic"], said["partition"], said["offset"]) == ("okr_ingestion_events", "3", "42")
    assert (said["exception.class.name"], said["stage"]) == ("not_json", "etl")
    assert dead_letter(Message(None), WHY, STAGES["etl"], "id").value is None


def test_what_the_topic_would_not_take_is_cut_and_says_so() -> None:
    content = b"x" * 5_000_000
    letter = dead_letter(Message(content), WHY, STAGES["etl"], "id")
    assert letter.value == content[:MOST_BYTES]
    assert letter.headers[PREFIX + "value.bytes"] == "5000000"
    assert letter.headers[PREFIX + "value.sha256"] == hashlib.sha256(content).hexdigest()


@given(
    st.lists(st.tuples(st.text(max_size=9), st.none() | st.binary(max_size=9) | st.text(max_size=9).map(str.encode)))
)
def test_headers_come_back_byte_for_byte(headers: list[Header]) -> None:
    assert restored(kept(headers) or "") == [pair for pair in headers if pair[0] not in (ATTEMPT, ORIGIN)]


def test_the_first_death_counts_no_attempt_and_says_where_the_message_stood() -> None:
    letter = dead_letter(Message(b"{", [("ce_id", b"7")]), WHY, STAGES["etl"], "id")
    assert (letter.headers[ATTEMPT], letter.headers[ORIGIN]) == ("0", "okr_ingestion_events/3@42")
    assert restored(letter.headers[KEPT]) == [("ce_id", b"7")]
    assert letter.headers["ce_id"] != "7"


def test_a_message_that_was_sent_again_says_how_often_and_where_it_came_first() -> None:
    again: list[Header] = [("ce_id", b"7"), (ATTEMPT, b"3"), (ORIGIN, b"okr_ingestion_events/0@5")]
    letter = dead_letter(Message(b"{", again), WHY, STAGES["etl"], "id")
    assert (letter.headers[ATTEMPT], letter.headers[ORIGIN]) == ("3", "okr_ingestion_events/0@5")
    assert restored(letter.headers[KEPT]) == [("ce_id", b"7")]


@pytest.mark.parametrize("attempt", [b"-1", b"\xff", b"9" * 400_000, b"", b"2\n", None])
def test_a_stranger_s_nonsense_counts_no_attempt(attempt: bytes | None) -> None:
    odd: list[Header] = [(ATTEMPT, attempt), (ORIGIN, b"okr_ingestion_events/0@5")]
    assert dead_letter(Message(b"{", odd), WHY, STAGES["etl"], "id").headers[ATTEMPT] == "0"
    endless: list[Header] = [(ATTEMPT, b"1"), (ORIGIN, b"o" * 2_000_000)]
    assert dead_letter(Message(b"{", endless), WHY, STAGES["etl"], "id").headers[ORIGIN] == "okr_ingestion_events/3@42"


def test_whatever_a_message_brings_its_dead_letter_fits_its_topic() -> None:
    huge: list[Header] = [("x", b"\xff" * 1_000_000), (ATTEMPT, b"1" * 1_000_000)]
    letter = dead_letter(Message(b"v" * 5_000_000, huge, b"k" * 1_000_000), WHY, STAGES["etl"], "id")
    size = sum(len(name) + len(text.encode()) for name, text in letter.headers.items())
    assert size + len(letter.value or b"") + len(letter.message_key or b"") < DEAD_LETTERS.max_message_bytes
    assert letter.message_key is None
    assert KEPT not in letter.headers
    assert (letter.headers[PREFIX + "key.bytes"], letter.headers[PREFIX + "headers.left_out"]) == ("1000000", "true")
    largest = Message(b"v" * MOST_BYTES, [("x", b"a" * (original.MOST_BYTES - 20))], b"k" * original.MOST_BYTES)
    letter = dead_letter(largest, PermanentError("wrong_shape", "ü" * 5000), STAGES["etl"], "id")
    size = sum(len(name) + len(text.encode()) for name, text in letter.headers.items())
    assert KEPT in letter.headers
    assert size + MOST_BYTES + original.MOST_BYTES < DEAD_LETTERS.max_message_bytes - 16_384
