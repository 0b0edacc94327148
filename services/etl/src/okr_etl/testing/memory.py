"""A source in memory: the same domain functions, with frames where the store has tables."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson
import polars as pl

from okr_common.sources import Mapping
from okr_etl.domain.batch import Applied, Proposed, RawBatch, apply, propose
from okr_etl.domain.head import Head, floor
from okr_etl.domain.versions import HELD_SCHEMA

INGESTED_AT = datetime(2026, 1, 1, tzinfo=UTC)
VERSION = ("entity", "entity_id", "revision", "knowledge_time", "payload")
"""What makes a published version, whatever batch it came in."""


def raw_batch(
    rows: Iterable[object], header: Sequence[str], source: str, position: int = 1, unit: str = ""
) -> RawBatch:
    """A batch of these rows (lists of cells, or objects of an API), a file of its own unless `unit` names one."""
    cells = [orjson.dumps(row).decode() for row in rows]
    numbers = pl.Series("row_num", range(1, len(cells) + 1), pl.Int64)
    frame = pl.DataFrame([numbers, pl.Series("cells", cells, pl.String)])
    return RawBatch(source, position, position, unit or f"file/{position}", INGESTED_AT, header, frame)


@dataclass
class MemorySource:
    """Applies batches one after another and keeps what was published."""

    mapping: Mapping
    header: Sequence[str]
    head: Head = field(default_factory=Head)
    held: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=HELD_SCHEMA))
    applied: list[Applied] = field(default_factory=list)
    proposed: list[Proposed] = field(default_factory=list)

    def load(self, rows: Iterable[object], unit: str = "") -> Applied:
        """Applies one batch."""
        batch = raw_batch(rows, self.header, self.mapping.name, self.head.position + 1, unit)
        proposed = propose(batch, self.mapping)
        head = self.head.entering(batch.unit)
        applied = apply(proposed, self.held, floor(self.mapping, head))
        self.head = head.applied(batch.position, proposed.newest)
        stored = applied.resolved.filter(pl.col("number").is_not_null())
        self.held = pl.concat([self.held, stored.select(list(HELD_SCHEMA))])
        self.proposed.append(proposed)
        self.applied.append(applied)
        return applied

    @property
    def published(self) -> pl.DataFrame:
        """Every version of every batch, in order."""
        return pl.concat([applied.published.select(VERSION) for applied in self.applied])

    def versions(self) -> set[tuple[object, ...]]:
        """What was published, without the order."""
        return set(self.published.iter_rows())
