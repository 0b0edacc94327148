"""Measures ingest-csv alone: `make bench-ingest`. Figures as JSON (--json FILE) and as a table. No figure is a test."""

import argparse
import asyncio
import os
import platform
from pathlib import Path
from typing import Any

import ingest_figures
import ingest_folder
import ingest_growth
from ingest_scene import Scene
from report import scratch, tell

from okr_common.postgres import pristine
from okr_ingest_csv.settings import IngestCsvSettings
from okr_stack.stack import Stack

ROWS = 1_000_000
FILES = 10_000
ROWS_LARGE = 20_000_000


async def measured(scene: Scene, options: argparse.Namespace) -> dict[str, Any]:
    """All figures asked for; what costs most comes last."""
    await pristine.keep(scene.stack.admin_dsn())
    figures: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load_before": os.getloadavg()[0]}
    }
    if "readers" in IngestCsvSettings.model_fields:
        figures["one_file_one_reader"] = await ingest_figures.one_file(scene, options.rows, readers=1)
    figures["one_file"] = await ingest_figures.one_file(scene, options.rows)
    with scene.service() as service:
        figures["small_files"] = await ingest_figures.small_files(scene, service, options.files)
        figures["sweep"] = ingest_figures.sweep(service)
    with scene.service() as service:
        figures["sweep_after_restart"] = ingest_figures.sweep(service)
        figures["large_again"] = await ingest_figures.again(scene, service, "large")
        figures["large_under_another_name"] = await ingest_figures.again(scene, service, "large", infix="copy-")
        figures["small_again"] = await ingest_figures.again(scene, service, "small")
    figures["large_folder"] = await ingest_folder.measured(scene)
    if options.large:
        figures["very_large"] = await ingest_growth.very_large(scene, options.rows_large)
        figures |= await ingest_growth.all_again(scene, options.rows, options.files)
    return figures


def on_a_stack(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Kafka and PostgreSQL as they are shipped, in this folder; nothing of them is left."""
    stack = Stack(folder / "state", tied=True)
    try:
        stack.up(services=False)
        return asyncio.run(measured(Scene(folder, stack), options))
    finally:
        stack.erase()


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="of the one large file")
    parser.add_argument("--files", type=int, default=FILES, help="small ones, of 100 rows each")
    parser.add_argument("--large", action="store_true", help="measure a file of more than 2 GB too; takes minutes")
    parser.add_argument("--rows-large", type=int, default=ROWS_LARGE, help="of that one")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with scratch() as folder:
        figures = on_a_stack(folder, options)
    tell(figures, options.json)


if __name__ == "__main__":
    main()
