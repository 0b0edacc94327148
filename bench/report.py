"""What the benchmarks share around the measuring: a folder to work in, and the figures as a table and as JSON."""

import argparse
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def by_rows(about: str | None, rows: int, measure: Callable[[Path, int], dict[str, Any]]) -> None:
    """A benchmark's command line: how many rows it takes, and where its figures go beside the table."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--rows", type=int, default=rows)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with scratch() as folder:
        figures = measure(folder, options.rows)
    tell(figures, options.json)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that the database's own user may enter; nothing of it is left."""
    folder = Path(tempfile.mkdtemp(prefix="okr-bench-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def tell(figures: dict[str, Any], file: Path | None) -> None:
    """Prints the figures, and writes them to the file if there is one."""
    for name, value in lines(figures):
        print(f"{name:44} {value}")
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(figures, indent=1))


def lines(figures: dict[str, Any], path: str = "") -> list[tuple[str, str]]:
    """The figures, flat."""
    found = []
    for key, value in figures.items():
        name = f"{path}{key}"
        if isinstance(value, dict):
            found += lines(value, f"{name}.")
        else:
            found.append((name, f"{value:.3f}" if isinstance(value, float) else str(value)))
    return found
