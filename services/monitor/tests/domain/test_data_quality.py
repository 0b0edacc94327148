import pytest

from okr_monitor.domain.data_quality import ProcessedCounts, RawCounts, assess
from okr_monitor.domain.findings import Rule, of_quality
from okr_monitor.domain.verdict import Verdict

RESULTS = {"new": 6, "changed": 1, "duplicate": 0, "unchanged": 1, "rejected": 2, "pending": 0}


def raw(**changes: object) -> RawCounts:
    told = {"source": "mta", "files": {"done": 2}, "rows": 10, "batches": 2, "last_position": 2, "rows_to_head": 10}
    return RawCounts(**{**told, **changes})  # type: ignore[arg-type]


def processed(**changes: object) -> ProcessedCounts:
    told = {"source": "mta", "head": 2, "rows": 10, "results": RESULTS, "reasons": {"bad_date": 2}}
    return ProcessedCounts(**{**told, **changes})  # type: ignore[arg-type]


def test_counts_stand_side_by_side() -> None:
    source = assess([raw(unreadable={"cut": 3})], [processed()]).sources[0]
    assert (source.records, source.rows, source.unreadable) == (13, 10, {"cut": 3})
    assert source.results == RESULTS
    assert source.rejected_by_reason == {"bad_date": 2}
    assert (source.waiting, source.uncounted) == (0, 0)


@pytest.mark.parametrize(
    ("read", "made", "verdict"),
    [
        (raw(), processed(results={"new": 10}), Verdict.OK),
        (raw(), processed(), Verdict.ATTENTION),
        (raw(unreadable={"cut": 1}), processed(results={"new": 10}), Verdict.ATTENTION),
        (raw(ended_lately=2, lost_lately=1), processed(results={"new": 10}), Verdict.ATTENTION),
        (raw(), processed(results={"new": 9}), Verdict.BAD),
        (raw(), processed(results={"new": 11}), Verdict.BAD),
    ],
    ids=["clean", "rejected", "unreadable", "a file lost", "a row uncounted", "a row counted twice"],
)
def test_verdict(read: RawCounts, made: ProcessedCounts, verdict: Verdict) -> None:
    assert assess([read], [made]).verdict is verdict


def test_a_batch_that_waits_is_no_loss() -> None:
    source = assess([raw(last_position=3, batches=3, rows=15)], [processed()]).sources[0]
    assert (source.waiting, source.uncounted) == (1, 0)


def test_a_source_may_be_known_to_one_side_only() -> None:
    found = assess([raw(rows_to_head=0)], [processed(source="jira", rows=0, results={}, head=0)])
    assert [source.source for source in found.sources] == ["jira", "mta"]
    assert [source.waiting for source in found.sources] == [0, 2]


def test_without_sources_nothing_is_known() -> None:
    assert assess([], []).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("ended", "lost", "found"), [(0, 0, []), (10, 1, []), (10, 2, [Rule.FILES_LOST]), (1, 1, [Rule.FILES_LOST])]
)
def test_lost_files_over_the_limit_are_found(ended: int, lost: int, found: list[Rule]) -> None:
    quality = assess([raw(ended_lately=ended, lost_lately=lost)], [processed()])
    assert [finding.rule for finding in of_quality(quality, 0.1).findings] == found


def test_uncounted_rows_are_found() -> None:
    finding = of_quality(assess([raw()], [processed(results={"new": 9})]), 0.1).findings[0]
    assert (finding.rule, finding.severity, finding.detail) == (Rule.ROWS_UNCOUNTED, "critical", {"uncounted": 1})
