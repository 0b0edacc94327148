"""Of what the batches of a source's present file spoke so far, as far as this process applied them."""

from dataclasses import dataclass

import polars as pl

from okr_etl.domain.batch import Proposed, RawBatch
from okr_etl.domain.news import said_by

REMEMBERED = 8_000_000
"""Of all sources together, 8 bytes each; of what was forgotten nobody can say that it does not come twice."""


@dataclass(slots=True)
class _File:
    unit: str
    position: int
    ids: pl.Series


class Said:
    """Remembers them while the file's batches follow each other here."""

    def __init__(self) -> None:
        self._files: dict[str, _File] = {}

    def before(self, batch: RawBatch, former_unit: str | None) -> pl.Series | None:
        """What the file's batches before this one spoke of; None where it is not all known."""
        if former_unit != batch.unit:
            return pl.Series(dtype=pl.UInt64)
        file = self._files.get(batch.source)
        known = file is not None and (file.unit, file.position) == (batch.unit, batch.position - 1)
        return file.ids if file and known else None

    def applied(self, batch: RawBatch, proposed: Proposed, said: pl.Series | None) -> None:
        """The batch was applied; `said` as `before` had it."""
        self._files.pop(batch.source, None)
        if said is not None:
            self._files[batch.source] = _File(batch.unit, batch.position, said.append(said_by(proposed)))
        while sum(file.ids.len() for file in self._files.values()) > REMEMBERED:
            del self._files[next(iter(self._files))]
