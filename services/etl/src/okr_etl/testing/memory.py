"""A source in memory: the same domain functions, with frames where the store has tables."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import orjson
import polars as pl

from okr_common.sources import Mapping
from okr_etl.domain.batch import Applied, Proposed, RawBatch, apply, propose
from okr_etl.domain.head import Head, floor
from okr_etl.domain.news import MoreNeeded, plain, since, suffices
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
    file: list[object] = field(default_factory=list)
    """The rows of the last export."""
    rows_read: int = 0

    def load(self, rows: Iterable[object], unit: str = "") -> Applied:
        """Applies one batch."""
        return self._apply(raw_batch(rows, self.header, self.mapping.name, self.head.position + 1, unit), None)

    def export(self, rows: Sequence[object], batch_rows: int = 1_000_000) -> None:
        """A file of the source, in batches; of what the file before said, too, only as much is read as must be."""
        number = len(self.applied) + 1
        compared_with, unit = self.head.unit, f"file/{number}"
        before = {orjson.dumps(row) for row in self.file}
        gone = [row for row in self.file if row not in rows]
        for start in range(0, max(len(rows), 1), batch_rows):
            position = self.head.position + 1
            batch = raw_batch(rows[start : start + batch_rows], self.header, self.mapping.name, position, unit)
            entered = self.head.entering(unit, self.mapping.hash, compared_with)
            if not entered.whole:
                news = batch.rows.filter(
                    ~pl.col("cells").is_in({row.decode() for row in before - self._rejected(batch)})
                )
                known = batch.rows.height - news.height
                spared = replace(batch, rows=news, known=known, gone=self._check_ins(gone))
                try:
                    self._apply(spared, compared_with)
                    continue
                except MoreNeeded:
                    pass
            self._apply(batch, compared_with)
        self.file = list(rows)

    def _rejected(self, batch: RawBatch) -> set[bytes]:
        bad = {rejected.row_num for rejected in propose(batch, self.mapping).rejected}
        return {row["cells"].encode() for row in batch.rows.iter_rows(named=True) if row["row_num"] in bad}

    def _check_ins(self, rows: Iterable[object]) -> frozenset[str]:
        batch = raw_batch(rows, self.header, self.mapping.name)
        return frozenset(propose(batch, self.mapping).wide["check_in.id"])

    def _apply(self, batch: RawBatch, compared_with: str | None) -> Applied:
        proposed = propose(batch, self.mapping)
        head = self.head.entering(batch.unit, self.mapping.hash, compared_with)
        applied = apply(proposed, self.held, floor(self.mapping, head))
        if batch.gone is not None and not suffices(applied, batch.gone, since(self.mapping, head)):
            raise MoreNeeded
        self.rows_read += batch.rows.height
        self.head = head.applied(batch.position, proposed.newest, plain=plain(applied, batch), whole=batch.whole)
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
