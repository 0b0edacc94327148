"""The logs of the parts: bounded files under <state>/logs."""

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

LARGEST_BYTES = 10 * 1024 * 1024
TAIL_BYTES = 16_384
TROUBLE = re.compile(r'"level": "(error|critical)"|\b(FATAL|ERROR|PANIC)\b|^\w+(\.\w+)*(Error|Exception): ')


def bound(folder: Path, largest_bytes: int = LARGEST_BYTES) -> None:
    """Move what has grown too large to `<name>.1`, and begin anew in the same file, which its writer has open."""
    for log in folder.glob("*.log"):
        if log.stat().st_size > largest_bytes:
            shutil.copyfile(log, log.with_name(f"{log.name}.1"))
            with log.open("r+b") as stream:
                stream.truncate(0)


def tail(log: Path, lines: int = 20) -> list[str]:
    """The last lines of a log; none where there is no log."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(log.stat().st_size - TAIL_BYTES, 0))
            return stream.read().decode(errors="replace").splitlines()[-lines:]
    except OSError:
        return []


def last_words(log: Path) -> str:
    """The last line that tells of trouble, else the last that says something: the goodbye after it helps nobody."""
    lines = [line for line in reversed(tail(log, 100)) if line.strip()]
    return next((line for line in lines if TROUBLE.search(line)), lines[0] if lines else "(nothing)")


class Follower:
    """Reads on in all logs of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._places = {log: log.stat().st_size for log in folder.glob("*.log")}

    def news(self) -> Iterable[tuple[str, str]]:
        """What came since the last call, as (part, line)."""
        for log in sorted(self._folder.glob("*.log")):
            whole = self._read_on(log)
            yield from ((log.stem, line) for line in whole.decode(errors="replace").splitlines())

    def _read_on(self, log: Path) -> bytes:
        """The whole lines since the last call; from the beginning where the log was begun anew."""
        place = self._places.get(log, 0)
        place = place if log.stat().st_size >= place else 0
        with log.open("rb") as stream:
            stream.seek(place)
            whole, newline, _ = stream.read().rpartition(b"\n")
        self._places[log] = place + len(whole) + len(newline)
        return whole
