"""Running a service's parts inside a test, with the clock that the test sets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from okr_common.service import Part, Parts
from okr_common.testing.waiting import until

STOP_SECONDS = 20.0


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[Parts]:
    """Started as the service's process starts them, ready on entry; stopped in its order. A part that died raises."""
    stop, last = asyncio.Event(), asyncio.Event()
    workers = [asyncio.create_task(_run(part, stop), name=name) for name, part in parts.workers.items()]
    carriers = [asyncio.create_task(_run(part, last), name=name) for name, part in parts.carriers.items()]

    async def is_ready() -> bool:
        for task in (*workers, *carriers):
            if task.done():
                task.result()
        return all(check() is None for check in parts.ready.values())

    try:
        await until(is_ready, within=40)
        yield parts
    finally:
        stop.set()
        await asyncio.wait(workers, timeout=STOP_SECONDS)
        last.set()
        await asyncio.wait(carriers, timeout=STOP_SECONDS)
        for task in (*workers, *carriers):
            task.cancel()
    await asyncio.gather(*workers, *carriers)


async def _run(part: Part, until_set: asyncio.Event) -> None:
    await part(until_set)
