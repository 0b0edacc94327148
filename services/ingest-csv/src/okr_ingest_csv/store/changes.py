"""What is new in a file beside the source's file before it: counted, and kept row by row where it is little."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import asyncpg

from okr_common.delivery.outbox import Connection
from okr_common.logs import logger
from okr_ingest_csv.store.turns import SQL

log = logger(__name__)
COUNT_SECONDS = 60.0
"""What is not counted by then is not told."""
LITTLE = 0.25
"""Of a file's rows: where more are new or gone, a reader does as well to read it all."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A file and the one before it, each with the batches that have its rows."""

    file_id: int
    batch_ids: Sequence[int]
    before: int
    before_batch_ids: Sequence[int]
    same_header: bool


@dataclass(frozen=True, slots=True)
class Change:
    """How many rows both have; `compared_with`: the file before, where the rows that only one has are kept."""

    known_rows: int
    compared_with: int | None


async def compared(connection: Connection, pairs: Sequence[Pair]) -> dict[int, Change]:
    """The change of each file, by its id; nothing where the database took too long over it."""
    arrays = [*numbered(pair.batch_ids for pair in pairs), *numbered(pair.before_batch_ids for pair in pairs)]
    rows = await counted(connection, "compare", *arrays) if pairs else []
    return {pairs[row["file"]].file_id: await _kept(connection, pairs[row["file"]], row) for row in rows or ()}


async def _kept(connection: Connection, pair: Pair, row: asyncpg.Record) -> Change:
    few = max(row["changed"], row["gone"]) <= LITTLE * (row["known"] + row["changed"])
    if not few or not pair.same_header:
        return Change(row["known"], None)
    try:
        async with connection.transaction():  # a savepoint: what takes too long costs only itself
            mine, before = pair.batch_ids, pair.before_batch_ids
            if row["changed"]:
                await _put(connection, "put_changed", pair.file_id, mine, before)
            if row["gone"]:
                await _put(connection, "put_gone", pair.file_id, before, mine)
    except TimeoutError:
        _tell("put_changed")
        return Change(row["known"], None)
    return Change(row["known"], pair.before)


async def _put(connection: Connection, query: str, file_id: int, of: Sequence[int], others: Sequence[int]) -> None:
    await connection.execute("set local enable_nestloop = off")
    await connection.execute(SQL[query], file_id, of, others, timeout=COUNT_SECONDS)
    await connection.execute("set local enable_nestloop = on")


async def counted(connection: Connection, query: str, *values: object) -> Sequence[asyncpg.Record] | None:
    """The rows of a query that may be costly; None where the database took too long over it."""
    try:
        async with connection.transaction():
            return await connection.fetch(SQL[query], *values, timeout=COUNT_SECONDS)
    except TimeoutError:
        _tell(query)
        return None


def _tell(query: str) -> None:
    log.warning("not_counted", query=query, seconds=COUNT_SECONDS)


def numbered(lists: Iterable[Sequence[int]]) -> tuple[list[int], list[int]]:
    """All ids of all lists, and beside each the number of its list."""
    pairs = [(batch_id, number) for number, ids in enumerate(lists) for batch_id in ids]
    return [batch_id for batch_id, _ in pairs], [number for _, number in pairs]
