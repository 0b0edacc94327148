"""The records of the batch committed last, which the relay need not read back.

After a restart, in another replica, or where the relay lags behind they are read from the table.
"""

from dataclasses import dataclass

import polars as pl

from okr_etl.store.records import Place


@dataclass(frozen=True, slots=True)
class _Batch:
    place: Place
    versions: pl.DataFrame


class Fresh:
    """At most one batch of a process, for it is large."""

    def __init__(self) -> None:
        self._batch: _Batch | None = None

    def keep(self, place: Place, versions: pl.DataFrame) -> None:
        """Call it when these rows of entity_version are committed: all that this place has, by seq."""
        self._batch = _Batch(place, versions)

    def take(self, place: Place, after: int, limit: int) -> pl.DataFrame | None:
        """The rows of this place after a seq, at most so many; None where they are not here.

        With the last ones the batch is let go.
        """
        if self._batch is None or self._batch.place != place:
            return None
        versions = self._batch.versions
        begin = versions["seq"].search_sorted(after, side="right")
        if versions.height - begin <= limit:
            self._batch = None
        return versions.slice(begin, limit) if begin < versions.height else None
