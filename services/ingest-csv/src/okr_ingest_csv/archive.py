"""The archive: files that were read to their end leave the watched folders, where that is asked for.

Never one that failed or is quarantined: somebody has to look at it.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from okr_common.logs import logger
from okr_common.postgres.pool import until_done
from okr_common.sql import queries
from okr_ingest_csv.announced import DONE
from okr_ingest_csv.domain.archiving import Read
from okr_ingest_csv.domain.discovery import Look
from okr_ingest_csv.putting_away import put_away, sweep_parts
from okr_ingest_csv.settings import IngestCsvSettings
from okr_ingest_csv.waiting import pause

log = logger(__name__)
SQL = queries(__package__)


class Database(Protocol):
    """What is asked of okr_raw here."""

    async def fetch(self, query: str, *args: Any) -> list[Any]:  # noqa: ANN401 - asyncpg's own signature
        """All rows."""
        ...

    async def execute(self, query: str, *args: Any) -> Any:  # noqa: ANN401
        """Changes something."""
        ...


class Archive:
    """Looks every rescan_seconds for files that are done and still where they were read."""

    def __init__(self, database: Database, settings: IngestCsvSettings, freed: Callable[[str], None]) -> None:
        self._database = database
        self._freed = freed
        self._after = settings.archive.after
        self._folder = settings.archive.folder.absolute()
        self._pause_seconds = settings.rescan_seconds
        self._by_done_file = [folder.path for folder in settings.watched if folder.complete == "done_file"]
        self._trouble: dict[Path, str] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Until stopped; does nothing where files are kept."""
        if self._after == "keep":
            await stop.wait()
            return
        await asyncio.to_thread(sweep_parts, self._folder)
        while not stop.is_set():
            await until_done("archive", lambda: self.look(stop), stop)
            await pause(stop, self._pause_seconds)

    async def look(self, stop: asyncio.Event) -> None:
        """Puts away what is to be put away, one file after another."""
        after = ""
        while page := await self._database.fetch(SQL["archivable"], after):
            for row in page:
                if stop.is_set():
                    return
                await self._one(_read(row))
            after = page[-1]["path"]

    async def _one(self, read: Read) -> None:
        if self._after == "keep":
            return
        try:
            place = await asyncio.to_thread(put_away, read, self._folder, self._after)
            if place is None:
                return
            await asyncio.to_thread(self._remove_done_file, read.path)
        except OSError as error:
            self._complain(read.path, error)
            return
        look = read.look
        told = (read.file_id, str(place), str(read.path), look.size, look.mtime_ns, look.inode)
        await self._database.execute(SQL["archived"], *told)
        self._freed(str(read.path))
        self._trouble.pop(read.path, None)
        log.info("archived", path=str(read.path), file_id=read.file_id, archived_as=str(place))

    def _remove_done_file(self, path: Path) -> None:
        """Left behind it would say that the next file of this name is complete before it is."""
        if any(path.is_relative_to(folder) for folder in self._by_done_file):
            path.with_name(path.name + DONE).unlink(missing_ok=True)

    def _complain(self, path: Path, error: OSError) -> None:
        """Said once, not at each look."""
        if self._trouble.get(path) != str(error):
            self._trouble[path] = str(error)
            log.warning("cannot_archive", path=str(path), error=str(error), detail="it is tried again at each look")


def _read(row: Any) -> Read:  # noqa: ANN401 - a record
    look = Look(row["size"], row["mtime_ns"], row["inode"])
    return Read(Path(row["path"]), look, row["file_id"], row["source"], bytes(row["sha256"]))
