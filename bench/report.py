"""What the benchmarks share around the measuring: a folder to work in, and the figures as a table and as JSON."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


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
