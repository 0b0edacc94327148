"""How far the trainer is, from committed state only: what the steps of a run ask okr_ops and okr_processed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from okr_common.topics import PROCESSED_RECORDS
from okr_common.topology import STAGES
from okr_trainer import store
from okr_trainer.domain.evaluation import evaluate
from okr_trainer.domain.risk import CutPoints
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

    def __init__(self, ops: Pool, processed: Pool, cut_points: CutPoints) -> None:
        self._ops = ops
        self._processed = processed
        self._cut_points = cut_points

    async def untrained(self) -> list[str]:
        """Models that know an outcome and still answer by the pace rule."""
        return [row["model"] for row in await self._ops.fetch(SQL["untrained"])]

    async def grown(self) -> list[str]:
        """Models that have learned since their champion was registered."""
        return [row["model"] for row in await self._ops.fetch(SQL["grown"])]

    async def champions(self) -> list[Row]:
        """model, version, metrics of each trained model."""
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
        """The committed state is what it claims to be; how its live predictions did.

        Raises PermanentError("checkpoint_refused").
        """
        row = await store.checkpoint_of(self._ops, model)
        assert row is not None  # noqa: S101 - a champion has one
        restore(model, row, self._cut_points)
        return {"version": row["version"], "state_digest": row["state_digest"], "learned": row["learned"]}

    async def evaluated(self, model: str) -> dict[str, Any]:
        """How the live predictions did, beside the baselines."""
        return evaluate(await store.scored(self._ops, model, "live"))


def promised(champion: Row) -> Mapping[str, Any]:
    """How the version did when it was registered."""
    found: Mapping[str, Any] = orjson.loads(champion["metrics"])
    return found
