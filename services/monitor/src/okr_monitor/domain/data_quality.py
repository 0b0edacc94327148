"""The oracle's counts by source: every record is a row or unreadable, and every applied row is counted once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict

from okr_monitor.domain.verdict import Report, Verdict, worst

LOST = frozenset({"failed", "quarantined"})
"""States of a file whose records do not go on by themselves."""
RESULTS = ("new", "changed", "duplicate", "unchanged", "rejected", "pending")


@dataclass(frozen=True, slots=True)
class RawCounts:
    """What okr_raw holds of a source. `rows_to_head`: of released batches up to the position that etl has applied."""

    source: str
    files: Mapping[str, int] = field(default_factory=dict)
    rows: int = 0
    unreadable: Mapping[str, int] = field(default_factory=dict)
    batches: int = 0
    last_position: int = 0
    rows_to_head: int = 0
    ended_lately: int = 0
    lost_lately: int = 0


@dataclass(frozen=True, slots=True)
class ProcessedCounts:
    """What okr_processed made of it; `results` are those of etl, of each batch's newest generation."""

    source: str
    head: int = 0
    rows: int = 0
    results: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)
    documents: int = 0
    documents_due: int = 0


class SourceQuality(BaseModel):
    """One source. `uncounted`: rows of applied batches that etl did not count, which must be 0.

    `waiting` are released batches that etl has not applied yet; `lost_share` is of the files that ended lately.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    source: str
    verdict: Verdict
    files: dict[str, int]
    records: int
    rows: int
    unreadable: dict[str, int]
    batches: int
    waiting: int
    applied: int
    results: dict[str, int]
    rejected_by_reason: dict[str, int]
    documents: int
    documents_due: int
    uncounted: int
    ended_lately: int
    lost_lately: int

    @property
    def lost_share(self) -> float:
        """Of the files that reached an end lately, those that were lost."""
        return self.lost_lately / self.ended_lately if self.ended_lately else 0.0


class DataQuality(Report):
    """Every source that anything is known of."""

    sources: list[SourceQuality]


def assess(raw: Sequence[RawCounts], processed: Sequence[ProcessedCounts]) -> DataQuality:
    """Puts both databases' counts of each source side by side."""
    read = {counts.source: counts for counts in raw}
    made = {counts.source: counts for counts in processed}
    sources = [
        _source(read.get(name, RawCounts(name)), made.get(name, ProcessedCounts(name)))
        for name in sorted({*read, *made})
    ]
    return DataQuality(verdict=worst(source.verdict for source in sources), sources=sources)


def _source(raw: RawCounts, made: ProcessedCounts) -> SourceQuality:
    results = {name: made.results.get(name, 0) for name in RESULTS}
    counted = sum(results.values())
    uncounted = raw.rows_to_head - counted
    troubled = raw.unreadable or results["rejected"] or raw.lost_lately
    fine = Verdict.ATTENTION if troubled else Verdict.OK
    return SourceQuality(
        source=raw.source,
        verdict=Verdict.BAD if uncounted else fine,
        files=dict(raw.files),
        records=raw.rows + sum(raw.unreadable.values()),
        rows=raw.rows,
        unreadable=dict(raw.unreadable),
        batches=raw.batches,
        waiting=max(0, raw.last_position - made.head),
        applied=made.rows,
        results=results,
        rejected_by_reason=dict(made.reasons),
        documents=made.documents,
        documents_due=made.documents_due,
        uncounted=uncounted,
        ended_lately=raw.ended_lately,
        lost_lately=raw.lost_lately,
    )
