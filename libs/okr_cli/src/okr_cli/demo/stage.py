"""The demo's stage: a stack of its own, the file it cuts, and the wait until what it dropped has arrived."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from rich.live import Live

from okr_cli import stack_view
from okr_cli.context import err, out
from okr_cli.demo.cuts import Part, Published, published
from okr_cli.drop import reveal
from okr_cli.follow import Follower, NotInTimeError, Stand
from okr_cli.ingest import Bars, progress
from okr_cli.reach import Reach
from okr_common import paths
from okr_common.errors import OkrError
from okr_stack.stack import Stack

SAMPLE = Path("samples") / "mta_nyct" / "Performance_NYCT.csv"
WITHIN_SECONDS = 120.0
"""A part that takes longer than this on any machine is stuck."""


@dataclass
class Stage:
    """What every chapter uses. `dropped` says when each file was complete."""

    reach: Reach
    inbox: Path
    file: Published
    following: Follower
    dropped: dict[str, datetime] = field(default_factory=dict)

    async def drop(self, part: Part, total: int = 1, number: int = 1) -> tuple[Stand, float]:
        """Cuts one file, makes it appear in the watched folder, waits for its predictions; says how long it took."""
        hidden = self.inbox / f".{part.name}.part"
        hidden.write_bytes(self.file.cut(part.holds))
        path = str(self.inbox / part.name)
        began = monotonic()
        self.dropped[path] = datetime.now(UTC)
        reveal(hidden, Path(path))
        stand = await self._wait(path, f"{part.name} ({number}/{total}) ")
        return stand, monotonic() - began

    async def _wait(self, path: str, name: str) -> Stand:
        stand = Stand(1, 0, 0, ())
        with progress() as bars:
            shown = Bars(bars, name)
            async for stand in self.following.until_arrived([path], WITHIN_SECONDS):
                shown.show(stand)
        if stand.trouble:
            raise NotInTimeError("; ".join(stand.trouble))
        return stand


def sample() -> Published:
    """The published file."""
    return published((paths.repository() / SAMPLE).read_bytes())


@contextmanager
def stack_for(folder: Path, *, keep: bool) -> Iterator[tuple[Stack, float]]:
    """An empty stack that watches a folder of its own; stopped at the end unless it is kept."""
    _refuse_what_is_no_stack(folder)
    stack = Stack(folder, tied=not keep)
    stack.erase()
    inbox = stack.state.folder / "inbox"
    inbox.mkdir(parents=True)
    began = monotonic()
    try:
        with Live(console=err, refresh_per_second=10, transient=True) as live:
            env = {
                "OKR_INGEST_CSV__FOLDERS": json.dumps([str(inbox)]),
                "OKR_INGEST_CSV__UPLOAD_FOLDER": str(inbox.with_name("uploads")),
            }
            stack.up(env=env, progress=lambda now: live.update(stack_view.progress(now)))
        yield stack, monotonic() - began
    finally:
        if not keep:
            with out.status("stopping what the demo started"):
                stack.down()


def _refuse_what_is_no_stack(folder: Path) -> None:
    """The demo empties its folder: it must be a stack's, or empty, or not there."""
    if folder.exists() and any(folder.iterdir()) and not (folder / "remembered.json").is_file():
        raise OkrError(f"{folder} holds something that is no stack; name another folder, for the demo would empty it")
