"""What REST answers, from committed state only: every replica says the same."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from okr_trainer import store
from okr_trainer.domain.evaluation import evaluate
from okr_trainer.domain.key_result_state import KeyResultState
from okr_trainer.domain.learner import Learner
from okr_trainer.domain.risk import CutPoints
from okr_trainer.domain.track_record import TrackRecord
from okr_trainer.standing import restore
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

    def __init__(self, ops: Pool, processed: Pool, cut_points: CutPoints) -> None:
        self._ops = ops
        self._processed = processed
        self._cut_points = cut_points
        self._models: dict[str, tuple[tuple[object, ...], Learner]] = {}

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

    async def changes(self, model: str, limit: int) -> list[dict[str, Any]]:
        """What was registered, promoted, rolled back, newest first."""
        return [_plain(row) for row in await self._ops.fetch(SQL["changes"], model, limit)]

    async def daily_reports(self, model: str, limit: int) -> list[dict[str, Any]]:
        """What the daily runs found of a model, newest first."""
        rows = await self._ops.fetch(SQL["daily_reports"], model, limit)
        return [_plain(row) for row in rows]

    async def evaluation(
        self, model: str, kind: str, version: int | None, since: datetime | None, until: datetime | None
    ) -> dict[str, Any]:
        """How the predictions whose outcome is known did."""
        return evaluate(await store.scored(self._ops, model, kind, version=version, since=since, until=until))

    async def predictions(self, key_result_id: UUID, kind: str | None, limit: int) -> list[dict[str, Any]]:
        """A key result's predictions, newest first."""
        return [_plain(row) for row in await self._ops.fetch(SQL["predictions"], key_result_id, kind, limit)]

    async def key_results(self, risk: str | None, source: str | None, limit: int) -> list[dict[str, Any]]:
        """Open key results by their newest prediction, the least likely first."""
        found = [_plain(row) for row in await self._ops.fetch(SQL["key_results"], risk, source, limit)]
        titles = await self._titles([one["key_result_id"] for one in found])
        return [one | titles.get(one["key_result_id"], {"title": None, "unit": None}) for one in found]

    async def _titles(self, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
        rows = await self._processed.fetch(SQL["titles"], list(ids))
        return {row["key_result_id"]: {"title": row["title"], "unit": row["unit"]} for row in rows}

    async def key_result(self, key_result_id: UUID, model: str | None) -> tuple[Learner, KeyResultState] | None:
        """A key result and the model that answers for it. Raises PermanentError("checkpoint_refused")."""
        row = await self._ops.fetchrow(SQL["key_result"], key_result_id, model)
        if row is None:
            return None
        state = KeyResultState.from_json(str(key_result_id), row["source"], orjson.loads(row["state"]))
        learner = await self._learner(row["model"])
        record = await self._ops.fetchrow(SQL["track_record"], row["model"], state.series)
        records = {} if record is None else {state.series: TrackRecord(*record)}
        return replace(learner, records=records), state  # the learner is shared by all who ask

    async def _learner(self, model: str) -> Learner:
        """The committed model; unpickled again only when it has learned."""
        row = await self._ops.fetchrow(SQL["checkpoint"], model)
        assert row is not None  # noqa: S101 - a key result is committed with its checkpoint
        stamp = (row["version"], row["sha256"], row["outcomes"])
        if model not in self._models or self._models[model][0] != stamp:
            self._models[model] = (stamp, restore(model, dict(row), self._cut_points))
        return self._models[model][1]


def _plain(row: Row) -> dict[str, Any]:
    return {name: _value(name, value) for name, value in _items(row)}


def _items(row: Mapping[str, Any] | Row) -> Sequence[tuple[str, Any]]:
    return list(row.items())


def _value(name: str, value: Any) -> Any:  # noqa: ANN401 - whatever a column holds
    return orjson.loads(value) if name in JSON and value is not None else value
