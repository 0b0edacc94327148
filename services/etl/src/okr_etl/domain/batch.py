"""A batch from raw rows to what is to be written: one pure function before the state is read, one after."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import polars as pl

from okr_common.sources import Choose, Mapping
from okr_common.uploaded import sent_as
from okr_etl.domain import cells, columns, contradictions, entities, parents, shape, transposed, versions
from okr_etl.domain.canonical import INSTANT, canonical
from okr_etl.domain.cells import PART, ROW
from okr_etl.domain.contradictions import NONE_SAID
from okr_etl.domain.derive import FINAL, Failure, derive, expressions
from okr_etl.domain.filling import Above
from okr_etl.domain.head import Times
from okr_etl.domain.parents import NONE_KNOWN, NONE_PENDING, NONE_TOLD
from okr_etl.domain.reasons import Rejected, contradicting, explain, merged, underivable


@dataclass(frozen=True, slots=True)
class RawBatch:
    """A released batch and its rows: row_num and cells (JSON text). `unit` is the file or request it is a part of.

    Where only its news was read, `known` more rows of it stand in the file before, too, and `gone` are the check-ins of
    those rows of that file which this one has no more. `parts`: the batches its file was cut into. `above`: what the
    rows of its file before it leave to its own. `known_at`: when its rows went on, where its file was set aside before.
    """

    source: str
    batch_id: int
    position: int
    unit: str
    ingested_at: datetime
    header: Sequence[str]
    rows: pl.DataFrame
    path: str = ""
    known: int = 0
    gone: frozenset[str] | None = None
    parts: int = 1
    above: Above = field(default_factory=dict)
    known_at: datetime | None = None

    @property
    def told(self) -> dict[str, str]:
        """What its file says to each row, by the words of FILE_ORIGINS."""
        path = Path(self.path)
        day = self.ingested_at.astimezone(UTC).date().isoformat()
        return {"file:name": sent_as(path.name) or path.name, "file:folder": path.parent.name, "file:day": day}

    @property
    def whole(self) -> bool:
        """All its rows were read."""
        return self.gone is None

    @property
    def size(self) -> int:
        """Of all its rows, those that were not read included."""
        return self.rows.height + self.known


@dataclass(frozen=True, slots=True)
class Proposed:
    """What the rows of a batch say: `wide` holds every good row's fields, `candidates` the versions they propose.

    `known` counts its rows that were not read, `repeated` those that tell what a chosen one tells, `left_out` those
    that the mapping does not mean; of a transposed file, those for which another one stands. `parents`: what its rows
    tell those below them; `pending`: the rows that wait for a parent, with its key.
    """

    wide: pl.DataFrame
    candidates: pl.DataFrame
    rejected: Sequence[Rejected]
    times: Times
    known: int = 0
    repeated: int = 0
    left_out: int = 0
    parents: pl.DataFrame = field(default_factory=lambda: NONE_TOLD)
    pending: pl.DataFrame = field(default_factory=lambda: NONE_PENDING)

    @property
    def speaks_of(self) -> list[str]:
        """The ids of the objectives and key results of its good rows."""
        return pl.concat([self.wide["objective.id"], self.wide["key_result.id"]]).unique().to_list()


@dataclass(frozen=True)
class Applied:
    """What a batch changes: `resolved` has a verdict for every candidate that counts; `counts` every row once.

    `contradicting`: the rows rejected for what earlier rows of their file say. `ignored` counts the definitions and
    outcomes that are left out for that; their rows' check-ins count.
    """

    resolved: pl.DataFrame
    counts: dict[str, int]
    contradicting: Sequence[Rejected] = ()
    ignored: int = 0

    @cached_property
    def published(self) -> pl.DataFrame:
        """The new versions, in the order they are published."""
        return self.resolved.filter(pl.col("seq").is_not_null()).sort("seq")

    def current(self, entity: str) -> pl.DataFrame:
        """Of each entity of this kind that changed, its newest version."""
        mine = self.published.filter(pl.col("entity") == entity)
        return mine.sort("revision").unique("entity_id", keep="last", maintain_order=True)


def propose(batch: RawBatch, mapping: Mapping, key: bytes = b"", known: pl.DataFrame = NONE_KNOWN) -> Proposed:
    """Types the rows, sets the wrong ones aside with their reasons, and says what the others propose.

    `key` hides the people that the mapping names; without one such a mapping cannot be carried out (ValueError).
    `known`: what earlier batches told of parents (`parents.KNOWN_SCHEMA`).
    """
    if not mapping.is_transposed(batch.header):
        return _upright(batch, mapping, key, known)
    return _lying(batch, mapping, key)


def _upright(batch: RawBatch, mapping: Mapping, key: bytes, known: pl.DataFrame = NONE_KNOWN) -> Proposed:
    texts = cells.texts(batch.rows, mapping, batch.header, batch.told, key, above=batch.above)
    typed = texts.with_columns(columns.value(name, column) for name, column in mapping.columns.items())
    width = len(batch.header)
    placed, told = parents.placed(typed, mapping, known)
    meant, unclear = shape.meant(placed, mapping, width)
    good, bad = columns.judge(meant, columns.rules(mapping, width))
    pending = parents.waiting(good, [*bad[ROW], *(one.row_num for one in unclear)])
    good = good.filter(~pl.col(ROW).is_in(pending[ROW].implode())) if pending.height else good
    derived, failures = derive(good.select(ROW, PART, *mapping.columns, *mapping.inherited), expressions(mapping))
    said, wrong = columns.judge(
        canonical(derived, mapping, batch.known_at or batch.ingested_at), entities.rules(mapping)
    )
    rejected = _rejected(mapping, bad, wrong, [*unclear, *failures])
    whole = said.filter(~pl.col(ROW).is_in([one.row_num for one in rejected])) if mapping.rows.several else said
    wide = chosen(whole, mapping.choose)
    wide = entities.identified(wide, batch.source)
    return Proposed(
        wide=wide,
        candidates=entities.candidates(wide, mapping),
        rejected=rejected,
        times=_times(wide),
        known=batch.known,
        repeated=whole.height - wide.height,
        left_out=batch.rows.height - meant[ROW].n_unique() - len({one.row_num for one in unclear}),
        parents=told,
        pending=pending,
    )


def _lying(batch: RawBatch, mapping: Mapping, key: bytes) -> Proposed:
    """What a transposed file says, told of its lines: of columns that contradict each other the first one counts."""
    sheet = transposed.upright(batch.rows, batch.header, mapping, batch.parts)
    said = _upright(replace(batch, header=sheet.header, rows=sheet.rows), mapping, key)
    _, wrong = _without_contradicting(said.candidates, pl.DataFrame(schema=versions.HELD_SCHEMA), NONE_SAID)
    home, rejected = sheet.by_line([*said.rejected, *wrong])
    counts = ~pl.col(ROW).is_in([one.row_num for one in wrong]) & (home is not None)
    wide = transposed.placed(said.wide.filter(counts), home)
    return replace(
        said,
        wide=wide,
        candidates=transposed.placed(said.candidates.filter(counts), home),
        rejected=merged([*sheet.rejected, *rejected]),
        times=_times(wide),
        left_out=batch.rows.height - len(sheet.rejected) - len(rejected) - min(wide.height, 1),
    )


def chosen(rows: pl.DataFrame, choose: Choose | None) -> pl.DataFrame:
    """Of the rows that tell the same thing, the one that counts."""
    if choose is None:
        return rows
    ordered = rows.sort([choose.most, ROW], descending=[True, False], nulls_last=True)
    return ordered.unique(list(choose.per), keep="first", maintain_order=True).sort(ROW)


def _rejected(mapping: Mapping, bad: pl.DataFrame, wrong: pl.DataFrame, failures: Iterable[Failure]) -> list[Rejected]:
    # as text: Polars has dates that Python has not, such as those of the year 0; no text holds a duration
    days = pl.selectors.temporal() - pl.selectors.duration()
    told = [frame.with_columns(days.cast(pl.String)) for frame in (bad, wrong)]
    found = [explain(mapping, row) for frame in told for row in frame.iter_rows(named=True)]
    found += [underivable(failure) for failure in failures]
    return merged(sorted(found, key=lambda rejected: rejected.row_num))


def _times(wide: pl.DataFrame) -> Times:
    known = pl.col("outcome.held_from").filter(FINAL).max()
    spoken = pl.max_horizontal(pl.col("definition.held_from").max(), known)
    newest = pl.col("check_in.as_of").cast(INSTANT).max()
    return Times(*wide.select(newest.alias("newest"), spoken.alias("spoken")).row(0))


def apply(proposed: Proposed, held: pl.DataFrame, floor: datetime | None, said: pl.Series = NONE_SAID) -> Applied:
    """Compares what is proposed with what is held, and counts every row.

    See `versions.resolve` for `floor`, `contradictions.marked` for `said`.
    """
    marked, wrong = _without_contradicting(proposed.candidates, held, said)
    resolved = versions.resolve(marked.filter(~pl.col("contradicts")), held, floor)
    counts = versions.account(resolved, len(proposed.rejected) + len(wrong))
    counts[versions.UNCHANGED] += proposed.known + proposed.left_out
    counts[versions.DUPLICATE] += proposed.repeated
    counts["pending"] = proposed.pending.height
    return Applied(resolved, counts, wrong, int(marked["contradicts"].sum()))


def _without_contradicting(
    candidates: pl.DataFrame, held: pl.DataFrame, said: pl.Series
) -> tuple[pl.DataFrame, list[Rejected]]:
    """The marked candidates of rows whose check-ins count, and the other rows, rejected with all they say."""
    marked = contradictions.marked(candidates, held, said)
    wrong = marked.filter((pl.col("entity") == "check_in") & pl.col("contradicts")).unique(ROW, maintain_order=True)
    if wrong.is_empty():
        return marked, []
    kept = candidates.filter(~pl.col(ROW).is_in(wrong[ROW].implode()))
    rejected = [contradicting(*row) for row in wrong.select(ROW, "source_id").iter_rows()]
    return contradictions.marked(kept, held, said), rejected
