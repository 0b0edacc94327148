import pytest

from okr_common import codec
from okr_common.delivery.outbox import announce
from okr_common.errors import PermanentError
from okr_common.events import BatchIngested
from okr_common.topology import STAGES

EVENT = BatchIngested(source="mta_nyct", batch_id=7, position=3, rows=50_000, file_id=2)


def test_an_event_comes_back_from_its_message() -> None:
    message = announce(EVENT, STAGES["ingest-csv"])
    assert codec.decode_event(codec.headers(message.headers), message.value) == EVENT


def test_the_id_is_the_same_however_often_it_is_announced() -> None:
    first, second = (announce(EVENT, STAGES["ingest-csv"]).headers for _ in range(2))
    assert first["ce_id"] == second["ce_id"]
    assert first["ce_subject"] == "batch/7"


@pytest.mark.parametrize(
    ("ce_type", "value", "reason"),
    [
        (None, b"{}", "no_type"),
        ("okr.unheard_of.v1", b"{}", "unknown_type"),
        (BatchIngested.ce_type, b"not json", "not_json"),
        (BatchIngested.ce_type, None, "not_json"),
        (BatchIngested.ce_type, b'{"source":"x"}', "wrong_shape"),
    ],
)
def test_what_cannot_be_read_says_why(ce_type: str | None, value: bytes | None, reason: str) -> None:
    headers = [("ce_type", ce_type.encode())] if ce_type else []
    with pytest.raises(PermanentError) as caught:
        codec.decode_event(headers, value)
    assert caught.value.reason == reason


def test_what_does_not_fit_is_told_in_one_line_without_the_words_of_a_library() -> None:
    with pytest.raises(PermanentError) as caught:
        codec.decode_record(b'{"strange": 1}')
    assert str(caught.value) == (
        "the value is no okr.processed.record.v1: source is missing; position is missing; seq is missing; and 9 more"
    )
    value = b'{"source":"x","batch_id":"seven","position":1,"rows":1,"file_id":1,"strange":1}'
    with pytest.raises(PermanentError, match=r"batch_id .*integer; strange is not known$") as caught:
        codec.decode_event([("ce_type", BatchIngested.ce_type.encode())], value)
    assert "\n" not in str(caught.value)
