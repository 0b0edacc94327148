"""/alerts /drift /reports: what the monitor found, as JSON."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel

from okr_monitor.domain.detect_drift import ModelDrift
from okr_monitor.domain.findings import Rule
from okr_monitor.domain.generate_alerts import Alert
from okr_monitor.store.alerts import Alerts
from okr_monitor.store.reports import Reports, Written

Limit = Annotated[int, Query(ge=1, le=1000)]
Kind = Literal["model_performance", "data_quality", "system_health", "detect_drift", "generate_alerts"]


class ReportView(BaseModel):
    """A report; `content` only where one report or `whole` was asked for."""

    report_id: int
    run_id: UUID
    kind: str
    logical_time: datetime
    verdict: str
    made_at: datetime
    content: Mapping[str, Any] | None


class DriftView(BaseModel):
    """The newest drift report."""

    report_id: int
    made_at: datetime
    verdict: str
    models: Sequence[ModelDrift]


def router(reports: Reports, alerts: Alerts) -> APIRouter:
    """The routes."""
    routes = APIRouter()

    @routes.get("/alerts", tags=["monitor"])
    async def list_alerts(
        state: Literal["open", "resolved", "all"] = "open", rule: Rule | None = None, limit: Limit = 100
    ) -> list[Alert]:
        """Open alerts, or resolved ones, or all; the newest first."""
        return await alerts.listed(None if state == "all" else state, None if rule is None else rule.value, limit)

    @routes.get("/reports", tags=["monitor"])
    async def list_reports(kind: Kind | None = None, limit: Limit = 50, *, whole: bool = False) -> list[ReportView]:
        """The newest reports first."""
        return [_view(report) for report in await reports.listed(kind, limit, whole=whole)]

    @routes.get("/reports/{report_id}", tags=["monitor"])
    async def show_report(report_id: int) -> ReportView:
        """One report with all it found."""
        report = await reports.get(report_id)
        if report is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, f"there is no report {report_id}; GET /reports lists them")
        return _view(report)

    @routes.get("/drift", tags=["monitor"])
    async def newest_drift(model: str | None = None) -> DriftView:
        """The newest drift report: each model's features, the most drifted first."""
        report = await reports.newest("detect_drift")
        if report is None:
            raise HTTPException(
                HTTPStatus.NOT_FOUND, "no run has looked for drift yet; `okr runs start monitor` starts one"
            )
        models = [ModelDrift.model_validate(each) for each in report.content["models"]]
        wanted = [each for each in models if model in (None, each.model)]
        return DriftView(report_id=report.report_id, made_at=report.made_at, verdict=report.verdict, models=wanted)

    return routes


def _view(report: Written) -> ReportView:
    return ReportView.model_validate(report._asdict())
