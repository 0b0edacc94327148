"""What the page shows, gathered from the watch, the live view and the databases."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime

from okr_common.clock import Clock
from okr_common.logs import logger
from okr_common.postgres.pool import RETRYABLE
from okr_monitor.domain.data_quality import DataQuality
from okr_monitor.domain.detect_drift import DriftReport
from okr_monitor.domain.generate_alerts import Alert
from okr_monitor.domain.generate_alerts import verdict as alerts_verdict
from okr_monitor.domain.live_view import Happened, LiveView
from okr_monitor.domain.model_performance import ModelPerformance
from okr_monitor.domain.system_health import SystemHealth
from okr_monitor.domain.verdict import Verdict, worst
from okr_monitor.store.alerts import Alerts
from okr_monitor.store.models import AtRisk, Models
from okr_monitor.store.reports import Reports, ShownRun
from okr_monitor.watch import Watch

ALERTS, RUNS, AT_RISK, EVENTS = 12, 12, 15, 12
DATABASE_SECONDS = 5.0
log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Facts:
    """What comes from the databases. `at` None: they were never read."""

    at: datetime | None = None
    alerts: list[Alert] = field(default_factory=list)
    runs: list[ShownRun] = field(default_factory=list)
    at_risk: list[AtRisk] = field(default_factory=list)
    risk_counts: dict[str, int] = field(default_factory=dict)
    performance: ModelPerformance | None = None
    quality: DataQuality | None = None
    drift: DriftReport | None = None


@dataclass(frozen=True, slots=True)
class Board:
    """Everything on the page. `stale` says why the databases' part is older than the rest."""

    health: SystemHealth | None
    facts: Facts
    events: list[Happened]
    stale: str | None

    @property
    def verdict(self) -> Verdict:
        """The gravest of what the last look found and of the open alerts."""
        looked = Verdict.UNKNOWN if self.health is None else self.health.verdict
        return worst([looked, alerts_verdict(alert for alert in self.facts.alerts if alert.state == "open")])


class Boards:
    """Makes a board of what holds now; while a database is away, of what held last."""

    def __init__(
        self, watch: Watch, view: LiveView, alerts: Alerts, reports: Reports, models: Models, *, clock: Clock
    ) -> None:
        self._watch = watch
        self._view = view
        self._alerts = alerts
        self._reports = reports
        self._models = models
        self._clock = clock
        self._facts = Facts()

    async def now(self) -> Board:
        """The board of this moment."""
        stale = None
        try:
            async with asyncio.timeout(DATABASE_SECONDS):
                self._facts = await self._read()
        except RETRYABLE as error:
            stale = str(error) or type(error).__name__
            log.warning("page_without_databases", error=repr(error))
        return Board(self._watch.health, self._facts, self._view.recent[:EVENTS], stale)

    async def _read(self) -> Facts:
        facts = Facts(
            at=self._clock(),
            alerts=await self._alerts.listed(None, None, ALERTS),
            runs=await self._reports.newest_runs(RUNS),
            at_risk=await self._models.at_risk(AT_RISK),
            risk_counts=await self._models.risk_counts(),
        )
        performance = await self._reports.newest("model_performance")
        quality = await self._reports.newest("data_quality")
        drift = await self._reports.newest("detect_drift")
        return replace(
            facts,
            performance=performance and ModelPerformance.model_validate(performance.content),
            quality=quality and DataQuality.model_validate(quality.content),
            drift=drift and DriftReport.model_validate(drift.content),
        )
