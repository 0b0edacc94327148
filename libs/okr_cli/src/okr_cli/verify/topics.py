"""What stands on the topics, one entry per fact: under which id, and saying what."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from okr_cli.dead_letters.letters import is_replay
from okr_common import codec, topics
from okr_common.errors import PermanentError
from okr_common.events import RunStepEnded
from okr_common.kafka.reader import Read, read_all
from okr_common.records import Prediction, ProcessedRecord, RawRecord

EVENT_TOPICS = (topics.INGESTION_EVENTS, topics.PROCESSING_EVENTS, topics.MODEL_EVENTS)
READ = (topics.RAW_RECORDS, topics.PROCESSED_RECORDS, topics.PREDICTIONS, topics.DEAD_LETTERS, *EVENT_TOPICS)
PREDICTION_NUMBERS = (
    "probability",
    "probability_low",
    "probability_high",
    "forecast",
    "forecast_low",
    "forecast_high",
    "target",
)
REQUIRED = {name for name, one in Prediction.model_fields.items() if one.is_required()}
"""Of a prediction; it says of the others only since there are such."""
RAW_FIELDS = ("source", "request", "batch_id", "row_num", "cells")
RECORD_FIELDS = ("source", "position", "seq", "generation", "entity", "entity_id", "revision", "batch_id", "row_num")


@dataclass(frozen=True, slots=True)
class Fact:
    """One message as a fact: its id, and a digest of what it says. `at`: when the broker got it."""

    ce_id: str
    digest: bytes
    where: str
    at: datetime


@dataclass(slots=True)
class Log:
    """All facts of one kind by what they are about; `clashes` are two messages about one thing that differ."""

    facts: dict[str, Fact] = field(default_factory=dict)
    clashes: list[tuple[str, Fact, Fact]] = field(default_factory=list)
    messages: int = 0

    def take(self, about: str, fact: Fact) -> None:
        """Notes one message. The same id with the same words again is no second fact."""
        self.messages += 1
        first = self.facts.setdefault(about, fact)
        if (first.ce_id, first.digest) != (fact.ce_id, fact.digest):
            self.clashes.append((about, first, fact))


@dataclass(slots=True)
class Logs:
    """Every topic that is checked. `strangers` are messages that are no fact of their topic, by their place.

    `replays` are the notes that dead letters were sent again.
    """

    raw: Log = field(default_factory=Log)
    records: Log = field(default_factory=Log)
    predictions: Log = field(default_factory=Log)
    events: Log = field(default_factory=Log)
    letters: list[Read] = field(default_factory=list)
    replays: list[Read] = field(default_factory=list)
    strangers: dict[str, Read] = field(default_factory=dict)
    disorder: list[tuple[str, str, str]] = field(default_factory=list)

    def take(self, message: Read) -> None:
        """Notes one message of any topic."""
        if message.topic == topics.DEAD_LETTERS.name:
            (self.replays if is_replay(message) else self.letters).append(message)
            return
        try:
            self._take(message)
        except (PermanentError, LookupError, TypeError, ValueError):
            self.strangers[message.where] = message

    def _take(self, message: Read) -> None:
        if message.topic == topics.RAW_RECORDS.name:
            about, content = raw_record(message)
            self.raw.take(about, _fact(message, content))
        elif message.topic == topics.PROCESSED_RECORDS.name:
            about, content = record(message)
            self.records.take(about, _fact(message, content))
        elif message.topic == topics.PREDICTIONS.name:
            if message.value is None:
                return  # a tombstone: its key result is no more
            about, content = prediction(message)
            self.predictions.take(about, _fact(message, content))
        else:
            about, content = event(message)
            self.events.take(about, _fact(message, content))


def read(bootstrap: str) -> Logs:
    """All of it, from the topics' beginnings to their ends of now."""
    return collect(read_all(bootstrap, [topic.name for topic in READ]))


def collect(messages: Iterable[Read]) -> Logs:
    """The logs of these messages."""
    logs = Logs()
    for message in messages:
        logs.take(message)
    return logs


def raw_record(message: Read) -> tuple[str, dict[str, Any]]:
    """What a raw row of an API is about, and what it says."""
    value = _value(message, RawRecord.ce_type)
    content = {name: value[name] for name in RAW_FIELDS}
    return f"batch/{value['batch_id']}/{value['row_num']}", content


def record(message: Read) -> tuple[str, dict[str, Any]]:
    """What an entity version is about, and what it says."""
    value = _value(message, ProcessedRecord.ce_type)
    content = {name: value[name] for name in RECORD_FIELDS}
    content["knowledge_time"] = moment(value["knowledge_time"])
    content["payload"], content["closed"] = value["payload"], value.get("closed")
    return f"{value['entity_id']}@{value['revision']}", content


def prediction(message: Read) -> tuple[str, dict[str, Any]]:
    """What a prediction is about, and what it says."""
    value = _value(message, Prediction.ce_type)
    if not REQUIRED <= value.keys() <= Prediction.model_fields.keys():
        raise ValueError(f"{message.where} has other fields than a prediction")
    times = {name: moment(value[name]) for name in ("knowledge_time", "made_at")}
    return str(value["prediction_id"]), numbered(value | times)


def numbered(prediction: dict[str, Any]) -> dict[str, Any]:
    """The prediction with its numbers as floats: in JSON 1 and 1.0 are the same.

    Those that were published before there were intervals say nothing of one.
    """
    said = {name: prediction.get(name) for name in PREDICTION_NUMBERS}
    numbers = {name: None if number is None else float(number) for name, number in said.items()}
    reasons = [{**reason, "weight": float(reason["weight"])} for reason in prediction["reasons"]]
    baselines = {name: float(said) for name, said in prediction["baselines"].items()}
    return {**prediction, **numbers, "reasons": reasons, "baselines": baselines}


def event(message: Read) -> tuple[str, dict[str, Any]]:
    """What an event is about: its type, subject and generation; of a run's step also the attempt."""
    pairs = [(name, text.encode()) for name, text in message.headers.items()]
    said = codec.decode_event(pairs, message.value)
    attempt = f"#{said.attempt}" if isinstance(said, RunStepEnded) else ""
    about = event_key(said.ce_type, said.subject + attempt, getattr(said, "generation", 1))
    return about, orjson.loads(message.value or b"")


def event_key(ce_type: str, subject: str, generation: int = 1) -> str:
    """The name under which an event is looked up."""
    return f"{ce_type}|{subject}|{generation}"


def digest(content: object) -> bytes:
    """The same for the same JSON, whatever the order of its keys.

    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    """
    return hashlib.blake2b(orjson.dumps(content, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()


def moment(text: str) -> str:
    """A time as every side writes it here.

    >>> moment("2017-01-31T00:00:00Z") == moment("2017-01-31T00:00:00+00:00")
    True
    """
    return datetime.fromisoformat(text).isoformat()


def _value(message: Read, ce_type: str) -> dict[str, Any]:
    if message.headers.get("ce_type") != ce_type:
        raise ValueError(f"{message.where} is no {ce_type}")
    value = orjson.loads(message.value or b"")
    if not isinstance(value, dict):
        raise TypeError(f"{message.where} holds no JSON object")
    return value


def _fact(message: Read, content: object) -> Fact:
    return Fact(message.headers.get("ce_id", "no ce_id"), digest(content), message.where, message.at)
