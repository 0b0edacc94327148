"""What `okr rejected` lists of rows that each export repeats."""

from pathlib import Path

import pytest

from okr_cli.export import csv_rows
from okr_cli.rejected import listed, mendable
from okr_cli.testing import Flow

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]
HEADER = "Row ID,Title,Parent,Entity,Owner Email,Time Period,Start Date,Due Date,Start Value,Target,Current,Status"
GOOD = "{0},Customers {0},,Growth,,Q1 2026,2026-01-01,2026-03-31,1,4,2,On Track"
BAD = GOOD.format(9).replace("2026-03-31", "soon")
CUT = "10,Customers"


async def test_what_each_export_repeats_is_listed_once_with_in_how_many_it_was(flow: Flow) -> None:
    with flow.stack.supervised(["ingest-csv", "etl"]):
        for number in (1, 2, 3):
            rows = [GOOD.format(one) for one in range(1, number + 5)]
            flow.drop(f"goals_{number}.csv", "\n".join([HEADER, *rows, BAD, CUT, ""]).encode())
            await flow.until("processed", "select count(*) from rejected", number)
        once = await listed(flow.reach, "viva_goals", None, 50)
        every = await listed(flow.reach, "viva_goals", None, 50, every=True)
        mend = await mendable(flow.reach, "viva_goals", None)
    cut, bad = once
    assert (cut["reasons"], cut["exports"], cut["where"].rsplit("/", 1)[1]) == (["too_few_cells"], 3, "goals_3.csv:10")
    assert (bad["reasons"], bad["exports"], bad["where"].rsplit("/", 1)[1]) == (
        ["not_a_date:due_on"],
        3,
        "goals_3.csv:9",
    )
    assert len(every) == 6
    assert [row["Due Date"] for row in mend] == ["soon"]


async def test_a_row_that_is_mended_and_sent_back_leaves_the_list_and_comes_again_only_if_it_is_still_wrong(
    flow: Flow, tmp_path: Path
) -> None:
    with flow.stack.supervised(["ingest-csv", "etl"]):
        rows = [GOOD.format(1), BAD, BAD.replace("9", "8")]
        flow.drop("goals.csv", "\n".join([HEADER, *rows, ""]).encode())
        await flow.until("processed", "select count(*) from rejected", 2)
        mend = await mendable(flow.reach, "viva_goals", None)
        first, second = mend[0] | {"Due Date": "2026-03-31"}, mend[1] | {"Due Date": "later"}
        flow.drop("mend.csv", written(tmp_path / "mend.csv", [first, second]))
        await flow.until("processed", "select count(*) from rejected", 3)
        (left,) = await listed(flow.reach, "viva_goals", None, 50)
        assert left["where"].rsplit("/", 1)[1] == "mend.csv:3"
        every = await listed(flow.reach, "viva_goals", None, 50, every=True)
        assert [row["sent_back"] for row in every] == [None, left["batch_id"], left["batch_id"]]
        (again,) = await mendable(flow.reach, "viva_goals", None)
        assert (again["okr row"], again["Due Date"]) == (f"batch {left['batch_id']} row 2", "later")
        flow.drop("again.csv", written(tmp_path / "again.csv", [again | {"Due Date": "2026-03-31"}]))
        await flow.until("processed", "select count(*) from key_result", 3)
        assert await listed(flow.reach, "viva_goals", None, 50) == []


def written(file: Path, rows: list[dict[str, str]]) -> bytes:
    """As `okr rejected export` writes them."""
    csv_rows(list(rows[0]), [list(row.values()) for row in rows], file)
    return file.read_bytes()
