"""A file of more than 2 GB: does the memory stay, and is the last million of rows as fast as the first.

Where a virtual machine gives memory that is free back to its host, each page used for the first time has to be fetched
again, which the later millions pay for in file cache. There the benchmark belongs in a bounded memory, which is filled
once and then used again: `systemd-run --scope -p MemoryMax=6G make bench-ingest BENCH=--large`.
"""

from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import ingest_figures
import ingest_files
import ingest_floor
from ingest_gauge import cpu_seconds
from ingest_ledger import opened, progress
from ingest_scene import Scene

MILLION = 1_000_000
Seen = list[tuple[float, int]]
"""When (seconds) how many records were stored."""


async def very_large(scene: Scene, rows: int) -> dict[str, Any]:
    """One file of so many rows on an empty okr_raw; and how even the floor is over the same bytes, just before."""
    file = scene.made / "large-1.csv"
    size = ingest_files.write(file, rows)
    sent: Seen = []
    floor = await ingest_floor.measure(file, scene.stack.admin_dsn, scene.postgres, lambda *now: sent.append(now))
    loaded = await _loaded(scene, file)
    return {
        "rows": rows,
        "bytes": size,
        **loaded,
        "rows_per_second": rows / loaded["seconds"],
        "ratio_to_floor": loaded["seconds"] / floor["seconds"],
        "floor": {**floor, **_evenness(sent, rows)},
    }


async def all_again(scene: Scene, rows: int, files: int) -> dict[str, Any]:
    """Beside the very large file a large one and small ones; then a sweep, and all of it written anew."""
    large = scene.made / "large-2.csv"
    ingest_files.write(large, rows)
    with scene.service() as service:
        async with opened(scene.raw_dsn) as ledger:
            scene.drop([large])
            await ledger.until_announced("large", 2)
        await ingest_figures.small_files(scene, service, files)
        return {
            "sweep_of_all": ingest_figures.sweep(service),
            "all_again": await ingest_figures.again(scene, service, "large", "small"),
        }


async def _loaded(scene: Scene, file: Path) -> dict[str, Any]:
    seen: Seen = []
    await scene.empty()
    with scene.service() as service, scene.gauge(service).reading() as gauge:
        work = Work(service.pid, scene.postgres)

        def note(at: float, records: int) -> None:
            seen.append((at, records))
            work.note(records)

        async with opened(scene.raw_dsn) as ledger, progress(scene.raw_dsn, "large", note):
            began = scene.drop([file])
            await ledger.until_announced("large", 1)
            seconds = await ledger.acknowledged("large") - began
    return {"seconds": seconds, **_evenness(seen, seen[-1][1]), **work.figures(), **gauge.figures}


class Work:
    """Processor seconds of the service and PostgreSQL for each million of rows: what no disk makes faster or slower."""

    def __init__(self, service: int, postgres: int) -> None:
        self._pids = (service, postgres)
        self._seen: list[float] = []

    def note(self, records: int) -> None:
        """So many records are stored by now."""
        if records >= len(self._seen) * MILLION:
            self._seen.append(sum(map(cpu_seconds, self._pids)))

    def figures(self) -> dict[str, Any]:
        """By million, and the last quarter of them beside the first."""
        each = [after - before for before, after in pairwise(self._seen)]
        quarter = max(1, len(each) // 4)
        last_to_first = sum(each[-quarter:]) / sum(each[:quarter]) if each else None
        return {"cpu_seconds_by_million": each, "cpu_last_to_first_quarter": last_to_first}


def _evenness(seen: Seen, rows: int) -> dict[str, Any]:
    paces = [_rate(seen, at, at + MILLION) for at in range(0, rows, MILLION)]
    quarter = max(1, len(paces) // 4)  # one million alone is faster or slower by a fifth, as the disk writes back
    return {
        "first_million_rows_per_second": paces[0],
        "last_million_rows_per_second": paces[-1],
        "last_to_first": paces[-1] / paces[0],
        "last_to_first_quarter": median(paces[-quarter:]) / median(paces[:quarter]),
        "rows_per_second_by_million": paces,
    }


def _rate(seen: Seen, start: int, end: int) -> float:
    """Records per second between two places in the file, as near to them as commits lie.

    >>> _rate([(0.0, 0), (3.0, 0), (4.0, 500), (5.0, 1000), (7.0, 2000)], 0, 1000)
    200.0
    """
    steps = [seen[0], *[now for before, now in pairwise(seen) if now[1] > before[1]]]
    began, at = next(step for step in steps if step[1] >= start)
    ended, to = next((step for step in steps if step[1] >= end), steps[-1])  # the last commit may go unseen
    return (to - at) / (ended - began)
