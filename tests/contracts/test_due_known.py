"""A due date that was set later is unknown to the model before: from rows of a history to a key result's state."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from okr_common.paths import repository
from okr_common.testing.development_data import DEVELOPMENT_DATA, needs_data
from okr_etl.testing import MemorySource, raw_batch
from okr_etl.testing.shipped import shipped
from okr_trainer.domain.inputs import CheckIn, Definition, Input, Place, knowledge_order, read
from okr_trainer.domain.key_result_state import KeyResultState
from okr_trainer.domain.track_record import series_of

SAMPLES = repository() / "samples" / "jira_due_dates"
MOMENTS = ("creation", "due", "discussion")
SOURCE = "jira_due_dates"


def history(files: Iterable[Path]) -> list[Input]:
    """What the trainer hears in a replay when etl has applied these files one after another."""
    source: MemorySource | None = None
    for file in files:
        with file.open(encoding="utf-8", newline="") as stream:
            header, *rows = csv.reader(stream)
        source = source or MemorySource(shipped(SOURCE), header)
        source.take(replace(raw_batch(rows, header, SOURCE, source.head.position + 1), path=str(file)))
    assert source is not None
    return sorted(_inputs(source), key=knowledge_order)


def _inputs(source: MemorySource) -> Iterator[Input]:
    for seq, row in enumerate(source.published.iter_rows(named=True), 1):
        stamp = (SOURCE, Place(1, 1, seq), row["entity_id"], row["revision"], row["knowledge_time"], 1, seq)
        one = read(row["entity"], stamp, orjson.loads(row["payload"]))
        if one is not None:
            yield one


def known_at_check_ins(said: Iterable[Input]) -> dict[str, bool]:
    """By check-in, whether the due date was known when it was made."""
    states: dict[str, KeyResultState] = {}
    found: dict[str, bool] = {}
    for one in said:
        state = states.setdefault(one.key_result_id, KeyResultState(one.key_result_id, SOURCE))
        if isinstance(one, Definition):
            state.define(one, series_of(one))
        elif isinstance(one, CheckIn):
            found[one.version.name] = state.defined and state.due_known
        assert state.due_changes == 0, "a due date that is set does not move"
    return found


def test_a_due_date_that_was_set_later_is_unknown_before() -> None:
    known = known_at_check_ins(history(SAMPLES / f"acme_{moment}.csv" for moment in MOMENTS))
    by_issue = {f"ACME-{n}": tuple(known[f"acme/ACME-{n}/{moment}"] for moment in MOMENTS) for n in (1, 2, 3, 4)}
    assert by_issue == {
        "ACME-1": (True, True, True),
        "ACME-2": (False, True, False),
        "ACME-3": (False, True, True),
        "ACME-4": (False, True, False),
    }


@pytest.mark.data
@needs_data
def test_of_the_real_issues_so_many_did_not_know_their_due_date() -> None:
    """Counted by the csv module: issues whose ProgressTime in the _due file is later than in the file in question."""
    projects = ("apache", "duraspace", "jboss", "jira")
    files = (DEVELOPMENT_DATA / SOURCE / f"{project}_{moment}.csv" for moment in MOMENTS for project in projects)
    known = known_at_check_ins(history(files))
    unknown = Counter(name.rsplit("/", 1)[1] for name, is_known in known.items() if not is_known)
    assert len(known) == 3 * 17_919
    assert unknown == {"creation": 6_499, "discussion": 2_641}  # 36.3 % and 14.7 %
