"""What an applied batch writes, as frames with the columns of the tables and as bytes for COPY."""

import asyncio
import hashlib
import io
from array import array
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

import orjson
import polars as pl

from okr_common.delivery.outbox import Connection
from okr_common.postgres.copying import CSV, DELIMITER, QUOTE, copied
from okr_common.sources import Mapping
from okr_etl.domain.batch import Applied, Proposed, RawBatch
from okr_etl.domain.cells import PART, ROW
from okr_etl.domain.contradictions import NONE_SAID
from okr_etl.domain.entities import attributes, fields_of
from okr_etl.domain.reasons import Rejected
from okr_etl.store.records import Place

PLACE = [ROW, PART]
"""What tells one check-in's row from another's."""
HEX = "\\x"
COPIED_AT_ONCE = 4_000
_VERSION = ("entity", "entity_id", "revision", "knowledge_time", "row_num", "payload")


def entity_versions(batch: RawBatch, applied: Applied, position: int, generation: int) -> pl.DataFrame:
    """entity_version: what is published, at this place."""
    return applied.published.select(
        pl.lit(batch.source).alias("source"),
        pl.lit(position).alias("position"),
        "seq",
        pl.lit(generation).alias("generation"),
        *_VERSION[:4],
        pl.lit(batch.batch_id).alias("batch_id"),
        *_VERSION[4:],
    )


def held_versions(batch: RawBatch, applied: Applied) -> pl.DataFrame:
    """held_version: every new version of what says from when it holds, those that are only kept included.

    And of what was closed before, whether it has a time or not: that it was closed may stand there.
    """
    stored = applied.resolved.filter(pl.col("number").is_not_null())
    return stored.filter((pl.col("holds_from").is_not_null() | _reopens()).any().over("entity_id")).select(
        *("entity_id", "number"),
        pl.col("holds_from").alias("held_from"),
        "revision",
        _hash(),
        pl.lit(batch.batch_id).alias("batch_id"),
        "row_num",
        pl.when(pl.col("revision").is_null()).then("payload").alias("payload"),
    )


def gaining_time(applied: Applied) -> list[str]:
    """The check-ins that had versions, none of them with a time, and have one with a time now, or open again."""
    placed = pl.col("number").is_not_null() & (pl.col("holds_from").is_not_null() | _reopens())
    gained = placed & pl.col("current_from").is_null() & pl.col("held_number").is_not_null()
    return applied.resolved.filter(gained)["entity_id"].unique().to_list()


def _reopens() -> pl.Expr:
    """Of what was closed: a version without content stands in held_version, or is to stand there now."""
    return pl.col("was_closed").fill_null(value=False)


def replay_versions(batch: RawBatch, applied: Applied) -> pl.DataFrame:
    """replay_version: every new version, those that are only kept included."""
    return due_in_replay(applied.resolved.with_columns(pl.lit(batch.batch_id).alias("batch_id")), batch.source)


def due_versions(news: pl.DataFrame, place: Place) -> pl.DataFrame:
    """entity_version: outcomes by due date, behind this place."""
    return news.select(
        pl.lit(place.source).alias("source"),
        pl.lit(place.position).alias("position"),
        pl.col("seq") + place.after_seq,
        pl.lit(place.generation).alias("generation"),
        *_VERSION[:4],
        "batch_id",
        *_VERSION[4:],
    )


def due_held(news: pl.DataFrame) -> pl.DataFrame:
    """held_version: the same outcomes."""
    holds_from = pl.col("holds_from").alias("held_from")
    return news.select("entity_id", "number", holds_from, "revision", _hash(), "batch_id", "row_num")


def due_in_replay(resolved: pl.DataFrame, source: str) -> pl.DataFrame:
    """replay_version: the new ones of these, each with its batch."""
    return resolved.filter(pl.col("number").is_not_null()).select(
        *("entity_id", "number"),
        pl.lit(source).alias("source"),
        *("entity", "revision"),
        pl.col("holds_from").alias("held_from"),
        _hash(),
        *("knowledge_time", "batch_id", "row_num", "payload"),
    )


def due_current(news: pl.DataFrame, source: str) -> pl.DataFrame:
    """outcome: the same, with the fields of their payloads."""
    fields = {"key_result_id": pl.String, "final_value": pl.Float64, "target": pl.Float64, "achieved": pl.Boolean}
    said = pl.Struct({**fields, "resolution": pl.String, "label_basis": pl.String})
    return news.select(
        pl.col("entity_id").alias("outcome_id"),
        pl.lit(source).alias("source"),
        *("source_id", "revision"),
        _hash(),
        *("knowledge_time", "batch_id", "row_num"),
        pl.col("payload").str.json_decode(said).struct.unnest(),
    )


