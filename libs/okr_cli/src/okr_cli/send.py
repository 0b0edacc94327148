"""Sending a file to ingest-csv, and what came of it."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from okr_cli.context import err
from okr_cli.follow import ENDED_BADLY
from okr_cli.reach import Reach
from okr_common.errors import OkrError

CHUNK = 1024 * 1024
SAMPLE_BYTES = 8 * CHUNK
"""So much of a file is looked at before it is sent."""
STDIN = Path("-")


@dataclass(frozen=True, slots=True)
class Sent:
    """What a file became; `new` is False where its source's latest file holds these very bytes."""

    name: str
    new: bool
    file_id: int
    source: str
    state: str
    reason: str | None = None
    detail: str | None = None

    @property
    def refused(self) -> bool:
        """Whether it can bring no rows as it is."""
        return self.state in ENDED_BADLY

    def __str__(self) -> str:
        """In words.

        >>> str(Sent("goals.csv", True, 3, "jira", "waiting"))
        'goals.csv: file 3 of jira, waiting'
        >>> str(Sent("goals.csv", False, 3, "jira", "done"))
        'goals.csv: already there as file 3 of jira, done'
        """
        is_now = "file" if self.new else "already there as file"
        why = f": {self.reason}: {self.detail}" if self.reason else ""
        return f"{self.name}: {is_now} {self.file_id} of {self.source}, {self.state}{why}"


def send(reach: Reach, file: Path, name: str | None, source: str | None) -> Sent:
    """Sends one file under its name or the given one; `-` is standard input. Raises OkrError that says what to do."""
    named = name or _text_of(file.name)
    if file == STDIN and name is None:
        raise OkrError("standard input has no name; give it one with --name goals.csv")
    with ExitStack() as opened:
        stream, size = _opened(file, opened)
        _must_fit(reach, named, size)
        bar = opened.enter_context(_bar())
        body = _read(stream, bar, named, size)
        asked = {"name": named, **({"source": source} if source else {})}
        answer = reach.upload("ingest-csv", "/files", body, size, **asked)
    return Sent(name=named, new=answer.status_code == HTTPStatus.CREATED, **answer.json())


def _text_of(name: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise OkrError(
            "bad_name: its name holds bytes that are no text; rename it, or send it alone with --name goals.csv"
        ) from error
    return name


def beginning(file: Path) -> tuple[bytes, bool]:
    """A file's first bytes up to a line end, and whether they are all of it. Raises OkrError that says what to do."""
    with ExitStack() as opened:
        stream, size = _opened(file, opened)
        content = stream.read(SAMPLE_BYTES)
    if size is None or size <= len(content):
        return content, True
    return content[: content.rfind(b"\n") + 1] or content, False


def _opened(file: Path, opened: ExitStack) -> tuple[BinaryIO, int | None]:
    """The bytes to send, and how many they are where that is known."""
    if file == STDIN:
        return sys.stdin.buffer, None
    if file.is_dir():
        raise OkrError("it is a folder; name the files in it, or have ingest-csv watch it")
    if not file.is_file():
        raise OkrError("it is no file, but a pipe or a device" if file.exists() else "there is no such file")
    try:
        return opened.enter_context(file.open("rb")), file.stat().st_size
    except OSError as error:
        raise OkrError(f"{file} cannot be read: {error.strerror}; give this user read permission") from error


def _must_fit(reach: Reach, name: str, size: int | None) -> None:
    """Asked before: nobody wants to send gigabytes in vain."""
    limit = int(reach.get("ingest-csv", "/status").json()["max_upload_bytes"])
    if size is not None and size > limit:
        raise OkrError(
            f"{name} has {size:,} bytes, and an upload may have {limit:,} (ingest_csv.max_upload_bytes); "
            "split it, or put it into a watched folder"
        )


def _read(stream: BinaryIO, bar: Progress, name: str, size: int | None) -> Iterator[bytes]:
    task = bar.add_task(name, total=size)
    while chunk := stream.read(CHUNK):
        yield chunk
        bar.advance(task, len(chunk))


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )
