"""The records of a batch, as they travel on okr_processed_records."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from okr_common import codec
from okr_common.clock import utc_now
from okr_common.delivery.outbox import Outgoing
from okr_common.events import event_name
from okr_common.records import ProcessedRecord
from okr_common.topics import PROCESSED_RECORDS
from okr_common.topology import STAGES
from okr_etl.domain.ids import name_id

STAGE = STAGES["etl"]
CE_TYPE = ProcessedRecord.ce_type
NONE = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Place:
    """Which batch, in which generation; of what stands there, the versions after one place up to another."""

    source: str
    position: int
    generation: int
    after_seq: int = 0
    until_seq: int | None = None


def records(place: Place, rows: Iterable[asyncpg.Record]) -> list[tuple[int, Outgoing]]:
    """Each row of entity_version, as `unit_records` reads it, as (seq, message).

    Millions pass here, so what they share is made once, and each row is taken apart only once.
    """
    shared = codec.envelope(ce_id=NONE, ce_type=CE_TYPE, source=STAGE.event_source, subject="", time=utc_now())
    return [_message(place, row, shared) for row in rows]


def _message(place: Place, row: asyncpg.Record, shared: dict[str, str]) -> tuple[int, Outgoing]:
    """A ProcessedRecord as JSON, its payload as it stands in the table."""
    seq, entity, entity_id, revision, knowledge_time, batch_id, row_num, payload, closed = row
    record: dict[str, Any] = {
        "source": place.source,
        "position": place.position,
        "seq": seq,
        "generation": place.generation,
        "entity": entity,
        "entity_id": entity_id,
        "revision": revision,
        "knowledge_time": knowledge_time,
        "batch_id": batch_id,
        "row_num": row_num,
        "payload": orjson.Fragment(payload),
    }
    if closed is not None:
        record["closed"] = closed
    headers = {**shared, **_own(f"{entity_id}@{revision}", place.generation)}
    value, topic = orjson.dumps(record), PROCESSED_RECORDS.name
    return seq, Outgoing(place.source, topic, place.source, entity_id.encode(), value, headers)


def _own(subject: str, generation: int) -> dict[str, str]:
    ce_id = name_id(event_name(CE_TYPE, subject, generation))
    return {
        "ce_id": ce_id,
        "ce_subject": subject,
        "traceparent": f"00-{ce_id.replace('-', '')}-{os.urandom(8).hex()}-01",
    }
