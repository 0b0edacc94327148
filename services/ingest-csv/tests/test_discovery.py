import stat

import pytest

from okr_ingest_csv.domain.discovery import Found, Look, complete, in_order, unfit

LOOK = Look(10, 100 * 10**9, 1)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (Found("in/a.csv", LOOK, stat.S_IFREG | 0o644), None),
        (Found("in/a.csv", LOOK, stat.S_IFDIR), "not_a_file"),
        (Found("in/a.csv", LOOK, stat.S_IFIFO), "not_a_file"),
        (Found("in/a.csv", LOOK, stat.S_IFCHR), "not_a_file"),
        (Found("in/a.csv", LOOK, stat.S_IFLNK), "broken_link"),
        (Found("in/a.csv", LOOK, stat.S_IFREG, link_leaves=True), "link_outside"),
        (Found("in/a\nb.csv", LOOK, stat.S_IFREG), "bad_name"),
        (Found("in/a\udcff.csv", LOOK, stat.S_IFREG), "bad_name"),
        (Found("in/Ziele für\u202fMärz.csv", LOOK, stat.S_IFREG), None),
        (Found("in/a..b.csv", LOOK, stat.S_IFREG), None),
        (Found("in/x\ny/a.csv", LOOK, stat.S_IFREG), "bad_name"),
        (Found("in/a.csv", Look(1000, 1, 1), stat.S_IFREG), None),
        (Found("in/a.csv", Look(1001, 1, 1), stat.S_IFREG), "file_too_large"),
    ],
)
def test_what_is_left_alone_and_why(found: Found, reason: str | None) -> None:
    verdict = unfit(found, 1000)
    assert (verdict.reason if verdict else None) == reason


def test_a_file_is_complete_when_nobody_wrote_for_a_while() -> None:
    assert not complete(LOOK, None, now=101.0, stable_seconds=2)
    assert complete(LOOK, None, now=102.0, stable_seconds=2)


def test_a_file_from_the_future_is_complete_when_it_was_seen_unchanged_for_a_while() -> None:
    future = Look(10, 900 * 10**9, 1)
    assert not complete(future, None, now=102.0, stable_seconds=2)
    assert not complete(future, (future, 101.0), now=102.0, stable_seconds=2)
    assert complete(future, (future, 100.0), now=102.0, stable_seconds=2)
    assert not complete(future, (Look(9, 900 * 10**9, 1), 100.0), now=102.0, stable_seconds=2)


def test_files_of_one_sweep_are_taken_by_time_then_path() -> None:
    assert in_order({"b": Look(1, 5, 1), "a": Look(1, 5, 2), "z": Look(1, 4, 3)}) == ["z", "a", "b"]
