"""`okr demo`: raises a stack, tells the story, checks every figure, stops what it started."""

import asyncio
from pathlib import Path
from time import monotonic
from typing import Annotated, Any

import typer

from okr_cli.context import err, out
from okr_cli.demo.chapters import closing, first_half, history, second_half
from okr_cli.demo.stage import Stage, sample, stack_for
from okr_cli.follow import follower
from okr_cli.reach import Reach
from okr_cli.show import to_json
from okr_stack.stack import Stack

CHAPTERS = (("history", history), ("first_half", first_half), ("second_half", second_half), ("closing", closing))
KeepOption = Annotated[bool, typer.Option("--keep", help="Leave everything running, and print the addresses.")]
FileOption = Annotated[Path | None, typer.Option("--json", help="Write the same content as JSON into this file.")]
FolderOption = Annotated[Path, typer.Option("--state", help="The demo's own state folder; emptied at its start.")]


def demo(json_file: FileOption = None, folder: FolderOption = Path(".okr/demo"), *, keep: KeepOption = False) -> None:
    """Tell a true story on real data: from a published file to live predictions, with every figure checked."""
    began = monotonic()
    with stack_for(folder, keep=keep) as (stack, up_seconds):
        out.print(f"Kafka, PostgreSQL and the services are up after {up_seconds:.1f} s.", highlight=False)
        told = asyncio.run(tell(stack))
        told["seconds"] = {"up": up_seconds, "story": monotonic() - began - up_seconds}
    out.print(f"The demo took {monotonic() - began:.0f} s.", highlight=False)
    if json_file is not None:
        json_file.write_text(to_json(told))
    if keep:
        _say_where(folder, stack)
    _judge(told)


async def tell(stack: Stack) -> dict[str, Any]:
    """All chapters; what each told, and the figures of all."""
    reach, file = Reach.of(stack), sample()
    told: dict[str, Any] = {}
    async with follower(reach) as following:
        stage = Stage(reach, stack.state.folder / "inbox", file, following)
        for name, chapter in CHAPTERS:
            told[name] = await chapter(stage)
    told["figures"] = [figure for name, _ in CHAPTERS for figure in told[name].pop("figures")]
    return told


def _say_where(folder: Path, stack: Stack) -> None:
    out.print(f"\nIt goes on running; `okr --state {folder} down` stops it. Try at-risk, status, verify the same way.")
    for key, value in stack.env().items():
        if "DSN" not in key:
            out.print(f"  {key}={value}", highlight=False)


def _judge(told: dict[str, Any]) -> None:
    """Exit code 1, and which, where a figure is not the one that is known."""
    wrong = [figure for figure in told["figures"] if not figure.agrees]
    for figure in wrong:
        err.print(f"{figure.name}: {figure.expected:,} expected, {figure.found:,} found", style="bold red")
    if wrong:
        raise typer.Exit(1)
