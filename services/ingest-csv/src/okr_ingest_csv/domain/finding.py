"""One thing that validation found."""

from dataclasses import dataclass, replace

from okr_common.sources import FindingKind, Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, how bad it is (None: not rated yet), and in which column, if it is one column's."""

    kind: FindingKind
    detail: str
    severity: Severity | None = None
    column: str | None = None

    def rated(self, severity: Severity) -> "Finding":
        """The same, as bad as this."""
        return replace(self, severity=severity)
