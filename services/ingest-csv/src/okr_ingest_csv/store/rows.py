"""Files, batches and ranges as rows of okr_raw."""

from collections.abc import AsyncIterator, Sequence

import asyncpg
import orjson

from okr_ingest_csv.domain.batch import Batch
from okr_ingest_csv.domain.plan import Range
from okr_ingest_csv.domain.progress import Claimed
from okr_ingest_csv.domain.record import Place, Repair
from okr_ingest_csv.store.endings import Ending
from okr_ingest_csv.store.facts import Portion

UNREADABLE = ("batch_id", "number", "first_line", "last_line", "byte_start", "byte_len", "reason", "detail", "raw")


def progress_row(portion: Portion, ending: Ending) -> tuple[object, ...]:
    """In the order of `advance`."""
    batch = portion.batch
    return (
        portion.file.file_id,
        batch.start.byte,
        portion.number,
        batch.rows,
        len(batch.unreadable),
        batch.after.byte,
        batch.after.line,
        ending.state,
        ending.reason,
        ending.detail,
        ending.duplicates,
        ending.known_rows,
        ending.compared_with,
        batch.batch_id,
        batch.start.row,
        batch.profile.as_json(),
    )


async def one_by_one(pieces: Sequence[bytes]) -> AsyncIterator[bytes]:
    """Pieces as COPY asks for them."""
    for piece in pieces:
        yield piece


def claimed_file(row: asyncpg.Record) -> Claimed:
    """A file as `held_files` gives it."""
    repair = orjson.loads(row["repair"]) if row["repair"] else None
    values = {
        **row,
        "header": tuple(orjson.loads(row["header"])),
        "repair": repair and Repair(repair["column"], tuple(repair["numeric"]), tuple(repair.get("dated", ()))),
    }
    return Claimed(**{field: values[field] for field in Claimed.__dataclass_fields__})


def range_row(file_id: int, number: int, one: Range) -> tuple[int | bytes, ...]:
    """In the order of `put_range`."""
    start = one.start
    return file_id, number, start.byte, one.length, start.line, one.lines, start.row, one.records, one.sha256


def range_of(row: asyncpg.Record) -> Range:
    """A range as `ranges` gives it."""
    start = Place(row["byte_start"], row["line_start"], row["first_row"])
    return Range(start, row["bytes"], row["lines"], row["records"], row["sha256"])


def unreadable_rows(batch: Batch) -> list[tuple[object, ...]]:
    """In the order of UNREADABLE."""
    return [
        (
            batch.batch_id,
            number,
            one.first_line,
            one.last_line,
            one.byte_start,
            one.byte_len,
            one.reason,
            one.detail,
            one.raw,
        )
        for number, one in enumerate(batch.unreadable, 1)
    ]
