"""Past months in our template's columns teach where their rows say when they were written down, and only there."""

import asyncio
from datetime import date, timedelta

import pytest
from typer.testing import CliRunner

from okr_cli.main import app
from okr_cli.testing import Flow

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]
SERVICES = ("ingest-csv", "etl", "trainer")
HEADER = (
    "objective_id,objective,key_result_id,key_result,kind,direction,target,start_on,due_on,as_of,value,status,final"
)
GOALS, CHECK_INS = 24, 6
TRAINED = "select result ->> 'reason' from work_item where kind = 'train_initial' and state = 'done' limit 1"
TOO_EARLY = (
    "okr_template: 24 outcomes became known before the check-ins of their key results, so nothing can be learned from"
    " them: say when each row was written down (`recorded_at`), or `clock: data`; see docs/adding-a-source.md"
)
VERSION = "select max(version) from model_version"


def export(goals: range, *, timed: bool, final: bool = True) -> bytes:
    """Goals of past quarters; half of them get where they want, and each row was written down a day later."""
    lines = [f"{HEADER},unit,baseline,owner{',recorded_at' if timed else ''}"]
    for number in goals:
        start = date(2024, 1, 1) + timedelta(days=90 * (number % 6))
        for step in range(CHECK_INS):
            day, value = start + timedelta(days=15 * step), (step + 1) * (20 if number % 2 else 12)
            goal = (
                f"o{number % 3},Grow,k{number},Customers {number},number,increase,100,{start},{start + timedelta(80)}"
            )
            end = "yes" if final and step == CHECK_INS - 1 else ""
            written = f",{day + timedelta(days=1)}" if timed else ""
            lines.append(f"{goal},{day},{value},,{end},customers,0,growth{written}")
    return "\n".join([*lines, ""]).encode()


async def told(flow: Flow) -> list[str]:
    """The sentences of `okr models list` about when outcomes became known."""
    command = ["--state", str(flow.stack.stack.state.folder), "models", "list"]
    done = await asyncio.to_thread(CliRunner().invoke, app, command)
    assert done.exit_code == 0, done.output
    return [line for line in done.output.splitlines() if "became known" in line]


async def test_a_history_that_says_when_its_rows_were_written_down_makes_a_model_that_learned(flow: Flow) -> None:
    with flow.stack.supervised(SERVICES):
        flow.drop("goals.csv", export(range(GOALS), timed=True))
        await flow.predicted(GOALS * CHECK_INS)
        await flow.until("ops", VERSION, 1)
        rows = await flow.ask("ops", "select learned from model_version where version = 1")
        assert rows == GOALS * (CHECK_INS + 1), "the definition and all check-ins: the last one goes before the outcome"
        assert await told(flow) == []
    assert await flow.wrong() == []


async def test_one_that_does_not_teaches_nothing_which_is_told_until_it_is_sent_with_the_times(flow: Flow) -> None:
    with flow.stack.supervised(SERVICES):
        flow.drop("open.csv", export(range(GOALS, GOALS + 1), timed=False, final=False))
        await flow.predicted(CHECK_INS)
        assert await told(flow) == [], "nothing has ended yet"
        flow.drop("goals.csv", export(range(GOALS), timed=False))
        await flow.predicted((GOALS + 1) * CHECK_INS)
        await flow.until("ops", TRAINED, "nothing_learned")
        assert await flow.ask("ops", VERSION) == 0
        assert await told(flow) == [TOO_EARLY]
        flow.drop("more.csv", export(range(1), timed=True))
        await flow.predicted((GOALS + 2) * CHECK_INS)
        assert await told(flow) == [], "of one there is something to learn now"
    assert await flow.wrong() == []
