"""What the trainer keeps in okr_ops, as rows for the rules."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import orjson

from okr_common.clock import utc_now
from okr_common.postgres.source_days import todays
from okr_common.sql import queries
from okr_monitor.domain.model_performance import Scored
from okr_monitor.domain.reference import Row

SQL = queries("okr_monitor")


class Serving(NamedTuple):
    """A model's champion, and the training replay it began with."""

    model: str
    version: int
    training: int


class AtRisk(NamedTuple):
    """An open key result that will probably be missed."""

    title: str
    key_result: str
    source: str
    due_on: date
    probability: float
    reason: str
    value: float | None
    forecast: float | None
    target: float | None
    made_at: datetime


class Models:
    """Models, predictions and outcomes in okr_ops; titles in okr_processed."""

    def __init__(self, ops: asyncpg.Pool, processed: asyncpg.Pool) -> None:
        self._ops = ops
        self._processed = processed

    async def serving(self) -> list[Serving]:
        """The models that answer now."""
        return [Serving(**row) for row in await self._ops.fetch(SQL["serving_models"])]

    async def training_rows(self, serving: Serving, limit: int) -> list[Row]:
        """What the version saw in training: a draw of at most so many rows."""
        return _rows(await self._ops.fetch(SQL["training_rows"], serving.model, serving.training, limit))

    async def live_rows(self, serving: Serving, since: datetime, limit: int) -> list[Row]:
        """The newest live predictions made since the version's training."""
        return _rows(await self._ops.fetch(SQL["live_rows"], serving.model, serving.training, since, limit))

    async def scored_rows(self, limit: int) -> list[Scored]:
        """The newest live predictions whose outcome is known."""
        rows = await self._ops.fetch(SQL["scored_rows"], limit)
        return [Scored(**{**row, "baselines": orjson.loads(row["baselines"])}) for row in rows]

    async def at_risk(self, limit: int) -> list[AtRisk]:
        """The least likely first."""
        days = await todays(self._processed, utc_now())
        rows = await self._ops.fetch(SQL["at_risk"], limit, list(days), list(days.values()))
        titles = await self._titles([row["key_result_id"] for row in rows])
        return [_at_risk(row, titles.get(row["key_result_id"], row["key_result"])) for row in rows]

    async def risk_counts(self) -> dict[str, int]:
        """How many open key results are in each band."""
        days = await todays(self._processed, utc_now())
        rows = await self._ops.fetch(SQL["risk_counts"], list(days), list(days.values()))
        return {row["risk"]: row["key_results"] for row in rows}

    async def _titles(self, key_results: Sequence[UUID]) -> dict[UUID, str]:
        rows = await self._processed.fetch(SQL["titles"], list(key_results))
        return {row["key_result_id"]: row["title"] for row in rows}


def _rows(found: Sequence[asyncpg.Record]) -> list[Row]:
    return [Row(row["key_result_id"], row["elapsed"], orjson.loads(row["features"])) for row in found]


def _at_risk(row: asyncpg.Record, title: str) -> AtRisk:
    reasons: list[dict[str, Any]] = orjson.loads(row["reasons"])
    fields = {name: row[name] for name in AtRisk._fields if name in row}
    return AtRisk(**fields, title=title, reason=str(reasons[0]["text"]) if reasons else "")
