"""The records of a batch, as they travel on okr_processed_records."""

import os
from dataclasses import dataclass
from itertools import repeat
from uuid import UUID

import orjson
import polars as pl

from okr_common import codec
from okr_common.clock import utc_now
from okr_common.delivery.outbox import Outgoing
from okr_common.delivery.relay import Page
from okr_common.events import event_name
from okr_common.postgres.copying import DELIMITER, QUOTE
from okr_common.records import ProcessedRecord
from okr_common.topics import PROCESSED_RECORDS
from okr_common.topology import STAGES
from okr_etl.domain.ids import uuids

STAGE = STAGES["etl"]
CE_TYPE = ProcessedRecord.ce_type
NONE = UUID(int=0)
COLUMNS = ("seq", "entity", "entity_id", "revision", "knowledge_time", "batch_id", "row_num", "payload", "closed")
"""Of entity_version, as `unit_records` reads it: the time in UTC, the last two as JSON text."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which batch, in which generation; of what stands there, the versions after one place up to another."""

    source: str
    position: int
    generation: int
    after_seq: int = 0
    until_seq: int | None = None


def as_read(rows: bytes) -> pl.DataFrame:
    """Rows of entity_version as COPY writes them with `COLUMNS` and `CSV`: all of it text."""
    if not rows:
        return pl.DataFrame(schema=dict.fromkeys(COLUMNS, pl.String))
    return pl.read_csv(
        rows, has_header=False, separator=DELIMITER, quote_char=QUOTE, new_columns=list(COLUMNS), infer_schema=False
    )


def as_written(versions: pl.DataFrame) -> pl.DataFrame:
    """The same of rows as they were written, with the columns of entity_version; none of them closes anything."""
    time = pl.col("knowledge_time").dt.to_string("%Y-%m-%d %H:%M:%S%.6f").str.replace(r"\.?0+$", "")
    known = versions.with_columns(time, closed=pl.lit(None, pl.String))
    return known.select(pl.col(COLUMNS).cast(pl.String))


def records(place: Place, versions: pl.DataFrame) -> Page:
    """Each of these rows of entity_version as a message; its place is its seq.

    Millions pass here, so what they share is made once, and columns are put together instead of rows.
    """
    if versions.is_empty():
        return Page()
    seq = pl.col("seq").cast(pl.Int64)
    told = versions.select(seq, _bytes(pl.col("entity_id")), _subject(), _bytes(_value(place)))
    ids = uuids(told.select(_name(place)).to_series())
    told = told.with_columns(ids.alias("ce_id")).with_columns(_parent(told.height))
    keys, values = told["entity_id"].to_list(), told["value"].to_list()
    source = repeat(place.source)
    rows_of = zip(source, repeat(PROCESSED_RECORDS.name), source, keys, values, _headers(told), repeat(None))
    return Page(told["seq"][-1], list(map(Outgoing._make, rows_of)))


def _headers(told: pl.DataFrame) -> list[dict[str, str]]:
    shared = codec.envelope(ce_id=NONE, ce_type=CE_TYPE, source=STAGE.event_source, subject="", time=utc_now())
    own = zip(*(told[name].to_list() for name in ("ce_id", "subject", "parent")), strict=True)
    return [{**shared, "ce_id": one, "ce_subject": subject, "traceparent": parent} for one, subject, parent in own]


def _bytes(text: pl.Expr) -> pl.Expr:
    return text.cast(pl.Binary)


def _subject() -> pl.Expr:
    return pl.concat_str("entity_id", pl.lit("@"), "revision").alias("subject")


def _name(place: Place) -> pl.Expr:
    """What the ids of the messages are derived from."""
    return pl.format(event_name(CE_TYPE, "{}", place.generation), "subject")


def _parent(messages: int) -> pl.Expr:
    """A new traceparent of each message, in the trace that its id names."""
    spans = os.urandom(8 * messages).hex()
    own = pl.Series([spans[start : start + 16] for start in range(0, len(spans), 16)], dtype=pl.String)
    return pl.format("00-{}-{}-01", pl.col("ce_id").str.replace_all("-", "", literal=True), own).alias("parent")


def _value(place: Place) -> pl.Expr:
    """A ProcessedRecord as JSON, its payload as it stands in the table."""
    shared = {"source": place.source, "position": place.position, "generation": place.generation}
    named = {
        **{name: pl.col(name) for name in ("seq", "revision", "batch_id", "row_num", "payload")},
        **{name: _quoted(pl.col(name)) for name in ("entity", "entity_id")},
        "knowledge_time": _quoted(pl.col("knowledge_time").str.replace(" ", "T", literal=True) + "+00:00"),
    }
    parts = [part for name, text in named.items() for part in (pl.lit(f',"{name}":'), text)]
    closed = (pl.lit(',"closed":') + pl.col("closed")).fill_null("")
    return pl.concat_str(pl.lit(orjson.dumps(shared).decode()[:-1]), *parts, closed, pl.lit("}")).alias("value")


def _quoted(text: pl.Expr) -> pl.Expr:
    """Of what needs no escapes."""
    return pl.concat_str(pl.lit('"'), text, pl.lit('"'))
