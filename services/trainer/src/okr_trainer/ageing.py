"""Silent key results, judged again where a run asks for it: by their model's owner, a page between two batches."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from okr_common.clock import Clock
from okr_common.delivery.offsets import Held
from okr_common.postgres import source_days, work_items
from okr_common.postgres.work_items import WorkItem
from okr_common.topics import PROCESSED_RECORDS
from okr_common.topology import Stage
from okr_trainer import store
from okr_trainer.domain import ageing
from okr_trainer.domain.learner import Step
from okr_trainer.memory import Memory, Remembered
from okr_trainer.store import Owning, Pool

AGE = "age"
"""The kind of its work items."""
PAGE = 5_000
"""Key results judged in one transaction; the stream waits no longer than that takes."""


@dataclass(frozen=True, slots=True)
class Page:
    """What is decided, and not yet written. `left`: there is more of the item."""

    item: WorkItem
    held: Held
    remembered: Remembered
    step: Step
    left: bool


class Ageing:
    """Goes through the open items of the models held here."""

    def __init__(self, stage: Stage, processed: Pool, clock: Clock) -> None:
        self._stage = stage
        self._processed = processed
        self._clock = clock
        self._silent: dict[int, list[str]] = {}
        self._made: dict[int, int] = {}

    @property
    def under_way(self) -> bool:
        """An item is done in part."""
        return bool(self._silent)

    async def next(self, connection: Owning, held: Mapping[int, Held], memory: Memory) -> Page | None:
        """The next page of the oldest item of a model held here. An item that is asked for again begins anew."""
        for item in await work_items.open_items(connection, self._stage.service):
            partition = PROCESSED_RECORDS.partition_of(item.subject)
            if item.kind == AGE and partition in held:
                remembered = await memory.get(connection, item.subject, held[partition])
                return await self._judged(connection, item, held[partition], remembered)
        self._silent.clear()
        self._made.clear()
        return None

    async def _judged(self, connection: Owning, item: WorkItem, held: Held, remembered: Remembered) -> Page:
        learner = remembered.learner
        days = await source_days.todays(self._processed, self._clock())
        todays = {source: day.toordinal() for source, day in days.items()}
        if item.item_id not in self._silent:
            self._silent[item.item_id] = await asyncio.to_thread(ageing.silent, learner.states.unfolded(), todays)
        waiting = self._silent[item.item_id]
        origins = await store.origins(connection, learner.model, waiting[:PAGE])
        step = await asyncio.to_thread(ageing.age, learner, origins, todays)
        return Page(item, held, remembered, step, left=len(waiting) > PAGE)

    async def close(self, connection: Owning, page: Page) -> None:
        """With the last page, in its transaction, the item is done."""
        made = self._made.get(page.item.item_id, 0) + len(page.step.drafts)
        if not page.left:
            await work_items.close(connection, page.item, {"predictions": made})

    def committed(self, page: Page) -> None:
        """The page is written; what follows is the next one."""
        item = page.item.item_id
        self._made[item] = self._made.get(item, 0) + len(page.step.drafts)
        del self._silent[item][:PAGE]
        if not page.left:
            del self._silent[item], self._made[item]
