"""Reports: written once per step of a run, announced in the same transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import asyncpg
import orjson

from okr_common import metrics
from okr_common.delivery import outbox
from okr_common.events import DriftDetected, Event, ReportMade
from okr_common.sql import queries
from okr_common.topology import STAGES
from okr_monitor.domain.detect_drift import DriftReport
from okr_monitor.domain.findings import EndedRun, RefusedCheckpoint
from okr_monitor.domain.verdict import Report

SQL = queries("okr_monitor")
STAGE = STAGES["monitor"]


class Occasion(Protocol):
    """The run on whose behalf a step works."""

    @property
    def run_id(self) -> UUID:
        """The run's id in the ledger."""

    @property
    def logical_time(self) -> datetime:
        """The slot, or the time that was asked for."""


class Written(NamedTuple):
    """A report as it stands in okr_ops."""

    report_id: int
    run_id: UUID
    kind: str
    logical_time: datetime
    verdict: str
    made_at: datetime
    content: Any


class ShownRun(NamedTuple):
    """A run in a list; `steps` of its steps have ended."""

    run_id: UUID
    pipeline: str
    trigger: str
    logical_time: datetime
    state: str
    reason: str | None
    started_at: datetime | None
    ended_at: datetime | None
    steps: int

    @property
    def of_steps(self) -> int:
        """How many steps there are."""
        return len(STAGES[self.pipeline].steps) if self.pipeline in STAGES else self.steps


class Reports:
    """The reports in okr_ops, and the runs they belong to."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def write(self, occasion: Occasion, kind: str, report: Report) -> int:
        """Writes and announces it; a step that is attempted again writes the same report, in silence."""
        content = report.model_dump_json()
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(
                SQL["write_report"], occasion.run_id, kind, occasion.logical_time, report.verdict.value, content
            )
            assert row is not None  # noqa: S101 - an upsert returns its row
            if row["is_new"]:
                said = _announcements(row["report_id"], occasion, kind, report)
                await outbox.put(connection, STAGE.service, [outbox.announce(event, STAGE) for event in said])
        metrics.REPORTS.labels(kind, report.verdict.value).inc()
        return int(row["report_id"])

    async def of_run(self, run_id: UUID) -> Mapping[str, str]:
        """The contents, as JSON text by kind, of what this run has reported so far."""
        return {row["kind"]: row["content"] for row in await self._pool.fetch(SQL["reports_of_run"], run_id)}

    async def listed(self, kind: str | None, limit: int, *, whole: bool) -> list[Written]:
        """The newest first; their contents only where `whole`."""
        return [_written(row) for row in await self._pool.fetch(SQL["list_reports"], kind, limit, whole)]

    async def get(self, report_id: int) -> Written | None:
        """One report."""
        row = await self._pool.fetchrow(SQL["get_report"], report_id)
        return None if row is None else _written(row)

    async def newest(self, kind: str) -> Written | None:
        """The newest report of a kind."""
        row = await self._pool.fetchrow(SQL["newest_report"], kind)
        return None if row is None else _written(row)

    async def newest_ended_runs(self) -> list[EndedRun]:
        """Of each pipeline, the run that ended last."""
        return [EndedRun(**row) for row in await self._pool.fetch(SQL["newest_ended_runs"])]

    async def refused_checkpoints(self) -> list[RefusedCheckpoint]:
        """Models whose state could not be proven."""
        return [RefusedCheckpoint(**row) for row in await self._pool.fetch(SQL["refused_checkpoints"])]

    async def newest_runs(self, limit: int) -> list[ShownRun]:
        """Of all pipelines, those requested last."""
        return [ShownRun(**row) for row in await self._pool.fetch(SQL["newest_runs"], limit)]


def _announcements(report_id: int, occasion: Occasion, kind: str, report: Report) -> Sequence[Event]:
    made = ReportMade(
        about=STAGE.service, report_id=report_id, kind=kind, verdict=report.verdict.value, run_id=occasion.run_id
    )
    models = report.models if isinstance(report, DriftReport) else []
    drifted = {model.model: {one.feature: one.psi for one in model.drifted} for model in models}
    found = [DriftDetected(about=model, report_id=report_id, features=them) for model, them in drifted.items() if them]
    return [made, *found]


def _written(row: asyncpg.Record) -> Written:
    content = None if row["content"] is None else orjson.loads(row["content"])
    return Written(**{**dict(row), "content": content})
