"""`okr ingest FILE...`: drops files into the watched folder and, if asked, waits for their predictions."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from okr_cli.context import err, out
from okr_cli.drop import drop, folder_for, folders_of
from okr_cli.follow import Follower, Stand, follower
from okr_cli.options import SourceOption
from okr_cli.reach import Reach, reach_of

FilesArgument = Annotated[list[Path], typer.Argument(help="CSV files, as exported.")]
WaitOption = Annotated[bool, typer.Option("--wait", help="Show how far they are until their predictions are there.")]
WithinOption = Annotated[float, typer.Option("--within", help="Seconds to wait at most.")]


def ingest(
    context: typer.Context,
    files: FilesArgument,
    source: SourceOption = None,
    within: WithinOption = 600.0,
    *,
    wait: WaitOption = False,
) -> None:
    """Put CSV files into the watched folder, each as a whole."""
    reach = reach_of(context)
    folder = folder_for(source, folders_of(reach))
    dropped = [str(drop(file, folder)) for file in files]
    for path in dropped:
        out.print(path, highlight=False)
    if wait:
        stand = asyncio.run(_wait(reach, dropped, within))
        _report(stand)


async def _wait(reach: Reach, paths: Sequence[str], within: float) -> Stand:
    async with follower(reach) as following:
        with progress() as bars:
            return await arrive(following, paths, Bars(bars), within)


async def arrive(following: Follower, paths: Sequence[str], bars: "Bars", within: float) -> Stand:
    """Waits until these files are predictions; the bars show how far they are."""
    stand = Stand(len(paths), 0, 0, ())
    async for now in following.until_arrived(paths, within):
        stand = now
        bars.show(stand)
    return stand


def progress() -> Progress:
    """Bars as all commands draw them; on standard error, and gone at the end."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )


class Bars:
    """Three bars: bytes read, rows applied, predictions made."""

    def __init__(self, bars: Progress, name: str = "") -> None:
        self._bars = bars
        self._read, self._applied, self._predicted = (
            bars.add_task(f"{name}{what}", total=None) for what in ("bytes read", "rows applied", "predictions")
        )

    def show(self, stand: Stand) -> None:
        """Where the files are now."""
        self._set(self._read, stand.bytes_read, stand.bytes)
        self._set(self._applied, stand.rows_applied, stand.rows)
        self._set(self._predicted, stand.predicted, stand.to_predict)

    def close(self) -> None:
        """Take the bars away."""
        for task in (self._read, self._applied, self._predicted):
            self._bars.remove_task(task)

    def _set(self, task: TaskID, completed: int, total: int) -> None:
        self._bars.update(task, completed=completed, total=total or None)


def _report(stand: Stand) -> None:
    out.print(f"{stand}", highlight=False)
    for line in stand.trouble:
        err.print(line, style="red", markup=False, highlight=False)
    if stand.trouble:
        raise typer.Exit(1)
