"""A folder of mappings that is read again when one of its files changed, so that a mended mapping needs no restart."""

from pathlib import Path

from okr_common.logs import logger
from okr_common.sources.recognition import Sources, load_sources, mapping_files

log = logger(__name__)

_Look = tuple[tuple[str, int, int], ...]


class SourcesFolder:
    """Gives the sources as the folder holds them now."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seen: _Look | None = None
        self._sources = Sources({})

    def current(self) -> Sources:
        """The sources; files are read only when their names, sizes or times changed since the last call."""
        look = self._look()
        if look != self._seen:
            self._sources = load_sources(self.folder)
            self._seen = look
            for problem in self._sources.problems:
                log.error("broken_mapping", source=problem.source, problem=str(problem))
            for file in self._sources.empty:
                log.info("empty_mapping", source=file.stem, file=str(file))
        return self._sources

    def _look(self) -> _Look:
        return tuple((file.name, *_looks(file)) for file in mapping_files(self.folder))


def _looks(file: Path) -> tuple[int, int]:
    """Of a link that leads nowhere, or a file just taken away, nothing: loading tells what is wrong with it."""
    try:
        stat = file.stat()
    except OSError:
        return (0, 0)
    return (stat.st_mtime_ns, stat.st_size)
