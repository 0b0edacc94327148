"""What would be made of rows, before anybody loads them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson
import polars as pl

from okr_common.sources import Mapping
from okr_etl.domain.batch import RawBatch, propose
from okr_etl.domain.cells import PART
from okr_etl.domain.entities import ENTITIES, FIELDS, attributes


@dataclass(frozen=True, slots=True)
class Preview:
    """Of the first rows the canonical records; of all rows how many there are, and how many of each reason.

    `records`: row number and, by entity, its fields; `rejected`: row number, reasons, and a sentence for each. Of a
    transposed file `rows` are its lines, and `good` counts columns; a record has its column's place as `part`.
    """

    rows: int
    good: int
    transposed: bool
    entities: dict[str, int]
    reasons: dict[str, int]
    records: list[dict[str, Any]]
    rejected: list[dict[str, Any]]


def unloaded(header: Sequence[str], rows: Sequence[Sequence[str]], path: str, now: datetime) -> RawBatch:
    """Rows of a file as a batch that has no place among the batches of a source."""
    cells = pl.Series("cells", [orjson.dumps(row).decode() for row in rows], pl.String)
    frame = pl.DataFrame([pl.Series("row_num", range(1, len(rows) + 1), pl.Int64), cells])
    return RawBatch("", 0, 0, "", now, header, frame, path)


def preview(mapping: Mapping, batch: RawBatch, limit: int) -> Preview:
    """Carries the mapping out on these rows; at most `limit` records and rejected rows are told."""
    proposed = propose(replace(batch, source=mapping.name), mapping)
    wide = proposed.wide.with_columns(attributes(mapping).alias("key_result.attributes"))
    told = proposed.candidates.select("entity", "entity_id").unique()
    return Preview(
        rows=batch.rows.height,
        good=wide.height,
        transposed=mapping.is_transposed(batch.header),
        entities={entity: told.filter(entity=entity).height for entity in ENTITIES},
        reasons=dict(Counter(reason for one in proposed.rejected for reason in one.reasons).most_common()),
        records=[_record(row) for row in wide.head(limit).iter_rows(named=True)],
        rejected=[
            {"row_num": one.row_num, "reasons": one.reasons, "detail": one.detail} for one in proposed.rejected[:limit]
        ],
    )


def _record(row: dict[str, Any]) -> dict[str, Any]:
    shown = {entity: {field: row[f"{entity}.{field}"] for field in FIELDS[entity]} for entity in ENTITIES}
    if not row["outcome.is_final"]:
        shown.pop("outcome")
    shown["key_result"]["attributes"] = orjson.loads(row["key_result.attributes"])
    return {"row_num": row["row_num"], "part": row[PART], **shown}
