"""What in the reports and in the run ledger deserves an alert."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from okr_common.counted import counted
from okr_monitor.domain.data_quality import DataQuality, SourceQuality
from okr_monitor.domain.detect_drift import DriftReport, ModelDrift
from okr_monitor.domain.system_health import Life, Part, SystemHealth

Severity = Literal["warning", "critical"]


class Rule(StrEnum):
    """What can raise an alert."""

    SERVICE_DEAD = "service_dead"
    SERVICE_NOT_READY = "service_not_ready"
    BROKER_DEAD = "broker_dead"
    DATABASE_DEAD = "database_dead"
    LAG = "lag"
    OUTBOX_STUCK = "outbox_stuck"
    DISK_FULL = "disk_full"
    RUN_FAILED = "run_failed"
    RUN_DEGRADED = "run_degraded"
    RUN_SKIPPED = "run_skipped"
    ROWS_UNCOUNTED = "rows_uncounted"
    FILES_LOST = "files_lost"
    DRIFT = "drift"
    CHECKPOINT_REFUSED = "checkpoint_refused"


class Finding(BaseModel):
    """One thing that is wrong now: a rule, and the subject it holds for."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    rule: Rule
    subject: str
    severity: Severity
    text: str
    detail: dict[str, Any] = {}

    @property
    def key(self) -> tuple[str, str]:
        """At most one alert is open for it."""
        return self.rule.value, self.subject


class Found(NamedTuple):
    """What was found, and which rules were looked into: the silence of a rule that was not means nothing."""

    findings: list[Finding]
    judged: frozenset[Rule]


class EndedRun(BaseModel):
    """The newest run of a pipeline that came to an end. `reason` is `code: a sentence`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    run_id: str
    pipeline: str
    state: str
    reason: str | None


class RefusedCheckpoint(BaseModel):
    """A model whose state could not be proven within the last day, or that does not serve by its registry since."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    model: str
    refused: int
    serves: int
    reason: str


def together(found: Iterable[Found]) -> Found:
    """Several sources of findings as one."""
    parts = list(found)
    findings = [finding for part in parts for finding in part.findings]
    return Found(findings, frozenset().union(*(part.judged for part in parts)))


def of_reports(contents: Mapping[str, str], lost_limit: float) -> Found:
    """What a run's reports hold, each as JSON text by kind; one that is missing says nothing."""
    found = []
    if "system_health" in contents:
        found.append(of_health(SystemHealth.model_validate_json(contents["system_health"])))
    if "data_quality" in contents:
        found.append(of_quality(DataQuality.model_validate_json(contents["data_quality"]), lost_limit))
    if "detect_drift" in contents:
        found.append(of_drift(DriftReport.model_validate_json(contents["detect_drift"])))
    return together(found)


_PARTS: dict[tuple[str, Life], tuple[Rule, Severity]] = {
    ("service", Life.DEAD): (Rule.SERVICE_DEAD, "critical"),
    ("service", Life.NOT_READY): (Rule.SERVICE_NOT_READY, "warning"),
    ("broker", Life.DEAD): (Rule.BROKER_DEAD, "critical"),
    ("database", Life.DEAD): (Rule.DATABASE_DEAD, "critical"),
}


def of_health(health: SystemHealth) -> Found:
    """Dead parts, groups that fall behind, outboxes that are not emptied, full disks."""
    judged = {rule for rule, _ in _PARTS.values()} | {Rule.DISK_FULL}
    findings = [_of_part(part) for part in health.parts if (part.kind, part.life) in _PARTS]
    findings += [_full(folder) for folder in health.full]
    if health.lags is not None:
        judged.add(Rule.LAG)
        findings += [_lag(group, health.lags.get(group, 0)) for group in health.behind]
    if health.outboxes is not None:
        judged.add(Rule.OUTBOX_STUCK)
        findings += [_stuck(outbox) for outbox in health.stuck]
    return Found(findings, frozenset(judged))


def _of_part(part: Part) -> Finding:
    rule, severity = _PARTS[part.kind, part.life]
    said = {Life.DEAD: "does not answer", Life.NOT_READY: "is not ready"}[part.life]
    text = f"{part.name} {said}{': ' + part.detail if part.detail else ''}; `okr status` shows its process and log"
    return Finding(rule=rule, subject=part.name, severity=severity, text=text, detail={"detail": part.detail})


