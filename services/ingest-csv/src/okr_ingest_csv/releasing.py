"""Letting quarantined files go, and waking whoever reads those that were never read."""

from collections.abc import Callable

from okr_common.errors import PermanentError
from okr_common.logs import logger
from okr_common.sources import SourcesFolder
from okr_ingest_csv.store import LetGo, Quarantine

log = logger(__name__)


class Releasing:
    """What REST asks for."""

    def __init__(self, quarantine: Quarantine, sources: SourcesFolder, wake: Callable[[str], None]) -> None:
        self._quarantine = quarantine
        self._sources = sources
        self._wake = wake

    async def release(self, file_id: int) -> LetGo:
        """Raises PermanentError("not_quarantined" | "missing_columns" | "unrecognised")."""
        source = await self._quarantine.source_of(file_id)
        if source is None:
            raise PermanentError("not_quarantined", f"there is no file {file_id}; GET /files lists them")
        let_go = await self._quarantine.let_go(file_id, source, self._sources.current().mappings.get(source))
        log.info("let_go", file_id=file_id, source=source, state=let_go.state)
        self._wake(source)
        return let_go
