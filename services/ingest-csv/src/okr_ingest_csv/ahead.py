"""The ranges of one file that are read ahead of storing, within the room that all files share."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from okr_ingest_csv.domain.plan import Range
from okr_ingest_csv.ranges import RangeRead

Reading = Coroutine[Any, Any, RangeRead | None]


class Ahead:
    """The ranges that are being read, oldest first; each holds room until it is stored."""

    def __init__(self, room: asyncio.Semaphore, read: Callable[[Range, int], Reading]) -> None:
        self._room = room
        self._read = read
        self._tasks: deque[asyncio.Task[RangeRead | None]] = deque()
        self._held = 0

    async def begin(self, found: "asyncio.Queue[Range]", batch_ids: Sequence[int]) -> None:
        """So many of the first ranges, as they are found."""
        for batch_id in batch_ids:
            part = await found.get()
            if not await self.has_room():
                return
            self.add(part, batch_id)

    @property
    def begun(self) -> int:
        """How many are being read, or have been."""
        return len(self._tasks)

    async def has_room(self) -> bool:
        """Takes room for one more if there is any; the first one waits for it."""
        if self._held and self._room.locked():
            return False
        await self._room.acquire()
        self._held += 1
        return True

    def add(self, part: Range, batch_id: int) -> None:
        """One more is being read."""
        self._tasks.append(asyncio.create_task(self._read(part, batch_id)))

    async def next(self) -> RangeRead | None:
        """The oldest."""
        return await self._tasks.popleft()

    def stored(self) -> None:
        """The oldest needs no memory any more."""
        self._held -= 1
        self._room.release()

    async def cancel(self) -> None:
        """Nobody wants the rest."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for _ in range(self._held):
            self._room.release()
