"""The figures of ingest: one large file, many small ones, and all of it once more."""

import shutil
import time
from pathlib import Path
from typing import Any

import httpx2
import ingest_files
import ingest_floor
from ingest_ledger import opened
from ingest_scene import Scene

from okr_common.events import BatchIngested
from okr_stack.solo import SoloService

SMALL_ROWS = 100
SWEEP_SECONDS = 3_600.0


async def one_file(scene: Scene, rows: int, **settings: object) -> dict[str, Any]:
    """One file of so many rows, on an empty okr_raw; and the floor of the same bytes just before."""
    file = scene.made / "large-0.csv"
    size = ingest_files.write(file, rows)
    floor = await ingest_floor.measure(file, scene.stack.admin_dsn, scene.postgres)
    loaded = await _loaded(scene, file, settings)
    return {
        "rows": rows,
        "bytes": size,
        **loaded,
        "rows_per_second": rows / loaded["seconds"],
        "ratio_to_floor": loaded["seconds"] / floor["seconds"],
        "floor": floor,
    }


async def _loaded(scene: Scene, file: Path, settings: dict[str, object]) -> dict[str, Any]:
    await scene.empty()
    with scene.service(**settings) as service, scene.gauge(service).reading() as gauge:
        async with opened(scene.raw_dsn) as ledger:
            began = scene.drop([file])
            await ledger.until_announced("large", 1)
            seconds = await ledger.acknowledged("large") - began
    return {"seconds": seconds, **gauge.figures}


async def small_files(scene: Scene, service: SoloService, files: int) -> dict[str, Any]:
    """So many files of 100 rows of one source, renamed in as fast as the disk allows."""
    made = [scene.made / f"small-{number:05}.csv" for number in range(files)]
    for number, file in enumerate(made):
        ingest_files.write(file, SMALL_ROWS, first=1 + number * SMALL_ROWS)
    with scene.gauge(service).reading() as gauge:
        async with opened(scene.raw_dsn) as ledger:
            began = scene.drop(made)
            renamed = time.time() - began
            await ledger.until_announced("small", files)
            seconds = await ledger.acknowledged("small", BatchIngested.ce_type) - began
    return {
        "files": files,
        "renamed_seconds": renamed,
        "seconds": seconds,
        "files_per_second": files / seconds,
        **gauge.figures,
    }


def sweep(service: SoloService) -> dict[str, Any]:
    """One sweep when nothing is new."""
    start = time.monotonic()
    answer = _swept(service)
    return {"seen": answer["seen"], "offered": answer["offered"], "seconds": time.monotonic() - start}


async def again(scene: Scene, service: SoloService, *sources: str, infix: str = "") -> dict[str, Any]:
    """Every file of the sources once more, written anew; what was added by it. `infix`: under another name."""
    files = [file for source in sources for file in sorted(scene.inbox.glob(f"{source}-*.csv"))]
    copies = [_copied(file, scene.made, infix) for file in files]
    async with opened(scene.raw_dsn) as ledger:
        before = await ledger.held()
        start = time.monotonic()
        scene.drop(copies)
        while _swept(service)["unsettled"]:
            continue
        for source in sources:
            await ledger.until_announced(source, 0)
        seconds = time.monotonic() - start
        after = await ledger.held()
    return {
        "dropped": len(copies),
        "bytes": sum(file.stat().st_size for file in files),
        "seconds": seconds,
        **{f"{key}_added": after[key] - before[key] for key in after},
    }


def _swept(service: SoloService) -> dict[str, Any]:
    """POST /sweep: it answers when every complete file in the folder is claimed."""
    answer = httpx2.post(f"{service.url}/sweep", timeout=SWEEP_SECONDS)
    answer.raise_for_status()
    return dict(answer.json())


def _copied(file: Path, folder: Path, infix: str) -> Path:
    source, _, rest = file.name.partition("-")
    return Path(shutil.copyfile(file, folder / f"{source}-{infix}{rest}"))
