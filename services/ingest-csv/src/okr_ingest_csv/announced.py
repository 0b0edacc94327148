"""Files that somebody says are complete: by a .done file beside them, or by a manifest that names them.

Runs in threads, for one folder and one pass over it.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from okr_ingest_csv import looking
from okr_ingest_csv.domain.discovery import Found, LeftAlone, Look, named_by, unfit
from okr_ingest_csv.settings import Folder
from okr_ingest_csv.walk import MANIFEST

DONE = ".done"
MANIFEST_BYTES = 16 * 1024 * 1024
Rests = Callable[[str, Look], bool]
"""Whether a path that looks like this is not being written to."""


class Announced:
    """What was said so far. `left` are manifests that are wrong, `unsettled` those still being written."""

    def __init__(self, folder: Folder, rests: Rests) -> None:
        self._folder = folder
        self._rests = rests
        self._named: dict[Path, frozenset[Path]] = {}
        self.left: list[tuple[Found, LeftAlone]] = []
        self.unsettled: dict[str, Look] = {}

    def has(self, path: Path) -> bool:
        """Whether this file was said to be complete."""
        if self._folder.complete == "done_file":
            return os.path.lexists(f"{path}{DONE}")
        return any(path in self.named_in(above) for above in self._above(path))

    def named_in(self, here: Path) -> frozenset[Path]:
        """All files that the manifests of this very folder name."""
        if here not in self._named:
            self._named[here] = frozenset(name for one in self._manifests(here) for name in self._read(one))
        return self._named[here]

    def _above(self, path: Path) -> Iterator[Path]:
        """The folders between the file and the watched one."""
        return (above for above in path.parents if above.is_relative_to(self._folder.path))

    def _manifests(self, here: Path) -> Iterator[Found]:
        try:
            names = sorted(name for name in os.listdir(here) if name.endswith(MANIFEST) and not name.startswith("."))  # noqa: PTH208 - names are all that is needed
        except OSError:
            return
        for name in names:
            found = looking.find(here / name, self._folder.path)
            if found is not None:
                yield found

    def _read(self, manifest: Found) -> list[Path]:
        """The files it names; none while it is being written."""
        left = unfit(manifest, MANIFEST_BYTES)
        if left is None and not self._rests(manifest.path, manifest.look):
            self.unsettled[manifest.path] = manifest.look
            return []
        names: tuple[str, ...] = ()
        if left is None:
            names, left = _names(manifest)
        if left is not None:
            self.left.append((manifest, left))
        return [Path(manifest.path).parent / name for name in names]


def _names(manifest: Found) -> tuple[tuple[str, ...], LeftAlone | None]:
    try:
        return named_by(looking.content(Path(manifest.path), MANIFEST_BYTES))
    except FileNotFoundError:
        return (), None
    except PermissionError:
        return (), LeftAlone("no_permission", "this user may not read it; give it read permission")
    except OSError as error:
        return (), LeftAlone("cannot_read", f"{error.strerror}; it is tried again at each sweep")