def current(entity: str, batch: RawBatch, proposed: Proposed, applied: Applied, mapping: Mapping) -> pl.DataFrame:
    """objective, key_result, check_in or outcome: the newest versions; `is_held` where there is a row already."""
    newest = applied.current(entity)
    structs = {"attributes", "alignment"}
    names = fields_of(mapping, entity)
    fields = [pl.col(f"{entity}.{name}").alias(name) for name in names if name not in structs]
    if "alignment" in names:
        fields.append(pl.col(f"{entity}.alignment").struct.json_encode().alias("alignment"))
    if entity == "key_result":
        fields.append(attributes(mapping).alias("attributes"))
    said = proposed.wide.join(newest.select(PLACE), on=PLACE, how="semi").select(*PLACE, *fields)
    return (
        newest.select(
            pl.col("entity_id").alias(f"{entity}_id"),
            pl.lit(batch.source).alias("source"),
            "revision",
            _hash(),
            "knowledge_time",
            pl.lit(batch.batch_id).alias("batch_id"),
            *PLACE,
            pl.col("held_number").is_not_null().alias("is_held"),
        )
        .join(said, on=PLACE, how="left", maintain_order="left")
        .drop(PART)
    )


def key_result_revisions(proposed: Proposed, applied: Applied) -> pl.DataFrame:
    """key_result_revision: what held from when."""
    versions = applied.published.filter(pl.col("entity") == "key_result")
    said = {name: pl.col(f"key_result.{name}") for name in ("baseline", "target", "due_on")}
    return (
        versions.select(
            *PLACE, pl.col("entity_id").alias("key_result_id"), "revision", pl.col("held_from").alias("valid_from")
        )
        .join(proposed.wide.select(*PLACE, **said), on=PLACE, how="left", maintain_order="left")
        .drop(PLACE)
    )


def rejected(batch: RawBatch, rows: Sequence[Rejected]) -> pl.DataFrame:
    """The rejected rows with all their reasons."""
    cells = dict(batch.rows.select("row_num", "cells").iter_rows()) if rows else {}
    return pl.DataFrame(
        {
            "row_num": [row.row_num for row in rows],
            "reasons": ["{" + ",".join(f'"{reason}"' for reason in row.reasons) + "}" for row in rows],
            "detail": [orjson.dumps(row.detail).decode() for row in rows],
            "row_hash": [HEX + _row_hash(cells[row.row_num]) for row in rows],
        },
        schema={"row_num": pl.Int64, "reasons": pl.String, "detail": pl.String, "row_hash": pl.String},
    ).select(
        pl.lit(batch.source).alias("source"),
        pl.lit(batch.position).alias("position"),
        pl.lit(batch.batch_id).alias("batch_id"),
        *("row_num", "reasons", "detail", "row_hash"),
        pl.lit(batch.unit).alias("unit"),
    )


def _row_hash(cells: str) -> str:
    return hashlib.blake2b(cells.encode(), digest_size=16).hexdigest()


def _hash() -> pl.Expr:
    return (pl.lit(HEX) + pl.col("content_hash")).alias("content_hash")


class Ready(NamedTuple):
    """The new rows of a table that has a frame's columns, the first of them as COPY takes them."""

    table: str
    frame: pl.DataFrame
    first: bytes


def ready(table: str, frame: pl.DataFrame) -> Ready:
    """Makes rows ready to be copied."""
    return Ready(table, frame, as_csv(frame.head(COPIED_AT_ONCE)))


async def copy(connection: Connection, table: str, frame: pl.DataFrame) -> None:
    """Adds the rows of a frame to a table that has its columns."""
    await copy_ready(connection, await asyncio.to_thread(ready, table, frame))


async def copy_ready(connection: Connection, rows: Ready) -> None:
    """Adds these rows to their table."""
    if rows.frame.height:
        columns = rows.frame.columns
        await copied(connection, connection.copy_to_table(rows.table, source=_sliced(rows), columns=columns, **CSV))


async def _sliced(rows: Ready) -> AsyncIterator[bytes]:
    """As text a frame takes as much memory again: only a part of it does so at a time."""
    yield rows.first
    for part in rows.frame.slice(COPIED_AT_ONCE).iter_slices(COPIED_AT_ONCE):
        yield await asyncio.to_thread(as_csv, part)


def as_csv(frame: pl.DataFrame) -> bytes:
    """For COPY with `CSV`: null is nothing, an empty text is quoted."""
    buffer = io.BytesIO()
    frame.write_csv(buffer, include_header=False, separator=DELIMITER, quote_char=QUOTE)
    return buffer.getvalue()


def as_bytes(hashes: pl.Series) -> bytes:
    """Numbers of 8 bytes, in the machine's order: whoever reads them runs on one of its kind."""
    return array("Q", hashes.to_list()).tobytes()


def from_bytes(content: bytes) -> pl.Series:
    """The same numbers."""
    return pl.Series(NONE_SAID.name, array("Q", content), dtype=pl.UInt64)


def as_recordset(frame: pl.DataFrame) -> str:
    """For json_populate_recordset."""
    return frame.write_json()
