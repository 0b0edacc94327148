"""Names of headers that are no UTF-8: Faust's client reads on, and their messages are told apart."""

import pytest
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from okr_common.errors import PermanentError
from okr_common.kafka.header_names import ReadableRecords
from okr_common.kafka.original import Headers, headers_of

GOOD, ODD = b"odd_", b"\xff\xfe\xffd"


class Message:
    def __init__(self, headers: Headers) -> None:
        self._headers = headers

    def headers(self) -> Headers:
        return self._headers


def fetched(compression: int, odd: bytes) -> bytes:
    """Two batches of three records each; in both the second record has the name of a header replaced."""
    content = b""
    for base in (0, 3):
        nobody = {"is_transactional": 0, "producer_id": -1, "producer_epoch": -1, "base_sequence": -1}
        batch = _DefaultRecordBatchBuilderPy(magic=2, compression_type=compression, batch_size=10_000, **nobody)
        for offset, name in enumerate(["ce_type", GOOD.decode(), "ce_id"]):
            batch.append(offset, base, b"key", odd if offset == 1 else b"value", [(name, b"v")])
        content += base.to_bytes(8, "big") + bytes(batch.build())[8:].replace(GOOD, odd)
    return content


def read(content: bytes) -> list[tuple[int, bytes, list[tuple[str, bytes]]]]:
    records, found = ReadableRecords(content), []
    while records.has_next():
        batch = records.next_batch()
        assert not batch.is_control_batch
        found += [(record.offset, record.value, record.headers) for record in batch]
    return found


def test_every_record_is_read_once_and_as_it_is() -> None:
    told = read(fetched(0, ODD))
    assert [offset for offset, _, _ in told] == [0, 1, 2, 3, 4, 5]
    assert [value for _, value, _ in told] == [b"value", ODD, b"value"] * 2, "what is no name is as it was"
    assert told[0][2] == [("ce_type", b"v")]
    with pytest.raises(PermanentError) as refused:
        headers_of(Message(told[1][2]))
    assert refused.value.reason == "bad_headers"


def test_names_that_can_be_read_are_read_as_ever() -> None:
    assert [headers for _, _, headers in read(fetched(0, GOOD))][1] == [("odd_", b"v")]
    assert [offset for offset, _, _ in read(fetched(1, GOOD))] == [0, 1, 2, 3, 4, 5], "packed"
