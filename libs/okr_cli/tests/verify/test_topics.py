"""What the topics say, as facts: repeats are none, second ids and strangers are told apart from them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import orjson

from okr_cli.dead_letters.letters import Replay
from okr_cli.verify.finding import Check
from okr_cli.verify.letters import _explained, _replayed, _strangers
from okr_cli.verify.topics import Logs, collect, numbered
from okr_common import codec, topics
from okr_common.events import BatchIngested, event_id
from okr_common.kafka.dead_letters import PREFIX
from okr_common.kafka.original import ATTEMPT, ORIGIN
from okr_common.kafka.reader import Read
from okr_common.records import Prediction, ProcessedRecord

NOW = datetime(2017, 1, 31, tzinfo=UTC)
ENTITY = UUID(int=7)


def read(topic: topics.Topic, offset: int, value: object, ce_type: str, ce_id: str, **headers: str) -> Read:
    content = value if isinstance(value, bytes) else orjson.dumps(value)
    return Read(topic.name, 0, offset, b"key", content, {"ce_type": ce_type, "ce_id": ce_id, **headers}, NOW)


def record(offset: int, ce_id: str = "one", **fields: object) -> Read:
    said: dict[str, Any] = {"source": "mta", "position": 1, "seq": 1, "generation": 1, "entity": "check_in"}
    said |= {"entity_id": str(ENTITY), "revision": 1, "knowledge_time": "2017-01-31T00:00:00Z"}
    said |= {"batch_id": 1, "row_num": 1, "payload": {"value": 1.5}}
    return read(topics.PROCESSED_RECORDS, offset, said | fields, ProcessedRecord.ce_type, ce_id)


def ingested(offset: int) -> Read:
    event = BatchIngested(source="mta", batch_id=3, position=1, rows=2, file_id=1)
    attributes = codec.envelope(
        ce_id=event.event_id, ce_type=event.ce_type, source="/okr/ingest-csv", subject=event.subject, time=NOW
    )
    return Read(topics.INGESTION_EVENTS.name, 0, offset, b"mta", codec.to_json(event), attributes, NOW)


def letter(of: Read, **headers: str) -> Read:
    context = {"topic": of.topic, "partition": str(of.partition), "offset": str(of.offset), "stage": "etl"}
    context |= {"exception.class.name": "not_json", "exception.message": "the value is not JSON"}
    said = {PREFIX + name: text for name, text in context.items()} | {"ce_id": "dead"} | headers
    return Read(topics.DEAD_LETTERS.name, 0, 0, of.key, of.value, said, NOW)


def test_a_repeat_under_the_same_id_is_no_second_fact() -> None:
    logs = collect([record(0), record(1), ingested(0), ingested(1)])
    assert (logs.records.messages, len(logs.records.facts), logs.records.clashes) == (2, 1, [])
    assert list(logs.events.facts) == [f"{BatchIngested.ce_type}|batch/3|1"]
    fact = logs.events.facts[f"{BatchIngested.ce_type}|batch/3|1"]
    assert fact.ce_id == str(event_id(BatchIngested.ce_type, "batch/3"))


def test_what_was_published_before_there_were_intervals_is_a_prediction() -> None:
    said = {name: 0.5 for name, one in Prediction.model_fields.items() if one.is_required()}
    said |= {"prediction_id": "one", "knowledge_time": NOW.isoformat(), "made_at": NOW.isoformat()}
    said |= {"reasons": [], "baselines": {}}
    newer = said | {"prediction_id": "two", "forecast_low": 1}
    lacking = {name: value for name, value in said.items() if name != "risk"}
    stranger = said | {"mood": "good"}
    told = enumerate((said, newer, lacking, stranger))
    logs = collect([read(topics.PREDICTIONS, at, one, Prediction.ce_type, str(at)) for at, one in told])
    assert (list(logs.predictions.facts), len(logs.strangers)) == (["one", "two"], 2)
    assert numbered({**said, "forecast_low": None})["forecast_low"] is None


def test_a_second_id_and_another_content_are_clashes() -> None:
    logs = collect([record(0), record(1, ce_id="two"), record(2, payload={"value": 1.6})])
    assert [(about, second.where) for about, _, second in logs.records.clashes] == [
        (f"{ENTITY}@1", "okr_processed_records/0@1"),
        (f"{ENTITY}@1", "okr_processed_records/0@2"),
    ]


def test_another_revision_is_another_fact() -> None:
    assert len(collect([record(0), record(1, ce_id="two", revision=2)]).records.facts) == 2


def test_messages_that_are_no_facts_are_strangers() -> None:
    messages = [
        read(topics.PROCESSED_RECORDS, 5, b"not json", ProcessedRecord.ce_type, "x"),
        read(topics.PROCESSED_RECORDS, 6, [1], ProcessedRecord.ce_type, "x"),
        read(topics.PROCESSED_RECORDS, 7, {"entity_id": "e"}, ProcessedRecord.ce_type, "x"),
        read(topics.PROCESSED_RECORDS, 8, {}, "okr.unheard_of.v1", "x"),
        read(topics.INGESTION_EVENTS, 9, b"not json", BatchIngested.ce_type, "x"),
        read(topics.PREDICTIONS, 10, {}, "okr.prediction.made.v1", "x"),
    ]
    logs = collect(messages)
    assert list(logs.strangers) == [message.where for message in messages]


def strangers(messages: list[Read]) -> Check:
    return _strangers(collect(messages))


def test_a_stranger_needs_a_dead_letter_with_its_bytes() -> None:
    bad = read(topics.INGESTION_EVENTS, 9, b"not json", BatchIngested.ce_type, "x")
    assert strangers([bad, letter(bad)]).findings == []
    assert strangers([bad]).wrong == 1
    assert strangers([bad, letter(bad)._replace(value=b"cut")]).wrong == 1
    assert strangers([bad, letter(bad._replace(offset=10))]).wrong == 1


def test_a_dead_letter_must_say_why_and_stand_under_one_id() -> None:
    bad = read(topics.INGESTION_EVENTS, 9, b"not json", BatchIngested.ce_type, "x")
    good = letter(bad)
    assert _explained(Logs(letters=[good, good])).findings == []
    silent = good._replace(headers={**good.headers, PREFIX + "exception.message": ""})
    assert _explained(Logs(letters=[silent])).wrong == 1
    assert _explained(Logs(letters=[good, letter(bad, ce_id=str(uuid4()))])).wrong == 1


def again(of: Read, attempt: int, origin: str, **headers: str) -> Read:
    """The dead letter that a message became after it was sent again."""
    return letter(of, **{ATTEMPT: str(attempt), ORIGIN: origin, "ce_id": str(attempt), **headers})


def test_the_note_of_a_replay_is_no_dead_letter_and_must_be_readable() -> None:
    bad = read(topics.INGESTION_EVENTS, 9, b"not json", BatchIngested.ce_type, "x")
    note = Replay(letter_id="dead", letter="0@0", attempt=1, place="okr_ingestion_events/0@10", at=NOW)
    told = read(topics.DEAD_LETTERS, 1, codec.to_json(note), Replay.ce_type, "note")
    logs = collect([bad, letter(bad), told])
    assert (len(logs.letters), len(logs.replays)) == (1, 1)
    for check in (_explained(logs), _replayed(logs), _strangers(logs)):
        assert (check.examined, check.findings) == (check.examined, [])
    assert _replayed(logs).examined == 1
    assert _replayed(collect([told._replace(value=b"{}")])).wrong == 1


def test_a_message_that_died_again_must_be_the_same_and_have_its_own_dead_letter() -> None:
    bad = read(topics.INGESTION_EVENTS, 9, b"not json", BatchIngested.ce_type, "x")
    second = bad._replace(offset=10)
    first, later = letter(bad), again(second, 1, bad.where)
    logs = collect([bad, second, first, later])
    assert [check.wrong for check in (_explained(logs), _replayed(logs), _strangers(logs))] == [0, 0, 0]
    assert strangers([bad, second, first]).wrong == 1
    assert _replayed(collect([first, later._replace(value=b"another")])).wrong == 1
    assert _replayed(collect([first, later._replace(key=None)])).wrong == 1


def test_a_dead_letter_of_a_message_that_is_understood_today_stays_explained() -> None:
    event = ingested(9)
    logs = collect([event, letter(event), event._replace(offset=10)])
    assert [check.wrong for check in (_explained(logs), _replayed(logs), _strangers(logs))] == [0, 0, 0]
    assert (logs.events.messages, logs.events.clashes) == (2, [])
