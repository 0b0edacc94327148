"""What questions are answered from: committed state only, so every replica says the same.

Two short queries for all that are asked at once: what is known of the key results and where their models stand, then
the tallies their judgement rests on. A model is kept as it was unpickled for as long as its checkpoint says the same.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from datetime import time as midnight
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from okr_common.clock import Clock
from okr_common.postgres import source_days
from okr_trainer import store
from okr_trainer.domain.ending import Ending, Last, how
from okr_trainer.domain.key_result_state import KeyResultState
from okr_trainer.domain.learner import Learner
from okr_trainer.domain.risk import CutPoints
from okr_trainer.domain.track_record import TrackRecord
from okr_trainer.domain.what_if import Supposed, keys_of
from okr_trainer.standing import restore
from okr_trainer.store import SQL, Pool, Row

DAYS_KEPT_SECONDS = 1.0
"""A source's today moves with a day or with its data: to ask for it at each question cost as much as its state."""
Stamp = tuple[Any, ...]
"""Version, content and outcomes of a checkpoint: another one is another model."""


class Known(NamedTuple):
    """A key result as a model knows it; `ending` None: it is open. `records`: of its series and of its kin."""

    model: str
    state: KeyResultState
    ending: Ending | None
    stamp: Stamp
    records: Mapping[str, TrackRecord]


class Grounds:
    """Queries over `ops`, a pool for short reads, and `processed`; what days it is and models are kept in memory."""

    def __init__(self, ops: Pool, processed: Pool, cut_points: CutPoints | None, clock: Clock) -> None:
        self._ops = ops
        self._processed = processed
        self._cut_points = cut_points
        self._clock = clock
        self._days: Mapping[str, date] = {}
        self._days_until = 0.0
        self._models: dict[str, tuple[Stamp, Learner]] = {}

    async def todays(self) -> Mapping[str, date]:
        """Today by source, on its clock, at most a second ago."""
        if time.monotonic() >= self._days_until:
            self._days = await source_days.todays(self._processed, self._clock())
            self._days_until = time.monotonic() + DAYS_KEPT_SECONDS
        return self._days

    async def known(self, key_results: Sequence[UUID]) -> dict[UUID, list[Known]]:
        """What each model knows of these key results."""
        found: dict[UUID, list[Known]] = {}
        rows = await self._ops.fetch(SQL["known"], key_results)
        gone = await self._gone([row["key_result_id"] for row in rows if not row["open"] and row["known_at"] is None])
        for row in rows:
            found.setdefault(row["key_result_id"], []).append(_known(row, gone))
        return found

    async def _gone(self, key_results: Sequence[UUID]) -> dict[UUID, datetime]:
        if not key_results:
            return {}
        rows = await self._processed.fetch(SQL["gone_since"], key_results)
        return {row["entity_id"]: row["knowledge_time"] for row in rows}

    async def learner(self, known: Sequence[Known], supposed: Sequence[Supposed]) -> Learner:
        """The model that knows these, with what is judged by: as supposed, each key result stays in its series.

        Raises PermanentError("checkpoint_refused").
        """
        model = known[0].model
        learner = await self._model(model, known[0].stamp)
        tallies = store.tallies(await self._ops.fetch(SQL["tallies_of"], model, list(keys_of(supposed))))
        records = {name: record for one in known for name, record in one.records.items()}
        return replace(learner, records=records, tallies=tallies)  # the learner is shared by all who ask

    async def _model(self, model: str, stamp: Stamp) -> Learner:
        """The committed model; fetched and unpickled again only when it has learned."""
        if model not in self._models or self._models[model][0] != stamp:
            row = await store.checkpoint_of(self._ops, model)
            assert row is not None  # noqa: S101 - a key result is committed with its checkpoint
            learner = await asyncio.to_thread(restore, model, row, self._cut_points)
            self._models[model] = ((row["version"], row["sha256"], row["outcomes"]), learner)
        return self._models[model][1]


def _known(row: Row, gone: Mapping[UUID, datetime]) -> Known:
    state = KeyResultState.from_json(str(row["key_result_id"]), row["source"], orjson.loads(row["state"]))
    stamp = row["stamp_version"], row["stamp_sha256"], row["stamp_outcomes"]
    told = zip(*(row[name] or () for name in ("series", "outcomes", "reached", "last", "margin")), strict=True)
    records = {series: TrackRecord(*record) for series, *record in told}
    return Known(row["model"], state, None if state.open else _ending(row, state, gone), stamp, records)


def _ending(row: Row, state: KeyResultState, gone: Mapping[UUID, datetime]) -> Ending:
    """By its outcome; else its source says it no more."""
    made, last = row["predicted_at"], None
    if made is not None:
        last = Last(row["probability"], row["risk"], made, row["model_version"])
    if row["known_at"] is not None:
        return Ending(how(row["achieved"]), row["known_at"], row["final_value"], row["target"], last)
    newest = datetime.combine(date.fromordinal(state.day(0)), midnight(), UTC)
    return Ending("gone", gone.get(row["key_result_id"], newest), last=last)
