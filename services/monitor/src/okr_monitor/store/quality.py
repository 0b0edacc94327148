"""The oracle's counts, from okr_raw, okr_processed and okr_curated."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import asyncpg

from okr_common.sql import queries
from okr_monitor.domain.data_quality import LOST, RESULTS, ProcessedCounts, RawCounts

SQL = queries("okr_monitor")
ENDED = LOST | {"done", "vanished"}
Rows = Sequence[asyncpg.Record]


class Quality:
    """Counts by source."""

    def __init__(self, raw: asyncpg.Pool, processed: asyncpg.Pool, curated: asyncpg.Pool) -> None:
        self._raw = raw
        self._processed = processed
        self._curated = curated

    async def processed(self) -> list[ProcessedCounts]:
        """What etl made of each source; asked before `raw`, so that what is read there covers at least as much."""
        heads = {row["source"]: row["head"] for row in await self._processed.fetch(SQL["processed_heads"])}
        results = {row["source"]: row for row in await self._processed.fetch(SQL["processed_results"])}
        reasons = _nested(await self._processed.fetch(SQL["rejected_reasons"]), "reason", "rows")
        due = _by_source(await self._processed.fetch(SQL["documents_due"]))
        documents = _by_source(await self._curated.fetch(SQL["documents"]))
        return [
            ProcessedCounts(
                source=name,
                head=heads[name],
                rows=results[name]["rows"] if name in results else 0,
                results={key: results[name][key] for key in RESULTS} if name in results else {},
                reasons=reasons.get(name, {}),
                documents=documents.get(name, 0),
                documents_due=due.get(name, 0),
            )
            for name in heads
        ]

    async def raw(self, heads: Mapping[str, int], lately: timedelta) -> list[RawCounts]:
        """What was read of each source; `heads` are etl's positions."""
        batches = {
            row["source"]: row for row in await self._raw.fetch(SQL["raw_batches"], list(heads), list(heads.values()))
        }
        files = await self._raw.fetch(SQL["raw_files"], lately)
        unreadable = _nested(await self._raw.fetch(SQL["raw_unreadable"]), "reason", "records")
        return [_raw(name, files, batches.get(name), unreadable.get(name, {})) for name in _names(files, batches)]


def _names(files: Rows, batches: Mapping[str, asyncpg.Record]) -> list[str]:
    return sorted({*(row["source"] for row in files), *batches})


def _raw(name: str, files: Rows, batches: asyncpg.Record | None, unreadable: Mapping[str, int]) -> RawCounts:
    mine = [row for row in files if row["source"] == name]
    counts = {key: batches[key] for key in ("rows", "batches", "last_position", "rows_to_head")} if batches else {}
    return RawCounts(
        source=name,
        files={row["state"]: row["files"] for row in mine},
        unreadable=unreadable,
        ended_lately=sum(row["lately"] for row in mine if row["state"] in ENDED),
        lost_lately=sum(row["lately"] for row in mine if row["state"] in LOST),
        **counts,
    )


def _by_source(rows: Rows) -> dict[str, int]:
    return {row["source"]: row["documents"] for row in rows}


def _nested(rows: Rows, name: str, number: str) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row["source"], {})[row[name]] = row[number]
    return found
