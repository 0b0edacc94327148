"""What the store keeps of trees, as frames in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from okr_common.sources import Mapping
from okr_etl.domain.batch import Applied, Proposed, RawBatch, propose
from okr_etl.domain.late import Part
from okr_etl.domain.parents import PENDING_SCHEMA, TOLD_SCHEMA, for_waiting

_SAID = {**TOLD_SCHEMA, "unit": pl.String()}
_WAITING = {"position": pl.Int64(), **PENDING_SCHEMA}


@dataclass
class MemoryTree:
    """What rows told those below them, and which rows wait; `counts` of each batch, moved as they come to their end."""

    said: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_SAID))
    waiting: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_WAITING))
    counts: dict[int, dict[str, int]] = field(default_factory=dict)
    _batches: dict[int, RawBatch] = field(default_factory=dict)

    def settled(self, batch: RawBatch, mapping: Mapping) -> tuple[Proposed, list[Part]]:
        """What the batch proposes with all that is known, and the rows that waited for one of its own."""
        known = self.said.with_columns(first=pl.col("unit") == batch.unit).drop("unit")
        proposed = propose(batch, mapping, known=known)
        told = proposed.parents
        ended = self.waiting.filter(pl.col("parent").is_in(told["key"].implode()))
        late = []
        for (position,), rows in ended.sort("position").group_by("position", maintain_order=True):
            before = self._batches[int(str(position))]
            before = replace(before, rows=before.rows.join(rows, on="row_num", how="semi"))
            late.append(Part(before, propose(before, mapping, known=for_waiting(told, known))))
        return proposed, late

    def keep(self, batch: RawBatch, proposed: Proposed, late: Sequence[Part], every: Sequence[Applied]) -> None:
        """After the batch was applied, with the rows that waited for it."""
        told = proposed.parents.with_columns(unit=pl.lit(batch.unit))
        self.said = pl.concat([self.said.join(told, on="key", how="anti"), told])
        self._batches[batch.position], self.counts[batch.position] = batch, dict(every[-1].counts)
        self._wait(batch, proposed)
        for part, applied in zip(late, every, strict=False):
            position, rows = part.batch.position, part.batch.rows
            settled = rows.select(pl.lit(position).alias("position"), "row_num")
            self.waiting = self.waiting.join(settled, on=["position", "row_num"], how="anti")
            self._wait(part.batch, part.proposed)
            counts = self.counts[position]
            counts["pending"] -= rows.height
            self.counts[position] = {name: number + applied.counts[name] for name, number in counts.items()}

    def _wait(self, batch: RawBatch, proposed: Proposed) -> None:
        waiting = proposed.pending.select(pl.lit(batch.position, pl.Int64).alias("position"), *PENDING_SCHEMA)
        self.waiting = pl.concat([self.waiting, waiting])
