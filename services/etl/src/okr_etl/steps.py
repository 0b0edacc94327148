"""The steps of a run: the same code as between the cadences, on whatever is still pending.

A run writes nothing of a source itself: it asks for the source by a work item, and the applier says when it is done.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NoReturn

from okr_common import polling
from okr_common.counted import counted
from okr_common.errors import PermanentError
from okr_common.kafka.admin import end_offsets
from okr_common.logs import logger
from okr_common.postgres import work_items
from okr_common.run_steps import RunContext, Steps
from okr_common.topics import PROCESSED_RECORDS
from okr_etl.domain.reconcile import Drift, drifts
from okr_etl.mappings import Mappings
from okr_etl.store.items import APPLY, PIPELINE
from okr_etl.stores import Stores

Detail = Mapping[str, Any]
NAMED = 10
"""Batches that a step's error tells of; the log has them all."""
log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Pending:
    """Released batches of a source that are not applied: those after `applied`, up to `released`."""

    applied: int
    released: int


@dataclass(frozen=True, slots=True)
class EtlSteps:
    """What a run of etl does.

    `patience` is for ingest-csv's sweep; batches of the time `recounted` until now are counted again; `asked` has the
    applier look for work items now.
    """

    stores: Stores
    mappings: Mappings
    bootstrap: str
    patience: timedelta
    recounted: timedelta
    asked: Callable[[], None]

    def as_steps(self) -> Steps:
        """By their names in the ledger."""
        return {
            "discover": self.discover,
            "ingest_raw": self.ingest_raw,
            "transform_validate": self.transform_validate,
            "load_processed": self.load_processed,
            "reconcile": self.reconcile,
            "curate": self.curate,
            "publish": self.publish,
        }

    async def discover(self, context: RunContext) -> Detail:
        """ingest-csv has swept its folders; without its answer the run goes on, degraded."""
        run = await context.ask("ingest-csv", self.patience)
        return {"asked": run.pipeline, "run": str(run.run_id), "state": run.state}

    async def ingest_raw(self, _: RunContext) -> Detail:
        """Which released batches in okr_raw no result speaks of yet."""
        pending = await self._pending()
        return {
            "batches": sum(one.released - one.applied for one in pending.values()),
            "sources": {source: {"after": one.applied, "to": one.released} for source, one in pending.items()},
        }

    async def transform_validate(self, _: RunContext) -> Detail:
        """The mapping of each pending source fits what it is to read; one that does not stops only its own source."""
        sound, trouble = await self._judged()
        if trouble:
            told = "; ".join(f"{source}: {why}" for source, why in trouble.items())
            raise PermanentError("sources_wait", f"{told}. Their batches wait until that is mended.")
        return {"sound": sound}

    async def load_processed(self, context: RunContext) -> Detail:
        """Every pending batch of a source with a sound mapping is applied, every key result that is due decided.

        Rows that wait for a parent are told with the batch that brings it, so none is left whose parent is there; the
        step counts them anyway.
        """
        sources, _ = await self._judged()
        sources += [source for source in await self._ending() if source not in sources]
        await work_items.request(context.pool, PIPELINE, APPLY, sources, context.run_id)
        self.asked()
        done = await work_items.wait(context.pool, context.run_id, APPLY)
        heads = {source: result.get("position") for source, result in done.items()}
        applied = await self.stores.quality.applied_since(_began(context))
        overlooked = await self.stores.processed.parents.overlooked()
        return {"heads": heads, **applied, "pending_with_parent": overlooked}

    async def reconcile(self, context: RunContext) -> Detail:
        """The batches of the last days are counted again; one that does not add up makes the run degraded."""
        since = _began(context) - self.recounted
        first, heads = await self.stores.reconciling.since(since), await self.stores.processed.heads()
        results = await self.stores.reconciling.results(first)
        batches = await self.stores.reconciling.batches(first)
        found = drifts(batches, results, heads)
        if found:
            await self._tell(found, context)
        return {"since": since, "batches": len(batches), "rows": sum(one.found_rows for one in batches)}

    async def _tell(self, found: Sequence[Drift], context: RunContext) -> NoReturn:
        for drift in found:
            log.error(
                "batch_drifted", source=drift.source, position=drift.position, batch=drift.batch_id, wrong=drift.wrong
            )
        await self.stores.reconciling.tell(found, context.run_id)
        self.stores.relays.processed.wake()
        named = ". ".join(map(str, found[:NAMED]))
        more = f". And {len(found) - NAMED} more: see the log" if len(found) > NAMED else ""
        raise PermanentError(
            "counts_drift", f"{counted(len(found), 'batch does', 'batches do')} not add up. {named}{more}."
        )

    async def curate(self, _: RunContext) -> Detail:
        """Every document that was due when the step began is written."""
        documents, revision = await self.stores.documents.due_now()
        await polling.until(partial(self._written, revision))
        return {"documents": documents}

    async def publish(self, _: RunContext) -> Detail:
        """Kafka has acknowledged everything that was to be said; where the records end, for those who need this run."""
        messages = await self.stores.processed.until_sent() + await self.stores.documents.until_sent()
        ends = await asyncio.to_thread(end_offsets, self.bootstrap, PROCESSED_RECORDS)
        places = {str(partition): offset for partition, offset in ends.items()}
        return {"messages": messages, "end_offsets": {PROCESSED_RECORDS.name: places}}

    async def _pending(self) -> dict[str, Pending]:
        heads = await self.stores.processed.heads()
        released = await self.stores.raw.released_positions()
        behind = {source: Pending(heads.get(source, 0), position) for source, position in released.items()}
        return {source: one for source, one in behind.items() if one.released > one.applied}

    async def _judged(self) -> tuple[list[str], dict[str, PermanentError]]:
        """The pending sources that can be applied, and what is wrong with the others."""
        sound, trouble = [], {}
        for source, pending in (await self._pending()).items():
            batch = await self.stores.raw.released(source, pending.applied + 1)
            try:
                self.mappings.of(source, batch.header if batch else [])
            except PermanentError as why:
                trouble[source] = why
            else:
                sound.append(source)
        return sound, trouble

    async def _ending(self) -> list[str]:
        """The sources whose key results end by their due dates, as far as there are any."""
        heads = await self.stores.processed.heads()
        return [source for source in self.mappings.ending_by_due_date() if source in heads]

    async def _written(self, revision: int) -> bool:
        return not await self.stores.documents.still_due(revision)


def _began(context: RunContext) -> datetime:
    assert context.run.started_at is not None  # noqa: S101 - a step runs in a run that was started
    return context.run.started_at
