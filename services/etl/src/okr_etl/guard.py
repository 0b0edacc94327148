"""Frees what a replica holds that stands still: stopped, or on a machine that is gone.

In the midst of a batch it holds its source's head. Whoever waits for that applies nothing else meanwhile, and the
server alone would let it wait for as long as the connection seems to live.
"""

import asyncio
from datetime import timedelta

from okr_common.postgres.pool import until_done
from okr_etl.store.processed import ProcessedStore

STALLED = timedelta(seconds=15)
"""Between two statements of a batch lie seconds at most."""
LOOK_SECONDS = 5.0


class Guard:
    """Looks every few seconds."""

    def __init__(self, store: ProcessedStore) -> None:
        self._store = store

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`."""
        while not stop.is_set():
            await until_done("guard", lambda: self._store.end_stalled(STALLED), stop)
            try:
                await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
            except TimeoutError:
                continue
