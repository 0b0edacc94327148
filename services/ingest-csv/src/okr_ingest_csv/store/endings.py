"""How a file's reading ends: its state and why, what was found, and the event that says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from okr_common.events import Event, FileDone, FileRejected, FindingTold
from okr_ingest_csv.domain.finding import Finding
from okr_ingest_csv.domain.progress import Claimed


@dataclass(frozen=True, slots=True)
class Ending:
    """The state a file comes to with its last batch.

    `duplicates` and `known_rows`: None where nobody counted them. `compared_with`: the source's file before, where the
    rows in which they differ are kept.
    """

    state: str
    reason: str | None = None
    detail: str | None = None
    findings: tuple[Finding, ...] = ()
    duplicates: int | None = None
    known_rows: int | None = None
    compared_with: int | None = None


STILL_LOADING = Ending("loading")


def told(file: Claimed, ending: Ending, row: Mapping[str, Any]) -> Event:
    """What is to be said of it; `row` holds its rows, unreadable records and batches."""
    findings = [
        FindingTold(kind=one.kind, severity=one.severity or "information", column=one.column, detail=one.detail)
        for one in ending.findings
    ]
    if ending.state == "done":
        return FileDone(source=file.source, file_id=file.file_id, **row, findings=findings)
    return FileRejected(
        source=file.source,
        file_id=file.file_id,
        state=ending.state,
        reason=ending.reason or "",
        detail=ending.detail or "",
        findings=findings,
    )
