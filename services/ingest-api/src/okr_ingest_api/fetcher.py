"""Fetching: page after page of a source into okr_raw, from wherever it was left."""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from okr_common.clock import Clock, utc_now
from okr_common.errors import PermanentError, RetryableError
from okr_common.logs import logger
from okr_common.sources import ApiBlock
from okr_ingest_api.client import Client, Clients
from okr_ingest_api.domain.answers import AskAgainError, AskedToWaitError
from okr_ingest_api.domain.requests import ENDING, Request, begins_anew
from okr_ingest_api.settings import IngestApiSettings
from okr_ingest_api.store.pages import Held, Store

log = logger(__name__)


@dataclass
class Fetcher:
    """Carries requests to their end. `announced` wakes the relay; `fetching` says which page each source is at.

    `missed` tells of a source whether it matters which objects it has no more.
    """

    store: Store
    clients: Clients
    settings: IngestApiSettings
    announced: Callable[[], None]
    missed: Callable[[str], bool] = lambda _: False
    clock: Clock = utc_now
    fetching: dict[str, int] = field(default_factory=dict)

    async def fetch(self, source: str, api: ApiBlock, run_id: UUID) -> Request:
        """This run's pass over the source, done; what an earlier run left unfinished is finished before it.

        Raises RetryableError when the API or another replica is in the way, PermanentError when somebody must mend
        something. What was fetched until then stays, and the next attempt goes on behind it.
        """
        is_missed = self.missed(source)
        async with self.store.hold(source, is_missed=is_missed) as held, self.clients.of(source, api) as client:
            if held is None:
                raise RetryableError(f"another replica is fetching {source}")
            try:
                left = await held.unfinished()
                if left is not None and left.run_id != run_id:
                    log.info("request_taken_up", source=source, request=left.request, page=left.pages + 1)
                    await self._carry(held, client, left, api)
                return await self._carry(held, client, await held.request_of(run_id), api)
            finally:
                self.fetching.pop(source, None)

    async def _carry(self, held: Held, client: Client, request: Request, api: ApiBlock) -> Request:
        """Page after page until the request is done."""
        while request.state == "fetching":
            self.fetching[request.source] = request.pages + 1
            try:
                request = await self._turn(held, client, request, api)
            except AskedToWaitError as why:
                await held.trouble(request, why, why.until)
                raise
            except PermanentError as why:
                request = await self._after(held, request, why)
            except AskAgainError as why:
                await held.trouble(request, PermanentError(why.result, str(why)))
                raise
            self.announced()
        log.info("request_ended", source=request.source, request=request.request, rows=request.rows)
        return request

    async def _turn(self, held: Held, client: Client, request: Request, api: ApiBlock) -> Request:
        if request.not_before is not None and request.not_before > self.clock():
            raise AskedToWaitError(request.not_before)
        page = await client.page(request.cursor)
        return await held.add(request, page, api, self.settings.max_pages)

    async def _after(self, held: Held, request: Request, why: PermanentError) -> Request:
        """What becomes of a request that asking again does not help: it begins anew, ends, or waits at its cursor."""
        log.warning("request_in_trouble", source=request.source, reason=why.reason, error=str(why))
        if begins_anew(request, why):
            return await held.rewind(request, why)
        if why.reason in ENDING:
            await held.fail(request, why)
        else:
            await held.trouble(request, why)
        raise why
