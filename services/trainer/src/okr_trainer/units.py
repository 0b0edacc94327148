"""The records of a unit, in order: predictions as they were committed, or tombstones.

A tombstone has the broker forget what was last predicted of a key result that is no more; its rows in okr_ops stay.
"""

import asyncio
import os
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from okr_common import codec
from okr_common.delivery.outbox import Outgoing
from okr_common.delivery.relay import Page, ReadUnit
from okr_common.records import Prediction
from okr_common.topology import Stage
from okr_trainer.fresh import Fresh, Said
from okr_trainer.store import SQL, Pool

NONE = UUID(int=0)
"""Stands where each record says its own."""


def reader(pool: Pool, stage: Stage, fresh: Fresh) -> ReadUnit:
    """Reads units of predictions, those that are not fresh from the database, and of tombstones."""

    async def read_unit(unit: dict[str, Any], after: int, limit: int) -> Page:
        if unit["kind"] == "gone":
            gone = unit["key_results"][after : after + limit]
            return Page(after + len(gone), [_tombstone(unit["model"], name) for name in gone])
        found = fresh.read(unit["unit"], after, limit)
        if found is None:
            found = [Said(*row) for row in await pool.fetch(SQL["read_unit"], unit["unit"], after, limit)]
        return await asyncio.to_thread(_records, unit["model"], found, after, stage.event_source) if found else Page()

    return read_unit


def _records(model: str, found: Sequence[Said], after: int, event_source: str) -> Page:
    """What the predictions of a unit share is made once: they are many, and all of one moment."""
    shared = codec.envelope(
        ce_id=NONE, ce_type=Prediction.ce_type, source=event_source, subject="", time=found[0].made_at
    )
    topic, spans = Prediction.topic.name, os.urandom(8 * len(found)).hex()
    made = []
    for number, (ce_id, key_result_id, value, _) in enumerate(found):
        span = spans[16 * number : 16 * number + 16]
        own = {"ce_id": ce_id, "ce_subject": key_result_id, "traceparent": f"00-{ce_id.replace('-', '')}-{span}-01"}
        key = key_result_id.encode()
        made.append(Outgoing(model, topic, key_result_id, key, value.encode(), {**shared, **own}))
    return Page(after + len(found), made)


def _tombstone(model: str, key_result_id: str) -> Outgoing:
    return Outgoing(
        order_key=model,
        topic=Prediction.topic.name,
        partition_key=key_result_id,
        message_key=key_result_id.encode(),
    )
