"""When files have arrived, and when they never will."""

from dataclasses import replace
from pathlib import Path

import pytest

from okr_cli.drop import drop, folder_for
from okr_cli.follow import Stand, trouble
from okr_common.errors import OkrError

THERE = Stand(
    files=2,
    seen=2,
    done=2,
    trouble=(),
    rows=10,
    rows_applied=10,
    batches=2,
    batches_applied=2,
    to_predict=9,
    predicted=9,
)


def test_files_arrive_when_every_step_is_done() -> None:
    assert THERE.arrived


@pytest.mark.parametrize(
    "missing",
    [{"seen": 1}, {"done": 1}, {"unreleased": 1}, {"batches_applied": 1}, {"predicted": 8}, {"unsent": 1}],
)
def test_any_step_that_is_open_is_waited_for(missing: dict[str, int]) -> None:
    assert not replace(THERE, **missing).arrived  # type: ignore[arg-type]


def test_a_file_that_was_refused_is_not_waited_for() -> None:
    assert replace(THERE, done=1, trouble=("a.csv: quarantined",)).arrived


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"path": "a", "file_id": 1, "state": "done", "seen_as": "same_bytes"}, None),
        ({"path": "a", "file_id": 1, "state": "loading", "seen_as": None}, None),
        (
            {"path": "a", "file_id": 1, "state": "quarantined", "reason": "empty", "detail": "drop it again"},
            "a: quarantined, empty: drop it again",
        ),
    ],
)
def test_trouble_is_told_with_its_reason(row: dict[str, object], why: str | None) -> None:
    assert trouble(row) == why


def test_a_dropped_file_appears_as_a_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "raw"
    folder.mkdir()
    file = tmp_path / "goals.csv"
    file.write_bytes(b"a,b\n1,2\n")
    assert drop(file, folder).read_bytes() == file.read_bytes()
    assert [entry.name for entry in folder.iterdir()] == ["goals.csv"]


def test_a_file_that_cannot_be_dropped_is_told(tmp_path: Path) -> None:
    with pytest.raises(OkrError, match="is no file"):
        drop(tmp_path / "missing.csv", tmp_path)
    (tmp_path / "goals.csv").write_text("x")
    with pytest.raises(OkrError, match="could not be put"):
        drop(tmp_path / "goals.csv", tmp_path / "nowhere")


def test_a_source_without_a_folder_of_its_name_is_told_what_to_do() -> None:
    with pytest.raises(OkrError, match="leave --source away"):
        folder_for("mta", [Path("data/raw")])
