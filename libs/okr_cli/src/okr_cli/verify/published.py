"""okr_processed against the topics: each fact stands there under exactly one id, and nothing else does."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import orjson

from okr_cli.verify.evidence import Evidence
from okr_cli.verify.finding import Check
from okr_cli.verify.topics import Fact, Log, Logs, digest, event_key
from okr_common import events, topics
from okr_common.records import ProcessedRecord

MARGIN = timedelta(days=1)
"""The broker deletes whole segments, about when their time is over."""


async def check(of: Evidence, logs: Logs) -> list[Check]:
    """Entity versions and events."""
    return [await _records(of, logs.records), await _events(of, logs.events)]


async def _records(of: Evidence, log: Log) -> Check:
    check = Check(
        "topics: entity versions",
        "every version within the retention was published under exactly one id, as the table says; nothing else was",
    )
    expired = await _expired(of)
    unseen = dict(log.facts)
    async for row in of.processed.stream("versions"):
        subject = f"{row['entity_id']}@{row['revision']}"
        fact = unseen.pop(subject, None)
        if fact is not None or (row["source"], row["position"], row["generation"]) not in expired:
            check.examined += 1
            _compare(check, f"{row['entity']} {subject}", _expected(row, subject), fact)
    for subject, fact in unseen.items():
        check.find(f"{subject} at {fact.where}", "a row in entity_version", "none")
    clashes(check, log)
    return check


async def _expired(of: Evidence) -> set[tuple[str, int, int]]:
    """Batches whose versions the broker may have deleted."""
    before = _kept_since(topics.PROCESSED_RECORDS)
    return {
        (row["source"], row["position"], row["generation"])
        for row in await of.processed.rows("applied")
        if row["applied_at"] < before
    }


def _kept_since(topic: topics.Topic) -> datetime:
    """What was published on this topic before may be gone."""
    return datetime.now(UTC) - timedelta(milliseconds=topic.retention_ms or 0) + MARGIN


def _expected(row: asyncpg.Record, subject: str) -> tuple[str, bytes]:
    """The id and digest that this version must have on the topic."""
    content: dict[str, Any] = {
        name: row[name]
        for name in ("source", "position", "seq", "generation", "entity", "revision", "batch_id", "row_num")
    }
    content["entity_id"] = str(row["entity_id"])
    content["knowledge_time"] = row["knowledge_time"].isoformat()
    content["payload"] = orjson.loads(row["payload"])
    content["closed"] = row["closed"]
    return str(events.event_id(ProcessedRecord.ce_type, subject, row["generation"])), digest(content)


def _compare(check: Check, where: str, expected: tuple[str, bytes], fact: Fact | None) -> None:
    if fact is None:
        check.find(where, "published once or more", "never published")
    elif fact.ce_id != expected[0]:
        check.find(f"{where} at {fact.where}", f"id {expected[0]}", f"id {fact.ce_id}")
    elif fact.digest != expected[1]:
        check.find(f"{where} at {fact.where}", "what the table says", "another content")


def clashes(check: Check, log: Log) -> None:
    """Two messages about one thing must be the same under one id."""
    for about, first, second in log.clashes:
        if first.ce_id != second.ce_id:
            check.find(f"{about} at {second.where}", f"one id, {first.ce_id}", f"a second id, {second.ce_id}")
        else:
            check.find(f"{about} at {second.where}", f"what {first.where} says", "another content under the same id")


async def _events(of: Evidence, log: Log) -> Check:
    check = Check(
        "topics: events",
        "what happened to every file and batch within the retention was announced under exactly one id",
    )
    ingested, processed = _kept_since(topics.INGESTION_EVENTS), _kept_since(topics.PROCESSING_EVENTS)
    transformed = _first(log, events.BatchTransformed)
    for row in (row for row in await of.raw.rows("files") if row["discovered_at"] >= ingested):
        for event, subject in _of_file(row):
            _announced(check, log, event, subject)
    for row in (row for row in await of.raw.rows("released") if row["released_at"] >= ingested):
        _announced(check, log, events.BatchIngested, f"batch/{row['batch_id']}")
    for row in (row for row in await of.processed.rows("applied") if row["applied_at"] >= processed):
        for event, subject in _of_result(row):
            if event is not events.BatchTransformed or (transformed and row["applied_at"] >= transformed):
                _announced(check, log, event, subject, row["generation"])
    for row in (row for row in await of.processed.rows("decided") if row["decided_at"] >= processed):
        event, word = (events.AbsentClosed, "absent") if row["absent"] else (events.OutcomesDecided, "due")
        subject = f"{word}/{row['source']}/{row['position']}/{row['after_seq']}"
        _announced(check, log, event, subject, row["generation"])
    clashes(check, log)
    return check


def _first(log: Log, event: type[events.Event]) -> datetime | None:
    """When the first of these was published: an installation that is older than it has not said it of all."""
    return min((fact.at for about, fact in log.facts.items() if about.startswith(f"{event.ce_type}|")), default=None)


def _of_file(row: asyncpg.Record) -> Iterator[tuple[type[events.Event], str]]:
    """What must have been said of a file that is where it is."""
    subject = f"file/{row['file_id']}"
    yield events.FileDiscovered, subject
    if row["state"] == "done":
        yield from ((events.FileValidated, subject), (events.FileDone, subject))
    elif row["state"] in {"quarantined", "failed", "vanished"}:
        yield events.FileRejected, f"{subject}/{row['reason']}"


def _of_result(row: asyncpg.Record) -> Iterator[tuple[type[events.Event], str]]:
    batch = f"batch/{row['batch_id']}"
    yield events.BatchPublished, batch
    if row["replayed"]:
        yield events.SourceReplayed, f"replay/{row['source']}@{row['generation']}"
    else:
        yield from ((events.BatchTransformed, batch), (events.BatchLoaded, batch))


def _announced(check: Check, log: Log, event: type[events.Event], subject: str, generation: int = 1) -> None:
    fact = log.facts.get(event_key(event.ce_type, subject, generation))
    expected = str(events.event_id(event.ce_type, subject, generation))
    check.must_be(f"{event.__name__} of {subject}", expected, fact.ce_id if fact else "never announced")
