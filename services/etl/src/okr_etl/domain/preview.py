"""What would be made of rows, before anybody loads them."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson
import polars as pl

from okr_common.sources import Mapping
from okr_etl.domain.batch import RawBatch, apply, propose
from okr_etl.domain.cells import PART, ROW
from okr_etl.domain.entities import ENTITIES, attributes, fields_of
from okr_etl.domain.reasons import merged
from okr_etl.domain.sent_back import as_they_were
from okr_etl.domain.versions import HELD_SCHEMA


@dataclass(frozen=True, slots=True)
class Preview:
    """Of the first rows the canonical records; of all rows how many there are, and how many of each reason.

    `left_out`: those that the mapping does not mean; `repeated`: those that tell what a chosen one tells.

    `unknown`: words that are no status, and how many check-ins say so.
    `records`: row number and, by entity, its fields; `rejected`: row number, reasons, and a sentence for each;
    `pending`: row number, and the key of the parent it waits for, by the file alone; `waiting` counts all of them. Of a
    transposed file `rows` are its lines, and `good` counts columns; a record has its column's place as `part`.
    """

    rows: int
    good: int
    transposed: bool
    entities: dict[str, int]
    reasons: dict[str, int]
    unknown: dict[str, int]
    records: list[dict[str, Any]]
    rejected: list[dict[str, Any]]
    pending: list[dict[str, Any]]
    waiting: int
    left_out: int
    repeated: int


def unloaded(header: Sequence[str], rows: Sequence[object], path: str, now: datetime) -> RawBatch:
    """Rows of a file, or objects of an API, as a batch that has no place among the batches of a source."""
    cells = pl.Series("cells", [json.dumps(row, ensure_ascii=False) for row in rows], pl.String)
    frame = pl.DataFrame([pl.Series("row_num", range(1, len(rows) + 1), pl.Int64), cells])
    return RawBatch("", 0, 0, "", now, header, as_they_were(header, frame), path)


def preview(mapping: Mapping, batch: RawBatch, limit: int, key: bytes = b"") -> Preview:
    """Carries the mapping out on these rows; at most `limit` records and rejected rows are told. `key` hides people."""
    proposed = propose(replace(batch, source=mapping.name), mapping, key)
    applied = apply(proposed, pl.DataFrame(schema=HELD_SCHEMA), None)
    rejected = merged([*proposed.rejected, *applied.contradicting])
    counts = ~pl.col(ROW).is_in([one.row_num for one in applied.contradicting])
    wide = proposed.wide.filter(counts).with_columns(attributes(mapping).alias("key_result.attributes"))
    told = applied.resolved.select("entity", "entity_id").unique()
    return Preview(
        rows=batch.rows.height,
        good=wide.height if mapping.is_transposed(batch.header) else wide[ROW].n_unique(),
        transposed=mapping.is_transposed(batch.header),
        entities={entity: told.filter(entity=entity).height for entity in ENTITIES},
        reasons=dict(Counter(reason for one in rejected for reason in one.reasons).most_common()),
        unknown=_unknown(wide) if mapping.entities.check_in.status else {},
        records=[_record(row, mapping) for row in wide.head(limit).iter_rows(named=True)],
        rejected=[{"row_num": one.row_num, "reasons": one.reasons, "detail": one.detail} for one in rejected[:limit]],
        pending=proposed.pending.head(limit).to_dicts(),
        waiting=proposed.pending.height,
        left_out=proposed.left_out,
        repeated=proposed.repeated,
    )


def _unknown(wide: pl.DataFrame) -> dict[str, int]:
    words = wide.filter(pl.col("check_in.status").is_null())["check_in.status_raw"].drop_nulls()
    return dict(Counter(words).most_common())


def _record(row: dict[str, Any], mapping: Mapping) -> dict[str, Any]:
    shown = {entity: {field: row[f"{entity}.{field}"] for field in fields_of(mapping, entity)} for entity in ENTITIES}
    if not row["outcome.is_final"]:
        shown.pop("outcome")
    shown["key_result"]["attributes"] = orjson.loads(row["key_result.attributes"])
    return {"row_num": row["row_num"], "part": row[PART], **shown}
