"""The records of a published unit, read back from the committed predictions, in order."""

from typing import Any

from okr_common import codec
from okr_common.delivery.outbox import Outgoing
from okr_common.delivery.relay import ReadUnit
from okr_common.records import Prediction
from okr_common.topology import Stage
from okr_trainer.store import SQL, Pool, Row


def reader(pool: Pool, stage: Stage) -> ReadUnit:
    """Reads units of predictions."""

    async def read_unit(unit: dict[str, Any], after: int, limit: int) -> list[tuple[int, Outgoing]]:
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
