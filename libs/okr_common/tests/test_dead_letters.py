"""What a dead letter carries."""

import hashlib
from dataclasses import dataclass

from okr_common.errors import PermanentError
from okr_common.kafka.dead_letters import MOST_BYTES, PREFIX, dead_letter
from okr_common.topology import STAGES

WHY = PermanentError("not_json", "the value is not JSON")


@dataclass
class Message:
    content: bytes | None

    def topic(self) -> str:
        return "okr_ingestion_events"

    def partition(self) -> int:
        return 3

    def offset(self) -> int:
        return 42

    def key(self) -> bytes:
        return b"key"

    def value(self) -> bytes | None:
        return self.content


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
