"""`okr ingest FILE...`: sends files to ingest-csv and, if asked, waits for their predictions."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from okr_cli.context import err, out
from okr_cli.follow import Asked, Follower, Stand, follower
from okr_cli.reach import NotUpError, Reach, reach_of
from okr_cli.send import Sent, send
from okr_common.errors import OkrError

FilesArgument = Annotated[list[Path], typer.Argument(help="CSV files, as exported; - is standard input.")]
OfSourceOption = Annotated[
    str | None, typer.Option("--source", "-s", help="Whose files they are; else the mappings recognise them.")
]
NameOption = Annotated[str | None, typer.Option("--name", help="What the one file is called, as goals.csv.")]
WaitOption = Annotated[bool, typer.Option("--wait", help="Show how far they are until their predictions are there.")]
WithinOption = Annotated[float, typer.Option("--within", help="Seconds to wait at most.")]


def ingest(
    context: typer.Context,
    files: FilesArgument,
    source: OfSourceOption = None,
    name: NameOption = None,
    within: WithinOption = 600.0,
    *,
    wait: WaitOption = False,
) -> None:
    """Send CSV files to ingest-csv, each as a whole. Exit code 1 where one was refused."""
    if name is not None and len(files) > 1:
        raise OkrError(f"--name names one file, and {len(files)} are given; send them one by one")
    reach = reach_of(context)
    sent = list(_sent(reach, files, name, source))
    taken = list(dict.fromkeys(one.file_id for one in sent if not one.refused))
    if wait and taken:
        _report(asyncio.run(_wait(reach, taken, within)))
    if len(sent) < len(files) or any(one.refused for one in sent):
        raise typer.Exit(1)


def _sent(reach: Reach, files: Sequence[Path], name: str | None, source: str | None) -> Iterator[Sent]:
    """Sends one after another and says what came of each; one that is refused does not keep the others."""
    for file in files:
        try:
            sent = send(reach, file, name, source)
        except NotUpError:
            raise
        except OkrError as error:
            _complain(f"{name or file}: {error}")
        else:
            _complain(str(sent)) if sent.refused else out.print(str(sent), highlight=False, markup=False)
            yield sent


def _complain(line: str) -> None:
    """A name may hold bytes that are no text."""
    err.print(
        line.encode("utf-8", "backslashreplace").decode(), style="red", markup=False, highlight=False, soft_wrap=True
    )


async def _wait(reach: Reach, files: Sequence[int], within: float) -> Stand:
    async with follower(reach) as following:
        with progress() as bars:
            return await arrive(following, files, Bars(bars), within)


async def arrive(following: Follower, files: Asked, bars: "Bars", within: float) -> Stand:
    """Waits until these files are predictions; the bars show how far they are."""
    stand = Stand(len(files), 0, 0, ())
    async for now in following.until_arrived(files, within):
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
    for line in stand.waiting:
        out.print(line, highlight=False, markup=False, soft_wrap=True)
    for line in stand.trouble:
        _complain(line)
    if stand.trouble:
        raise typer.Exit(1)
