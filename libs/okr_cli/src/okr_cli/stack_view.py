"""How the stack looks in a terminal."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from okr_stack.report import PartReport
from okr_stack.status import Life, Phase, StackStatus

COLOURS = {
    Life.READY: "green",
    Life.GAVE_UP: "bold white on red",
    Life.RESTARTING: "yellow",
    Life.STOPPED: "dim",
    Life.WAITING: "dim",
}
MEBIBYTE = 1024**2


def progress(now: StackStatus) -> RenderableType:
    """One line per part while the stack starts."""
    lines = [Text.assemble(f"  {part.name:<12}", life(part.life), f"  {part.note}") for part in now.parts.values()]
    return Group(Spinner("dots", text=now.step or "the supervisor starts"), *lines)


def table(folder: Path, now: StackStatus, parts: Sequence[PartReport]) -> Table:
    """All parts with what a person wants to know of them."""
    shown = Table(
        title=f"{folder}: {now.phase}" + (f", supervisor {now.supervisor}" if now.supervisor else ""),
        title_justify="left",
    )
    for heading in ("part", "state", "health"):
        shown.add_column(heading)
    for heading in ("pid", "port", "RSS MiB", "lag", "restarts"):
        shown.add_column(heading, justify="right")
    for part in parts:
        shown.add_row(*_row(part))
    return shown


def _row(part: PartReport) -> tuple[str | Text, ...]:
    return (
        part.name,
        life(part.life),
        Text(part.health, style="green" if part.is_well else "red"),
        str(part.pid or "-"),
        str(part.port),
        f"{part.rss_bytes / MEBIBYTE:.0f}" if part.rss_bytes else "-",
        "-" if part.lag is None else f"{part.lag:,}",
        str(part.deaths or "-"),
    )


def complaints(now: StackStatus, logs: Path) -> Iterator[Text]:
    """What a person should know before anything else: a dead supervisor, a part that was given up."""
    if now.error and now.phase is Phase.FAILED:
        yield Text(now.error, style="red")
    for part in now.gave_up:
        what_to_do = f" {part.name}: {part.note} See {logs}; `okr up` tries it again."
        yield Text.assemble((" GIVEN UP ", COLOURS[Life.GAVE_UP]), what_to_do)


def life(value: Life) -> Text:
    """A part's state in its colour."""
    return Text(value, style=COLOURS.get(value, "cyan"))
