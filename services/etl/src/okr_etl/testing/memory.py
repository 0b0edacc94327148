"""A source in memory: the same domain functions, with frames where the store has tables."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import orjson
import polars as pl

from okr_common.sources import Mapping
from okr_etl.domain.batch import Applied, Proposed, RawBatch, propose
from okr_etl.domain.cells import last_texts
from okr_etl.domain.contradictions import NONE_SAID, first_statements
from okr_etl.domain.filling import Above
from okr_etl.domain.head import Head
from okr_etl.domain.late import Part
from okr_etl.domain.news import MoreNeeded
from okr_etl.domain.turn import Task, Turn, take
from okr_etl.domain.versions import HELD_SCHEMA
from okr_etl.testing.tree import MemoryTree

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
class Saying:
    """A batch with all its rows; what it said, as it was read."""

    batch: RawBatch
    whole: bool
    statements: pl.Series


@dataclass
class MemorySource:
    """Applies batches one after another and keeps what was published."""

    mapping: Mapping
    header: Sequence[str]
    head: Head = field(default_factory=Head)
    held: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={**HELD_SCHEMA, "unit": pl.String()}))
    applied: list[Applied] = field(default_factory=list)
    proposed: list[Proposed] = field(default_factory=list)
    file: list[object] = field(default_factory=list)
    """The rows of the last export."""
    rejected: set[str] = field(default_factory=set)
    """Of them, as JSON, those that were rejected."""
    sayings: list[Saying] = field(default_factory=list)
    """Of the batches of the last file."""
    rows_read: int = 0
    above: Above = field(default_factory=dict)
    """What the batches of the last file leave to the next one."""
    tree: MemoryTree = field(default_factory=MemoryTree)

    def load(self, rows: Iterable[object], unit: str = "") -> Applied:
        """Applies one batch."""
        return self._apply(raw_batch(rows, self.header, self.mapping.name, self.head.position + 1, unit), None)

    def take(self, batch: RawBatch) -> Applied:
        """Applies this very batch, all its rows."""
        return self._apply(batch, None)

    def export(self, rows: Sequence[object], batch_rows: int = 1_000_000, ingested_at: datetime = INGESTED_AT) -> None:
        """A file of the source, in batches; of what the file before said, too, only as much is read as must be."""
        compared_with, unit = self.head.unit, f"file/{len(self.applied) + 1}"
        rejected: set[str] = set()
        for start in range(0, max(len(rows), 1), batch_rows):
            part = rows[start : start + batch_rows]
            made = raw_batch(part, self.header, self.mapping.name, self.head.position + 1, unit)
            self._export(replace(made, ingested_at=ingested_at), compared_with, rows)
            rejected |= {made.rows["cells"][one.row_num - 1] for one in self.proposed[-1].rejected}
        self.file, self.rejected = list(rows), rejected

    def _export(self, batch: RawBatch, compared_with: str | None, rows: Sequence[object]) -> None:
        if not self.head.entering(batch.unit, self.mapping.hash, compared_with).whole:
            before = {orjson.dumps(row).decode() for row in self.file} - self.rejected
            news = batch.rows.filter(~pl.col("cells").is_in(before))
            gone = self._check_ins([row for row in self.file if row not in rows])
            part = replace(batch, rows=news, known=batch.size - news.height, gone=gone)
            try:
                self._apply(part, compared_with, batch)
            except MoreNeeded:
                pass
            else:
                return
        self._apply(batch, compared_with)

    def _check_ins(self, rows: Iterable[object]) -> frozenset[str]:
        batch = raw_batch(rows, self.header, self.mapping.name)
        return frozenset(propose(batch, self.mapping).wide["check_in.id"])

    def _apply(self, batch: RawBatch, compared_with: str | None, all_of_it: RawBatch | None = None) -> Applied:
        if self.mapping.rows.read_in_order:
            batch = replace(batch, above=self.above if self.head.unit == batch.unit else {})
            self.above = last_texts(batch.rows, self.mapping, batch.header, above=batch.above)
        proposed, late = self.tree.settled(batch, self.mapping)
        if self.head.unit != batch.unit:
            self.sayings.clear()
        held = self.held.with_columns(of_unit=pl.col("unit") == batch.unit).drop("unit")
        task = Task(batch, proposed, self.mapping, 1, 0, compared_with, self._said(whole=batch.whole), late)
        turn = self._turn(task, held)
        applied = turn.applied
        self.rows_read += batch.rows.height
        self.head = turn.head
        self.sayings.append(Saying(all_of_it or batch, batch.whole, turn.told))
        for part, one in zip(task.parts, turn.every, strict=True):
            self._keep(part, one)
        self.tree.keep(batch, proposed, late, turn.every)
        self.proposed.append(proposed)
        self.applied.append(replace(applied, resolved=pl.concat(one.resolved for one in turn.every)))
        return applied

    def _turn(self, task: Task, held: pl.DataFrame) -> Turn:
        return take(task, self.head, held)

    def _keep(self, part: Part, applied: Applied) -> None:
        stored = applied.resolved.filter(pl.col("number").is_not_null())
        said = stored.with_columns(held_from="holds_from", of_unit=pl.lit(value=True), unit=pl.lit(part.batch.unit))
        self.held = pl.concat([self.held, said.select(self.held.columns)])

    def _said(self, *, whole: bool) -> pl.Series:
        """By the last file so far, to a batch that is read so."""
        found = [
            first_statements(propose(one.batch, self.mapping).candidates) if whole and not one.whole else one.statements
            for one in self.sayings
        ]
        return pl.concat([NONE_SAID, *found])

    @property
    def published(self) -> pl.DataFrame:
        """Every version of every batch, in order."""
        return pl.concat([applied.published.select(VERSION) for applied in self.applied])

    def versions(self) -> set[tuple[object, ...]]:
        """What was published, without the order."""
        return set(self.published.iter_rows())
