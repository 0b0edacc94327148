"""The records of a unit, in order: predictions, read back as they were committed, or tombstones.

A tombstone has the broker forget what was last predicted of a key result that is no more; its rows in okr_ops stay.
"""

from typing import Any

from okr_common import codec
from okr_common.delivery.outbox import Outgoing
from okr_common.delivery.relay import ReadUnit
from okr_common.records import Prediction
from okr_common.topology import Stage
from okr_trainer.store import SQL, Pool, Row


def reader(pool: Pool, stage: Stage) -> ReadUnit:
    """Reads units of predictions and of tombstones."""

    async def read_unit(unit: dict[str, Any], after: int, limit: int) -> list[tuple[int, Outgoing]]:
        if unit["kind"] == "gone":
            gone = unit["key_results"][after : after + limit]
            return [(place, _tombstone(unit["model"], name)) for place, name in enumerate(gone, after + 1)]
        found = await pool.fetch(SQL["read_unit"], unit["unit"], after, limit)
        return [(row["place"], _outgoing(row, stage.event_source)) for row in found]

    return read_unit


def _outgoing(row: Row, event_source: str) -> Outgoing:
    key_result_id: str = row["key_result_id"]
    return Outgoing(
        order_key=row["model"],
        topic=Prediction.topic.name,
        partition_key=key_result_id,
        message_key=key_result_id.encode(),
        value=row["value"].encode(),
        headers=codec.envelope(
            ce_id=row["prediction_id"],
            ce_type=Prediction.ce_type,
            source=event_source,
            subject=key_result_id,
            time=row["made_at"],
        ),
    )


def _tombstone(model: str, key_result_id: str) -> Outgoing:
    return Outgoing(
        order_key=model,
        topic=Prediction.topic.name,
        partition_key=key_result_id,
        message_key=key_result_id.encode(),
    )