def _lag(group: str, lag: int) -> Finding:
    text = f"{group} has {counted(lag, 'record')} to read and does not catch up; is its service alive and fast enough?"
    return Finding(rule=Rule.LAG, subject=group, severity="warning", text=text, detail={"lag": lag})


def _stuck(outbox: str) -> Finding:
    text = f"the outbox of {outbox} is not being emptied; is its service alive, and the broker?"
    return Finding(rule=Rule.OUTBOX_STUCK, subject=outbox, severity="warning", text=text)


def _full(folder: str) -> Finding:
    text = f"the file system of {folder} is nearly full: free some space before PostgreSQL and Kafka stop"
    return Finding(rule=Rule.DISK_FULL, subject=folder, severity="warning", text=text)


_RUNS: dict[str, tuple[Rule, Severity]] = {
    "failed": (Rule.RUN_FAILED, "critical"),
    "degraded": (Rule.RUN_DEGRADED, "warning"),
    "skipped": (Rule.RUN_SKIPPED, "warning"),
}


def of_runs(newest: Sequence[EndedRun]) -> Found:
    """Pipelines whose newest ended run did not do all it should; the next good one makes up for it."""
    bad = [run for run in newest if run.state in _RUNS]
    return Found([_of_run(run) for run in bad], frozenset(rule for rule, _ in _RUNS.values()))


def _of_run(run: EndedRun) -> Finding:
    rule, severity = _RUNS[run.state]
    why = f" ({run.reason})" if run.reason else ""
    text = f"the newest run of {run.pipeline} ended {run.state}{why}; `okr runs show {run.run_id}` shows its steps"
    return Finding(rule=rule, subject=run.pipeline, severity=severity, text=text, detail={"run_id": run.run_id})


def of_quality(quality: DataQuality, lost_limit: float) -> Found:
    """Sources that lose files, and rows that nobody counted."""
    lost = [_lost(source) for source in quality.sources if source.lost_share > lost_limit]
    uncounted = [_uncounted(source) for source in quality.sources if source.uncounted]
    return Found(lost + uncounted, frozenset({Rule.FILES_LOST, Rule.ROWS_UNCOUNTED}))


def _lost(source: SourceQuality) -> Finding:
    text = (
        f"{source.lost_lately} of {counted(source.ended_lately, 'file')} of {source.source} that ended lately failed or"
        f" went into quarantine; `okr files` says why"
    )
    detail = {"lost": source.lost_lately, "ended": source.ended_lately}
    return Finding(rule=Rule.FILES_LOST, subject=source.source, severity="warning", text=text, detail=detail)


def _uncounted(source: SourceQuality) -> Finding:
    text = f"{counted(source.uncounted, 'row')} of {source.source}: applied and never counted; `okr verify` names them"
    detail = {"uncounted": source.uncounted}
    return Finding(rule=Rule.ROWS_UNCOUNTED, subject=source.source, severity="critical", text=text, detail=detail)


def of_drift(report: DriftReport) -> Found:
    """Models whose inputs no longer look as in training."""
    return Found([_drifted(model) for model in report.models if model.drifted], frozenset({Rule.DRIFT}))


def _drifted(model: ModelDrift) -> Finding:
    names = ", ".join(f"{one.feature} {one.psi:.2f}" for one in model.drifted)
    text = (
        f"{len(model.drifted)} of {len(model.features)} features of model {model.model} no longer look as in its"
        f" training (stability index: {names}); /drift has them all"
    )
    detail = {"features": {one.feature: one.psi for one in model.drifted}}
    return Finding(rule=Rule.DRIFT, subject=model.model, severity="warning", text=text, detail=detail)


def of_checkpoints(refused: Sequence[RefusedCheckpoint]) -> Found:
    """Models that were taken up again from an older state."""
    return Found([_refused(one) for one in refused], frozenset({Rule.CHECKPOINT_REFUSED}))


def _refused(one: RefusedCheckpoint) -> Finding:
    who = f"version {one.serves} serves, with what was learned since" if one.serves else "the pace rule answers"
    text = (
        f"the checkpoint of model {one.model} (version {one.refused}) was refused: {one.reason}. Now {who}; "
        f"`okr models list --model {one.model}` shows its versions, `okr models rebuild {one.model}` makes one anew"
    )
    severity: Severity = "warning" if one.serves else "critical"
    detail = {"refused": one.refused, "serves": one.serves}
    return Finding(rule=Rule.CHECKPOINT_REFUSED, subject=one.model, severity=severity, text=text, detail=detail)
