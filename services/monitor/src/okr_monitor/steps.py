"""The five steps of the monitor's run: each writes a report; the last makes alerts of what all of them found."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from okr_common import metrics
from okr_common.clock import Clock
from okr_monitor.domain import data_quality, detect_drift, findings, generate_alerts, model_performance
from okr_monitor.domain.detect_drift import DriftReport, ModelDrift
from okr_monitor.domain.findings import Found, Rule
from okr_monitor.domain.generate_alerts import AlertsReport
from okr_monitor.domain.model_performance import ModelPerformance
from okr_monitor.domain.reference import Reference
from okr_monitor.domain.scores import Scores
from okr_monitor.domain.verdict import Report
from okr_monitor.settings import MonitorSettings
from okr_monitor.store.alerts import Alerts
from okr_monitor.store.models import Models, Serving
from okr_monitor.store.quality import Quality
from okr_monitor.store.reports import Occasion, Reports
from okr_monitor.watch import Watch

Step = Callable[[Occasion], Awaitable[Mapping[str, Any]]]
MEASURES = tuple(name for name in Scores.model_fields if name not in {"n", "achieved"})
MANY = 1000


class MonitorSteps:
    """What a run of the monitor does. `written` is called after each report."""

    def __init__(
        self,
        *,
        models: Models,
        quality: Quality,
        reports: Reports,
        alerts: Alerts,
        watch: Watch,
        settings: MonitorSettings,
        clock: Clock,
        written: Callable[[], None],
    ) -> None:
        self._models = models
        self._quality = quality
        self._reports = reports
        self._alerts = alerts
        self._watch = watch
        self._settings = settings
        self._clock = clock
        self._written = written
        self._references: dict[Serving, Reference] = {}

    @property
    def by_name(self) -> Mapping[str, Step]:
        """As topology.py names them."""
        return {
            "model_performance": self.model_performance,
            "data_quality": self.data_quality,
            "system_health": self.system_health,
            "detect_drift": self.detect_drift,
            "generate_alerts": self.generate_alerts,
        }

    async def model_performance(self, occasion: Occasion) -> Mapping[str, Any]:
        """Live predictions whose outcome is known, beside the baselines."""
        limit = self._settings.scored_rows
        rows = await self._models.scored_rows(limit)
        found = await asyncio.to_thread(model_performance.assess, rows, only_newest=len(rows) == limit)
        _measure_performance(found)
        return await self._report(occasion, "model_performance", found, scored=len(rows))

    async def data_quality(self, occasion: Occasion) -> Mapping[str, Any]:
        """The oracle's counts by source."""
        processed = await self._quality.processed()
        heads = {counts.source: counts.head for counts in processed}
        raw = await self._quality.raw(heads, timedelta(hours=self._settings.lost_files_hours))
        found = data_quality.assess(raw, processed)
        return await self._report(occasion, "data_quality", found, sources=len(found.sources))

    async def system_health(self, occasion: Occasion) -> Mapping[str, Any]:
        """One more look at all parts."""
        found = await self._watch.look()
        troubled = [part.name for part in found.parts if part.life != "ready"]
        return await self._report(occasion, "system_health", found, not_ready=troubled)

    async def detect_drift(self, occasion: Occasion) -> Mapping[str, Any]:
        """Live features beside those of training, for each serving model."""
        models = [await self._drift(serving) for serving in await self._models.serving()]
        found = detect_drift.report(models)
        _measure_drift(found)
        drifted = {model.model: [one.feature for one in model.drifted] for model in models}
        return await self._report(occasion, "detect_drift", found, drifted=drifted)

    async def generate_alerts(self, occasion: Occasion) -> Mapping[str, Any]:
        """Alerts of what this run's reports and the run ledger say; a report that is missing says nothing."""
        found = await self._found(occasion)
        decision = await self._alerts.apply(found)
        still_open = await self._alerts.listed("open", None, MANY)
        report = AlertsReport(
            verdict=generate_alerts.verdict(still_open),
            raised=[finding.key for finding in decision.raised],
            resolved=decision.resolved,
            open=[alert.key for alert in still_open],
            not_judged=sorted(rule.value for rule in set(Rule) - found.judged),
        )
        counts = {"raised": len(report.raised), "resolved": len(report.resolved), "open": len(report.open)}
        return await self._report(occasion, "generate_alerts", report, **counts)

    async def _report(self, occasion: Occasion, kind: str, report: Report, **said: object) -> Mapping[str, Any]:
        report_id = await self._reports.write(occasion, kind, report)
        self._written()
        return {"report_id": report_id, "verdict": report.verdict.value, **said}

    async def _drift(self, serving: Serving) -> ModelDrift:
        since = self._clock() - timedelta(hours=self._settings.drift_hours)
        live = await self._models.live_rows(serving, since, self._settings.drift_rows)
        reference = await self._reference(serving)
        return await asyncio.to_thread(
            detect_drift.compare,
            serving.model,
            serving.version,
            reference,
            live,
            limit=self._settings.drift_limit,
            ignored=self._settings.drift_ignored,
        )

    async def _reference(self, serving: Serving) -> Reference:
        """Training does not change: it is read once for each version."""
        if serving not in self._references:
            rows = await self._models.training_rows(serving, self._settings.training_rows)
            self._references = {known: kept for known, kept in self._references.items() if known.model != serving.model}
            self._references[serving] = await asyncio.to_thread(Reference.of, rows)
        return self._references[serving]

    async def _found(self, occasion: Occasion) -> Found:
        reports = await self._reports.of_run(occasion.run_id)
        runs = findings.of_runs(await self._reports.newest_ended_runs())
        models = findings.of_checkpoints(await self._reports.refused_checkpoints())
        return findings.together([findings.of_reports(reports, self._settings.lost_files_limit), runs, models])


def _measure_performance(found: ModelPerformance) -> None:
    for model in found.models:
        for predictor, scores in model.predictors.items():
            for measure, value in _measured(scores).items():
                metrics.LIVE_SCORE.labels(model.model, predictor, measure).set(value)


def _measured(scores: Scores) -> dict[str, float]:
    values = {measure: getattr(scores, measure) for measure in MEASURES}
    return {measure: value for measure, value in values.items() if value is not None}


def _measure_drift(found: DriftReport) -> None:
    for model in found.models:
        for one in model.features:
            metrics.DRIFT_PSI.labels(model.model, one.feature).set(one.psi)
