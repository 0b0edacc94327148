"""How far challengers are behind the models they follow, as a metric: their own process has no page of metrics."""

import asyncio

from okr_common.metrics import CHALLENGER_BEHIND
from okr_common.postgres.pool import until_done
from okr_trainer.store import SQL, Pool

LOOK_SECONDS = 15.0


class Trailing:
    """Looks every now and then, also where nobody learns any more."""

    def __init__(self, ops: Pool) -> None:
        self._ops = ops

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`."""
        while not stop.is_set():
            await until_done("trailing", self.look, stop)
            try:
                await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
            except TimeoutError:
                continue

    async def look(self) -> None:
        """Sets the metric; of challengers that are no more it is gone."""
        rows = await self._ops.fetch(SQL["trailing"])
        CHALLENGER_BEHIND.clear()
        for row in rows:
            CHALLENGER_BEHIND.labels(row["model"], row["pipeline"]).set(row["behind"])
