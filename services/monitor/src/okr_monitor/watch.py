"""The watch: looks every few seconds, so that a dead service is an alert at once and not only at the next report."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from okr_common import metrics
from okr_common.clock import Clock
from okr_common.logs import logger
from okr_common.postgres.pool import RETRYABLE
from okr_monitor.domain import findings
from okr_monitor.domain.system_health import Life, Limits, Memory, SystemHealth, judge
from okr_monitor.probes import Probes
from okr_monitor.settings import MonitorSettings
from okr_monitor.store.alerts import Alerts
from okr_monitor.store.reports import Reports

STALLED_SECONDS = 120
log = logger(__name__)


class Watch:
    """Remembers from look to look; the run's step looks through the same eyes. `changed` is called after each look."""

    def __init__(
        self,
        probes: Probes,
        reports: Reports,
        alerts: Alerts,
        settings: MonitorSettings,
        *,
        clock: Clock,
        changed: Callable[[], None],
    ) -> None:
        self._probes = probes
        self._reports = reports
        self._alerts = alerts
        self._every = settings.look_seconds
        self._limits = Limits(
            lag=settings.lag_limit,
            patience=timedelta(seconds=settings.lag_patience_seconds),
            unready=timedelta(seconds=settings.unready_seconds),
            outbox=timedelta(seconds=settings.outbox_limit_seconds),
            disk=settings.disk_limit,
        )
        self._grace = timedelta(seconds=settings.grace_seconds)
        self._memory = Memory(began=clock())
        self._changed = changed
        self._one_at_a_time = asyncio.Lock()
        self._looked = time.monotonic()
        self.health: SystemHealth | None = None

    def trouble(self) -> str | None:
        """A liveness check: whether the looks have stopped."""
        idle = time.monotonic() - self._looked
        return f"nobody has looked for {idle:.0f} s" if idle > STALLED_SECONDS else None

    async def look(self) -> SystemHealth:
        """One look, judged."""
        async with self._one_at_a_time:
            readings = await self._probes.look()
            self._memory = self._memory.after(readings, self._limits)
            self.health = judge(readings, self._memory, self._limits, self._grace)
        self._looked = time.monotonic()
        _measure(self.health)
        self._changed()
        return self.health

    async def run(self, stop: asyncio.Event) -> None:
        """Looks until `stop`. What cannot be written because a database is away is written after a later look."""
        while not stop.is_set():
            health = await self.look()
            if not stop.is_set():  # the others may have been told to stop at the same moment
                await self._alert(health)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._every)

    async def _alert(self, health: SystemHealth) -> None:
        try:
            runs = findings.of_runs(await self._reports.newest_ended_runs())
            models = findings.of_checkpoints(await self._reports.refused_checkpoints())
            await self._alerts.apply(findings.together([findings.of_health(health), runs, models]))
        except RETRYABLE as error:
            log.warning("alerts_postponed", error=repr(error))


def _measure(health: SystemHealth) -> None:
    for part in health.of_kind("service"):
        metrics.SERVICE_READY.labels(part.name).set(part.life is Life.READY)
    for group, lag in (health.lags or {}).items():
        metrics.CONSUMER_LAG.labels(group).set(lag)
