"""What REST answers, from committed state only: every replica says the same."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson

from okr_common.clock import Clock
from okr_common.postgres import source_days
from okr_trainer import store
from okr_trainer.challenging import beside
from okr_trainer.domain.evaluation import evaluate
from okr_trainer.domain.pictures import pictures
from okr_trainer.domain.window import Window
from okr_trainer.retracing import retraced
from okr_trainer.settings import TrainerSettings
from okr_trainer.store import SQL, Pool, Row

JSON = frozenset(
    {
        "sources_json",
        "cut",
        "libraries",
        "metrics",
        "reference",
        "features",
        "reasons",
        "baselines",
        "verdict",
        "content",
    }
)
"""Columns that hold JSON text."""


class Reads:
    """Queries on okr_ops, and titles from okr_processed."""

    def __init__(self, ops: Pool, processed: Pool, settings: TrainerSettings, clock: Clock) -> None:
        self._ops = ops
        self._rules = settings.gates.rules
        self._retracing, self._evaluating = asyncio.Lock(), asyncio.Lock()
        self._processed = processed
        self._clock = clock

    async def models(self, model: str | None = None) -> list[dict[str, Any]]:
        """Versions, newest first; of one model or of all."""
        return [_plain(row) for row in await self._ops.fetch(SQL["models"], model)]

    async def version(self, model: str, version: int) -> dict[str, Any] | None:
        """A version's evaluation in training, and what its features looked like."""
        row = await self._ops.fetchrow(SQL["model_metrics"], model, version)
        return None if row is None else _plain(row)

    async def described(self, model: str, version: int) -> dict[str, Any] | None:
        """All that the registry says of a version, without its content."""
        row = await self._ops.fetchrow(SQL["described"], model, version)
        return None if row is None else _plain(row)

    async def challengers(self, model: str) -> list[dict[str, Any]]:
        """Of each challenger how far it is, and how it does beside the pipeline that serves; one look at a time."""
        async with self._evaluating:
            served = await self._ops.fetchrow(SQL["served_training"], model)
            rows = await self._ops.fetch(SQL["challengers"], model)
            return [await beside(self._ops, served, row, self._rules) for row in rows if served is not None]

    async def changes(self, model: str, limit: int) -> list[dict[str, Any]]:
        """What was registered, promoted, rolled back, newest first."""
        return [_plain(row) for row in await self._ops.fetch(SQL["changes"], model, limit)]

    async def daily_reports(self, model: str, limit: int) -> list[dict[str, Any]]:
        """What the daily runs found of a model, newest first."""
        rows = await self._ops.fetch(SQL["daily_reports"], model, limit)
        return [_plain(row) for row in rows]

    async def evaluation(
        self,
        model: str,
        kind: str,
        *,
        version: int | None = None,
        source: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        newest: int,
    ) -> dict[str, Any]:
        """How the newest predictions whose outcome is known did: all tables, what a report draws, which part it is.

        One at a time, since each holds a core for seconds.
        """
        async with self._evaluating:
            window = await store.scored(
                self._ops, model, kind, version=version, source=source, since=since, until=until, most=newest
            )
            return await asyncio.to_thread(_evaluated, window)

    async def retraced(self, model: str) -> dict[str, Any]:
        """The recorded order of learning, learned once more; one at a time, since each holds a connection long."""
        async with self._retracing:
            return await retraced(self._ops, model)

    async def predictions(self, key_result_id: UUID, kind: str | None, limit: int) -> list[dict[str, Any]]:
        """A key result's predictions, newest first."""
        return [_plain(row) for row in await self._ops.fetch(SQL["predictions"], key_result_id, kind, limit)]

    async def key_results(self, risk: str | None, source: str | None, limit: int) -> list[dict[str, Any]]:
        """Open key results by their newest prediction, the least likely first; time left and elapsed are today's."""
        days = await self.todays()
        rows = await self._ops.fetch(SQL["key_results"], risk, source, limit, list(days), list(days.values()))
        found = [_as_of_today(_plain(row)) for row in rows]
        titles = await self._titles([one["key_result_id"] for one in found])
        return [one | titles.get(one["key_result_id"], {"title": None, "unit": None}) for one in found]

    async def todays(self) -> dict[str, date]:
        """Today by source, on its clock."""
        return await source_days.todays(self._processed, self._clock())

    async def _titles(self, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
        rows = await self._processed.fetch(SQL["titles"], list(ids))
        return {row["key_result_id"]: {"title": row["title"], "unit": row["unit"]} for row in rows}


def _evaluated(window: Window) -> dict[str, Any]:
    return evaluate(window.rows) | pictures(window.rows) | {"window": window.said}


def _as_of_today(one: dict[str, Any]) -> dict[str, Any]:
    """A prediction is as of its day; how far the period is, is told as of today, where its source has one."""
    start, today, due = one.pop("start"), one["today"], one["due_on"]
    if today is None or start is None:
        return one | {"days_left": None}
    length, gone = due.toordinal() - start, today.toordinal() - start
    return one | {"days_left": (due - today).days, "elapsed": max(one["elapsed"], gone / length if length > 0 else 1.0)}


def _plain(row: Row) -> dict[str, Any]:
    return {name: _value(name, value) for name, value in _items(row)}


def _items(row: Mapping[str, Any] | Row) -> Sequence[tuple[str, Any]]:
    return list(row.items())


def _value(name: str, value: Any) -> Any:  # noqa: ANN401 - whatever a column holds
    return orjson.loads(value) if name in JSON and value is not None else value
