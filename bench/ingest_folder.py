"""A folder of very many files that are known already: what one look at all of it takes."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import ingest_figures
from ingest_gauge import rss_mib
from ingest_scene import Scene

FILES = 100_000
KNOWN = """
    with taken as (
        insert into file (source, sequence, path, sha256, bytes, modified_at, state, discovered_at)
        values ('small', 1, '', '', 0, now(), 'done', now()) returning file_id)
    insert into sighting (path, size, mtime_ns, inode, file_id)
    select s.*, file_id from unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[]) s, taken
"""


async def measured(scene: Scene) -> dict[str, Any]:
    """Seconds of a sweep that finds nothing new, and what the service holds then."""
    await scene.empty()
    await _make_known(scene, await asyncio.to_thread(_files, scene.inbox))
    with scene.service() as service:
        ingest_figures.sweep(service)
        return {**ingest_figures.sweep(service), "rss_mib": rss_mib(service.pid)[0]}


def _files(folder: Path) -> list[tuple[str, int, int, int]]:
    """So many empty files, as the service writes down what it saw of one."""
    made = []
    for number in range(FILES):
        path = folder / f"small-{number:06}.csv"
        path.touch()
        status = path.stat()
        made.append((str(path), status.st_size, status.st_mtime_ns, status.st_ino))
    return made


async def _make_known(scene: Scene, files: list[tuple[str, int, int, int]]) -> None:
    """As if ingest-csv had taken them all as one file without rows."""
    connection = await asyncpg.connect(scene.stack.admin_dsn("okr_raw"))
    try:
        await connection.execute("insert into source (name) values ('small') on conflict do nothing")
        await connection.execute(KNOWN, *(list(column) for column in zip(*files, strict=True)))
    finally:
        await connection.close()
