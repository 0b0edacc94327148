"""`okr runs`: what the services did on schedule or on request, step by step; and asking for a run."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import orjson
import typer
from rich.text import Text

from okr_cli.context import out
from okr_cli.options import JsonOption, LimitOption
from okr_cli.reach import Reach, reach_of
from okr_cli.show import WHOLE, Column, print_json, show, table
from okr_common import polling
from okr_common.errors import OkrError
from okr_common.postgres import ledger
from okr_common.run_views import RunView, view
from okr_common.runs import Run, RunState
from okr_common.topology import STAGES

app = typer.Typer(help="Runs: scheduled, asked for, waiting, done.", no_args_is_help=True)
COLOURS = {
    "succeeded": "green",
    "degraded": "yellow",
    "failed": "red",
    "skipped": "yellow",
    "cancelled": "yellow",
    "running": "cyan",
}


def _coloured(state: str) -> Text:
    return Text(state, style=COLOURS.get(state, ""))


def _seconds(row: Mapping[str, Any]) -> str:
    began, ended = row["started_at"], row["ended_at"] or datetime.now(UTC)
    return "" if began is None else f"{(ended - began).total_seconds():.1f}"


SHOWN_CHARACTERS = 160


def shortened(text: str) -> str:
    """The beginning; `--json` has it all.

    >>> shortened("x" * 200)[-3:]
    'xx…'
    """
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"


COLUMNS = (
    Column("run_id", "run", lambda run_id: str(run_id)[:8]),
    Column("pipeline", "pipeline"),
    Column("logical_time", "for (UTC)"),
    Column("trigger", "trigger"),
    Column("state", "state", _coloured),
    Column(WHOLE, "seconds", _seconds, right=True),
    Column("reason", "reason"),
)
STEP_COLUMNS = (
    Column("step", "step"),
    Column("attempt", "attempt", right=True),
    Column("state", "state", _coloured),
    Column(WHOLE, "seconds", _seconds, right=True),
    Column("detail", "detail", lambda detail: shortened(orjson.dumps(detail).decode())),
)
PipelineOption = Annotated[str | None, typer.Option("--pipeline", "-p", help="Only of this pipeline.")]
StateOption = Annotated[RunState | None, typer.Option("--state", help="Only in this state.")]
WaitOption = Annotated[bool, typer.Option("--wait", help="Return when it has ended; 1 unless succeeded or degraded.")]
LogicalOption = Annotated[
    datetime | None,
    typer.Option("--logical-time", help="UTC; the same time again is the same run. Without it: now."),
]


@app.command()
def start(
    context: typer.Context,
    pipeline: Annotated[str, typer.Argument(help=f"One of {', '.join(STAGES)}.")],
    logical_time: LogicalOption = None,
    *,
    wait: WaitOption = False,
    as_json: JsonOption = False,
) -> None:
    """Ask for a run of a pipeline."""
    service, reach = known(pipeline), reach_of(context)
    wanted = {} if logical_time is None else {"logical_time": logical_time.replace(tzinfo=UTC).isoformat()}
    asked = reach.post(service, "/runs", {"trigger": "cli", **wanted}).json()
    found = asyncio.run(ended(reach, UUID(asked["run_id"])) if wait else one(reach, UUID(asked["run_id"])))
    _print(found, as_json=as_json)
    if wait and not found.state.well:
        raise typer.Exit(1)


@app.command("list")
def list_(
    context: typer.Context,
    pipeline: PipelineOption = None,
    state: StateOption = None,
    limit: LimitOption = 50,
    *,
    as_json: JsonOption = False,
) -> None:
    """The newest runs first."""
    only = pipeline and known(pipeline)
    found = asyncio.run(listed(reach_of(context), only, state, limit))
    show("Runs", [_plain(view(run)) for run in found], COLUMNS, as_json=as_json)


@app.command("show")
def show_one(
    context: typer.Context,
    run: Annotated[str, typer.Argument(help="The run's id, or its first characters.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """One run: every attempt of its steps, and what each returned."""
    _print(asyncio.run(named(reach_of(context), run)), as_json=as_json)


def known(pipeline: str) -> str:
    """The name itself. Raises OkrError where there is no such pipeline."""
    if pipeline not in STAGES:
        raise OkrError(f"there is no pipeline {pipeline!r}; there are {', '.join(STAGES)}")
    return pipeline


async def listed(reach: Reach, pipeline: str | None, state: RunState | None, limit: int) -> list[Run]:
    """Runs as the ledger holds them."""
    async with reach.database("ops") as ops:
        return await ledger.listed(ops, pipeline, state, limit)


async def one(reach: Reach, run_id: UUID) -> RunView:
    """One run with its steps. Raises OkrError where there is none."""
    async with reach.database("ops") as ops:
        return await _view(ops, run_id)


async def ended(reach: Reach, run_id: UUID) -> RunView:
    """The same, once it has ended."""
    async with reach.database("ops") as ops:

        async def at_its_end() -> RunView | None:
            found = await _view(ops, run_id)
            return found if found.state.ended else None

        found = await polling.until(at_its_end)
    assert found is not None  # noqa: S101 -- that is what was waited for
    return found


async def named(reach: Reach, begins: str) -> RunView:
    """The one run whose id begins so. Raises OkrError where there is none, or more than one."""
    async with reach.database("ops") as ops:
        found = await ledger.beginning_with(ops, begins)
        if len(found) != 1:
            raise OkrError(f"{len(found) or 'no'} runs begin with {begins!r}; `okr runs list` shows their ids")
        return await _view(ops, found[0])


async def _view(ops: asyncpg.Connection, run_id: UUID) -> RunView:
    run = await ledger.get(ops, run_id)
    if run is None:
        raise OkrError(f"there is no run {run_id}; see `okr runs list`")
    return view(run, await ledger.steps(ops, run_id))


def _plain(run: RunView) -> dict[str, Any]:
    return {**run.model_dump(), "state": run.state.value}


def _print(run: RunView, *, as_json: bool) -> None:
    if as_json:
        print_json(run.model_dump(mode="json"))
        return
    out.print(table(f"Run {run.run_id}", [_plain(run)], COLUMNS[1:]))
    steps = [{**step.model_dump(), "state": step.state.value} for step in run.steps or ()]
    if steps:
        out.print(table("Steps", steps, STEP_COLUMNS))
