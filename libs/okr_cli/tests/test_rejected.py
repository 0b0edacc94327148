"""What `okr rejected` lists of rows that each export repeats."""

import pytest

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
