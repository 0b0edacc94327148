"""The five steps of a run of ingest-api (design §1). Each does what is pending; done again, it finds less to do."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from okr_common.counted import counted
from okr_common.errors import PermanentError, RetryableError
from okr_common.postgres.pool import AWAY
from okr_common.run_steps import RunContext, Steps
from okr_common.runs import StepSkippedError
from okr_common.sources import ApiBlock
from okr_ingest_api.domain.objects import read_objects
from okr_ingest_api.domain.requests import Request
from okr_ingest_api.domain.shape import Shape, shape_of
from okr_ingest_api.endpoints import Endpoints
from okr_ingest_api.fetcher import Fetcher
from okr_ingest_api.store.ledger import Ledger

ROWS_LOOKED_AT = 1_000
"""Per source and run: enough to see a renamed field."""
LOOK_SECONDS = 0.2

Report = dict[str, dict[str, Any]]
"""What was done, by source."""
Ask = Callable[[str, ApiBlock], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class ApiSteps:
    """The steps and what they work with."""

    endpoints: Endpoints
    fetcher: Fetcher
    ledger: Ledger

    def as_steps(self) -> Steps:
        """By the names of the topology."""
        return {
            "check_health": self.check_health,
            "fetch": self.fetch,
            "transform_validate": self.transform_validate,
            "publish": self.publish,
            "store": self.store,
        }

    async def check_health(self, context: RunContext) -> Report:
        """Each source's first page can be had with its token, and is what the mapping says."""
        return await self._each(context, self._look_at)

    async def fetch(self, context: RunContext) -> Report:
        """Every page of each source is in okr_raw, released and announced."""

        async def fetch(source: str, api: ApiBlock) -> dict[str, Any]:
            return _told(await self.fetcher.fetch(source, api, context.run_id))

        return await self._each(context, fetch)

    async def transform_validate(self, context: RunContext) -> Report:
        """What was stored still has the fields that the mapping makes entities of; etl judges row by row."""
        shapes: dict[str, Shape] = {}
        mappings = self.endpoints.all()
        for request in await self._requests(context.run_id):
            if request.rows and request.source in mappings:
                cells = await self.ledger.newest_rows(context.run_id, request.source, ROWS_LOOKED_AT)
                objects = (orjson.loads(one) for one in cells)
                shapes[request.source] = await asyncio.to_thread(shape_of, objects, mappings[request.source])
        if not shapes:
            raise StepSkippedError("no source had anything new")
        gone = [f"{source}: {told}" for source, shape in shapes.items() for told in shape.gone.values()]
        if gone:
            raise PermanentError("shape_changed", f"{'; '.join(gone)}. Mend the mapping's columns.")
        return {source: shape.as_json() for source, shape in shapes.items()}

    async def publish(self, context: RunContext) -> dict[str, Any]:
        """The broker has acknowledged every event and record of what was stored."""
        requests = await self._requests(context.run_id)
        sources = sorted({request.source for request in requests})
        self.fetcher.announced()
        await self._until_sent(sources)
        return {
            "sources": sources,
            "batches": sum(request.batches for request in requests),
            "records": sum(request.rows for request in requests),
        }

    async def store(self, context: RunContext) -> dict[str, Any]:
        """What is stored is what the pages held: rows, batches and cursors add up."""
        requests = await self._requests(context.run_id)
        wrong = await self.ledger.discrepancies(context.run_id)
        if wrong:
            raise PermanentError("does_not_add_up", "; ".join(wrong))
        return {request.source: {"state": request.state, **_told(request)} for request in requests}

    async def _look_at(self, source: str, api: ApiBlock) -> dict[str, Any]:
        began = time.monotonic()
        async with self.fetcher.clients.of(source, api) as client:
            page = await client.page(None)
        rows, unreadable = read_objects(page.records, api)
        seconds = round(time.monotonic() - began, 3)
        return {
            "records": len(rows),
            "unreadable": len(unreadable),
            "more": page.following is not None,
            "seconds": seconds,
        }

    async def _each(self, context: RunContext, do: Ask) -> Report:
        """Does it for each wanted source at once; one in trouble is told after all others are done."""
        asked = self.endpoints.enabled(context.run.parameters.get("sources"))
        if not asked:
            raise StepSkippedError("no API source is enabled")
        room = asyncio.Semaphore(self.fetcher.settings.parallel_sources)

        async def one(source: str, api: ApiBlock) -> dict[str, Any] | PermanentError | RetryableError:
            async with room:
                try:
                    return await do(source, api)
                except (PermanentError, RetryableError) as error:
                    return error
                except AWAY as error:
                    return RetryableError(f"the database is away: {error!r}")

        ends = await asyncio.gather(*(one(source, api) for source, (_, api) in asked.items()))
        return _well(dict(zip(asked, ends, strict=True)))

    async def _requests(self, run_id: UUID) -> list[Request]:
        requests = await self.ledger.requests_of_run(run_id)
        if not requests:
            raise StepSkippedError("no source was fetched")
        return requests

    async def _until_sent(self, sources: list[str]) -> None:
        deadline = time.monotonic() + self.fetcher.settings.publish_patience_seconds
        while unsent := await self.ledger.unsent(sources):
            if time.monotonic() > deadline:
                raise RetryableError(
                    f"the broker has not acknowledged {counted(unsent, 'outbox row')} of {', '.join(sources)}"
                )
            await asyncio.sleep(LOOK_SECONDS)


def _told(request: Request) -> dict[str, Any]:
    return {
        "request": request.request,
        "pages": request.pages,
        "batches": request.batches,
        "rows": request.rows,
        "unchanged": request.unchanged,
        "unreadable": request.unreadable,
    }


def _well(ends: Mapping[str, dict[str, Any] | PermanentError | RetryableError]) -> Report:
    """What each source came to. Raises when one came to grief: worth another attempt when any may pass by itself."""
    report = {source: end for source, end in ends.items() if isinstance(end, dict)}
    grief = {source: end for source, end in ends.items() if not isinstance(end, dict)}
    if not grief:
        return report
    text = "; ".join(f"{source}: {error}" for source, error in grief.items())
    reasons = {error.reason for error in grief.values() if isinstance(error, PermanentError)}
    if any(isinstance(error, RetryableError) for error in grief.values()):
        raise RetryableError(text)
    raise PermanentError(reasons.pop() if len(reasons) == 1 else "sources_failed", text)
