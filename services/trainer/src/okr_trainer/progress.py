"""How far the trainer is, from committed state only: what the steps of a run ask okr_ops and okr_processed."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from okr_common.topics import PROCESSED_RECORDS
from okr_common.topology import STAGES
from okr_trainer import store
from okr_trainer.domain.daily import worst
from okr_trainer.domain.failing import Failing
from okr_trainer.domain.predictors import LearnedModel
from okr_trainer.domain.risk import CutPoints
from okr_trainer.domain.window import measured
from okr_trainer.standing import marks_from_json, restore
from okr_trainer.store import SQL, Pool, Row

GROUP = STAGES["trainer"].group


@dataclass(frozen=True, slots=True)
class Answered:
    """Of one model: versions it has heard, and of those what it has no row for."""

    check_ins: int
    outcomes: int
    unanswered: int
    unheard: int


class Progress:
    """Reads; writes nothing."""

    def __init__(self, ops: Pool, processed: Pool, cut_points: CutPoints | None) -> None:
        self._ops = ops
        self._processed = processed
        self._cut_points = cut_points

    async def untrained(self) -> list[str]:
        """Models that know an outcome and still answer by the pace rule."""
        return [row["model"] for row in await self._ops.fetch(SQL["untrained"])]

    async def failing(self) -> list[Failing]:
        """Models whose trainings have failed since the last one that was done."""
        return [Failing(**row) for row in await self._ops.fetch(SQL["failing"])]

    async def grown(self) -> list[str]:
        """Models that have learned since their champion was registered."""
        return [row["model"] for row in await self._ops.fetch(SQL["grown"])]

    async def challenged(self) -> list[str]:
        """Models in whose shadow a challenger learns."""
        return [row["model"] for row in await self._ops.fetch(SQL["challenged"])]

    async def champions(self) -> list[Row]:
        """Model and version of each trained model that serves."""
        return list(await self._ops.fetch(SQL["champions"]))

    async def behind(self, ends: Mapping[str, int]) -> dict[str, int]:
        """Partitions that are not committed up to these offsets, with how many messages are missing."""
        rows = await self._ops.fetch(SQL["next_offsets"], GROUP, PROCESSED_RECORDS.name)
        reached = {str(row["partition"]): row["next_offset"] for row in rows}
        missing = {partition: end - reached.get(partition, 0) for partition, end in ends.items()}
        return {partition: count for partition, count in missing.items() if count > 0}

    async def answered(self) -> dict[str, Answered]:
        """Of each model, what it heard against what it made of it; a row that is missing was lost."""
        return {row["model"]: await self._answered(row) for row in await self._ops.fetch(SQL["answered"])}

    async def _answered(self, row: Row) -> Answered:
        cut = [(source, *mark.place) for source, mark in marks_from_json(row["marks"]).items()]
        columns = [list(column) for column in zip(*cut, strict=True)] if cut else [[], [], [], []]
        said = await self._processed.fetchrow(SQL["versions_up_to"], *columns)
        assert said is not None  # noqa: S101 - an aggregate has one row
        check_ins, outcomes = said["check_ins"], said["outcomes"]
        return Answered(check_ins, outcomes, check_ins - row["check_ins"], outcomes - row["outcomes"])

    async def validated(self, model: str) -> dict[str, Any]:
        """The committed state is what it claims to be; which drifts it has met.

        Raises PermanentError("checkpoint_refused").
        """
        row = await store.checkpoint_of(self._ops, model)
        assert row is not None  # noqa: S101 - a champion has one
        predictor = restore(model, row, self._cut_points).predictor
        proof = {"version": row["version"], "state_digest": row["state_digest"], "learned": row["learned"]}
        return proof | ({"drift": predictor.drift.told} if isinstance(predictor, LearnedModel) else {})

    async def evaluated(self, model: str, heard_after: datetime | None) -> dict[str, Any]:
        """How the live predictions did whose outcome was heard after that, beside the baselines."""
        window = await store.scored(self._ops, model, "live", heard_after=heard_after)
        return await asyncio.to_thread(measured, window)

    async def last_succeeded(self, run_id: UUID) -> datetime | None:
        """When the last run before this one that succeeded began; None: there was none."""
        found: datetime | None = await self._ops.fetchval(SQL["last_succeeded"], run_id)
        return found

    async def report_before(self, at: datetime) -> dict[str, Any]:
        """What the newest daily report up to this time said, by model; nothing where there is none."""
        content = await self._ops.fetchval(SQL["report_before"], at)
        found: dict[str, Any] = {} if content is None else orjson.loads(content)["models"]
        return found

    async def report(self, run_id: UUID, at: datetime, models: Mapping[str, Any]) -> None:
        """Writes the daily report; a step that is attempted again writes it anew."""
        verdict = worst([one["week"]["verdict"] for one in models.values()])
        content = orjson.dumps({"models": models}).decode()
        await self._ops.execute(SQL["put_daily_report"], run_id, at, verdict, content)
