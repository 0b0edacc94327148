"""Documents: from okr_processed, where they are due, to okr_curated."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from operator import itemgetter
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from okr_common.delivery import outbox
from okr_common.delivery.outbox import announce
from okr_common.events import DocumentsCurated
from okr_common.topology import STAGES
from okr_etl.domain.documents import Document
from okr_etl.domain.goals import CheckIn, KeyResult, Objective, Outcome
from okr_etl.store import SQL

STAGE = STAGES["etl"]
ATTRIBUTES = [field.name for field in fields(KeyResult)].index("attributes")
"""The place of the field that is read as JSON."""
FIRST = itemgetter(0)
"""Of a check-in or an outcome its key result; after it come the fields, in their order."""


@dataclass(frozen=True, slots=True)
class Due:
    """Some due documents of one source: entity id -> revision, and the state to make them of."""

    source: str
    revisions: Mapping[str, int]
    objectives: Sequence[Objective]
    key_results: Sequence[KeyResult]

    @property
    def up_to(self) -> int:
        """The highest revision among them: what is due after it is not among them."""
        return max(self.revisions.values())

    @property
    def gone(self) -> list[str]:
        """Of what is no more: their documents go."""
        there = {one.entity_id for one in self.objectives} | {one.entity_id for one in self.key_results}
        return [entity_id for entity_id in self.revisions if entity_id not in there]


class DocumentStore:
    """The two ends of curating."""

    def __init__(self, processed: asyncpg.Pool, curated: asyncpg.Pool) -> None:
        self._processed = processed
        self._curated = curated

    async def due(self, sources: Sequence[str], limit: int, after: int = 0) -> Due | None:
        """The oldest due documents after this revision, of one of these sources, with what they are made of now."""
        rows = await self._processed.fetch(SQL["due_documents"], sources, limit, after)
        if not rows:
            return None
        ids = {
            entity: [row["entity_id"] for row in rows if row["entity"] == entity]
            for entity in ("objective", "key_result")
        }
        objectives, key_results = await asyncio.gather(
            self._objectives(ids["objective"]), self._key_results(ids["key_result"])
        )
        revisions = {str(row["entity_id"]): row["revision"] for row in rows}
        return Due(rows[0]["source"], revisions, objectives, key_results)

    async def _objectives(self, ids: Sequence[UUID]) -> list[Objective]:
        rows = await self._processed.fetch(SQL["document_objectives"], ids)
        return [Objective(**{**row, "entity_id": str(row["entity_id"])}) for row in rows]

    async def _key_results(self, ids: Sequence[UUID]) -> list[KeyResult]:
        queries = "document_key_results", "document_check_ins", "document_outcomes"
        rows, check_ins, outcomes = await asyncio.gather(*(self._processed.fetch(SQL[query], ids) for query in queries))
        histories: dict[str, list[CheckIn]] = defaultdict(list)
        for row in check_ins:
            histories[FIRST(row)].append(CheckIn._make(row[1:]))
        endings = {FIRST(row): Outcome(*row[1:]) for row in outcomes}
        return [_key_result(row, histories.get(FIRST(row), ()), endings.get(FIRST(row))) for row in rows]

    async def due_now(self) -> tuple[int, int]:
        """How many documents are due, and the highest revision among them."""
        row = await self._processed.fetchrow(SQL["due_now"])
        assert row is not None  # noqa: S101 - an aggregate has one row
        return row["documents"], row["revision"]

    async def still_due(self, revision: int) -> int:
        """How many documents are due up to this revision."""
        return int(await self._processed.fetchval(SQL["still_due"], revision))

    async def until_sent(self) -> int:
        """Kafka has acknowledged what stands in the outbox now; how many messages that was."""
        return await outbox.until_sent(self._curated, STAGE.service)

    async def write(self, due: Due, documents: Sequence[Document]) -> int:
        """Writes the documents, removes those of what is no more, and announces it; then they are due no longer.

        Returns how many changed.
        """
        columns = await asyncio.to_thread(_columns, documents, due.revisions)
        async with self._curated.acquire() as connection, connection.transaction():
            changed = await connection.fetchval(SQL["write_documents"], due.source, *columns)
            gone = due.gone, [due.revisions[entity_id] for entity_id in due.gone]
            changed += await connection.fetchval(SQL["remove_documents"], *gone) if due.gone else 0
            if (
                changed
            ):  # done again after a crash nothing changes, and another content must not travel under the same id
                event = DocumentsCurated(
                    source=due.source,
                    revision=due.up_to,
                    documents=len(due.revisions),
                    changed=changed,
                )
                await outbox.put(connection, STAGE.service, [announce(event, STAGE)])
        await self._processed.execute(SQL["written_documents"], " ".join(due.revisions), list(due.revisions.values()))
        return int(changed)

    async def list(
        self, source: str | None, entity: str | None, after: UUID | None, limit: int
    ) -> list[dict[str, Any]]:
        """Curated documents in the order of their ids."""
        return [
            _document(row) for row in await self._curated.fetch(SQL["list_documents"], source, entity, after, limit)
        ]

    async def get(self, entity_id: UUID) -> dict[str, Any] | None:
        """One curated document."""
        row = await self._curated.fetchrow(SQL["document"], entity_id)
        return None if row is None else _document(row)


def _key_result(row: asyncpg.Record, check_ins: Sequence[CheckIn], outcome: Outcome | None) -> KeyResult:
    before, after = row[:ATTRIBUTES], row[ATTRIBUTES + 1 :]
    said: list[Any] = [*before, orjson.loads(row[ATTRIBUTES]), *after, check_ins, outcome]
    return KeyResult(*said)


def _columns(documents: Sequence[Document], revisions: Mapping[str, int]) -> tuple[Any, ...]:
    """As `write_documents` has them; the ids in one text, which the driver need not read one by one."""
    return (
        " ".join(document.entity_id for document in documents),
        [document.entity for document in documents],
        [document.text for document in documents],
        [orjson.dumps(document.meta).decode() for document in documents],
        [orjson.dumps(document.labels).decode() for document in documents],
        [document.content_hash for document in documents],
        [revisions[document.entity_id] for document in documents],
    )


def _document(row: asyncpg.Record) -> dict[str, Any]:
    return {
        **row,
        "entity_id": str(row["entity_id"]),
        "meta": orjson.loads(row["meta"]),
        "labels": orjson.loads(row["labels"]),
    }
