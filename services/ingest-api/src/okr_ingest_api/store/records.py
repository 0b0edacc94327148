"""What the relay sends of a batch: one message on okr_raw_records per row, read from okr_raw."""

from typing import Any

import asyncpg
import jmespath
import orjson

from okr_common import codec
from okr_common.delivery.outbox import Outgoing
from okr_common.delivery.relay import Page, ReadUnit
from okr_common.events import event_id
from okr_common.records import RawRecord
from okr_common.topology import Stage
from okr_ingest_api.domain.objects import object_id
from okr_ingest_api.store.pages import SQL, records_key


def reader(pool: asyncpg.Pool, stage: Stage) -> ReadUnit:
    """Reads the records of a unit `{batch_id, object_id}` after a row number."""

    async def read_unit(unit: dict[str, Any], after: int, limit: int) -> Page:
        rows = await pool.fetch(SQL["records_of_batch"], unit["batch_id"], after, limit)
        identify = jmespath.compile(unit["object_id"]).search
        messages = [_message(row, unit["batch_id"], identify, stage) for row in rows]
        return Page(rows[-1]["row_num"], messages) if rows else Page()

    return read_unit


def _message(row: asyncpg.Record, batch_id: int, identify: Any, stage: Stage) -> Outgoing:  # noqa: ANN401
    cells = orjson.loads(row["cells"])
    record = RawRecord(
        source=row["source"],
        request=row["request"],
        batch_id=batch_id,
        row_num=row["row_num"],
        object_id=object_id(cells, identify) or "",
        cells=cells if len(row["cells"].encode()) <= RawRecord.cells_bytes else None,
    )
    key = f"{record.source}/{record.object_id}"
    return Outgoing(
        order_key=records_key(record.source),
        topic=RawRecord.topic.name,
        partition_key=key,
        message_key=key.encode(),
        value=codec.to_json(record),
        headers=codec.envelope(
            ce_id=event_id(RawRecord.ce_type, record.subject),
            ce_type=RawRecord.ce_type,
            source=stage.event_source,
            subject=record.subject,
            time=row["created_at"],
        ),
    )
