"""Raise once, keep while the cause is there, resolve when it is gone."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from okr_monitor.domain.findings import Finding, Found
from okr_monitor.domain.verdict import Report, Verdict

Key = tuple[str, str]
"""Rule and subject."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of the alerts."""

    raised: list[Finding]
    kept: list[Finding]
    resolved: list[Key]


class Alert(Finding):
    """An alert that is open, or was."""

    alert_id: int
    state: str
    raised_at: datetime
    seen_at: datetime
    resolved_at: datetime | None


class AlertsReport(Report):
    """The run's last word: what was raised and resolved, and what is open now."""

    raised: list[Key]
    resolved: list[Key]
    open: list[Key]
    not_judged: list[str]


def decide(open_alerts: Collection[Key], found: Found) -> Decision:
    """One alert for each thing found; what is open stays so unless its rule was looked into and found nothing."""
    current = {finding.key: finding for finding in found.findings}
    judged = {rule.value for rule in found.judged}
    return Decision(
        raised=[finding for key, finding in current.items() if key not in open_alerts],
        kept=[finding for key, finding in current.items() if key in open_alerts],
        resolved=[key for key in sorted(open_alerts) if key[0] in judged and key not in current],
    )


def verdict(still_open: Iterable[Alert]) -> Verdict:
    """The gravest open alert."""
    severities = {alert.severity for alert in still_open}
    if "critical" in severities:
        return Verdict.BAD
    return Verdict.ATTENTION if severities else Verdict.OK
