"""HTTP: one page of one source, asked for as often as it takes and never faster than the source allows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import httpx2
import stamina
from aiolimiter import AsyncLimiter

from okr_common import metrics, paths
from okr_common.clock import Clock, utc_now
from okr_common.errors import PermanentError
from okr_common.sources import ApiBlock
from okr_ingest_api.domain import answers
from okr_ingest_api.domain.answers import AskAgainError, AskedToWaitError
from okr_ingest_api.domain.paging import Page, query, read_page
from okr_ingest_api.settings import IngestApiSettings

AGENT = "okr-pipeline"


@dataclass
class Pace:
    """How fast a source may be asked, kept between its fetches; not at all before `paused_until`."""

    limiter: AsyncLimiter
    paused_until: datetime | None = None

    async def wait(self, now: datetime, longest_seconds: float) -> None:
        """Returns when the source may be asked. Raises AskedToWaitError when that is too far away."""
        if self.paused_until is not None:
            seconds = (self.paused_until - now).total_seconds()
            if seconds > longest_seconds:
                raise AskedToWaitError(self.paused_until)
            await asyncio.sleep(max(seconds, 0.0))
        await self.limiter.acquire()


@dataclass(frozen=True, slots=True)
class Client:
    """Asks one endpoint, under its token."""

    source: str
    api: ApiBlock
    http: httpx2.AsyncClient
    pace: Pace
    settings: IngestApiSettings
    clock: Clock

    async def page(self, cursor: str | None) -> Page:
        """The page at this cursor, None for the first.

        Raises AskAgainError when it could not be had in so many attempts, AskedToWaitError when the API wants a longer
        pause than we wait, PermanentError when asking again would not help.
        """
        async for attempt in stamina.retry_context(
            on=AskAgainError,
            attempts=self.settings.attempts,
            timeout=None,
            wait_initial=self.settings.first_wait_seconds,
            wait_max=self.settings.longest_wait_seconds,
            wait_jitter=self.settings.first_wait_seconds,
        ):
            with attempt:
                return await self._ask(cursor)
        raise AssertionError("unreachable: the loop returns or raises")

    async def _ask(self, cursor: str | None) -> Page:
        result = "page"
        try:
            return await asyncio.to_thread(read_page, await self._body(cursor), self.api)
        except AskAgainError as error:
            result = error.result
            if error.after is not None:
                self.pace.paused_until = answers.until(self.clock(), error.after)
            raise
        except PermanentError as error:
            result = error.reason
            raise
        finally:
            metrics.API_REQUESTS.labels(self.source, result).inc()

    async def _body(self, cursor: str | None) -> bytes:
        await self.pace.wait(self.clock(), self.settings.longest_wait_seconds)
        try:
            async with (
                asyncio.timeout(self.settings.timeout_seconds),
                self.http.stream("GET", self.api.path, params=query(self.api, cursor)) as response,
            ):
                answers.check(response.status_code, response.headers, self.clock(), with_cursor=cursor is not None)
                return await self._read(response)
        except (TimeoutError, httpx2.TimeoutException):
            seconds = self.settings.timeout_seconds
            raise AskAgainError("timeout", f"no complete answer within {seconds:g} s") from None
        except httpx2.TransportError as error:
            raise AskAgainError("transport", f"the connection failed: {error!r}") from error
        except (httpx2.DecodingError, httpx2.InvalidURL) as error:
            raise PermanentError("wrong_page", f"the answer cannot be read: {error!r}") from error

    async def _read(self, response: httpx2.Response) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > self.settings.max_page_bytes:
                limit = self.settings.max_page_bytes
                raise PermanentError(
                    "page_too_large", f"a page has more than {limit} bytes; ask for smaller ones in api.parameters"
                )
        return bytes(body)


class Clients:
    """Makes the client of a source; its pace, and the pause it asked for, are kept between its fetches."""

    def __init__(self, settings: IngestApiSettings, clock: Clock = utc_now) -> None:
        self._settings = settings
        self._clock = clock
        self._paces: dict[tuple[str, str, float], Pace] = {}

    @asynccontextmanager
    async def of(self, source: str, api: ApiBlock) -> AsyncIterator[Client]:
        """A client with the token as its file has it now. Raises PermanentError `no_token`."""
        headers = {"accept": "application/json", "user-agent": AGENT, **_authorization(api)}
        timeout = httpx2.Timeout(self._settings.timeout_seconds)
        async with httpx2.AsyncClient(base_url=api.base_url, headers=headers, timeout=timeout) as http:
            yield Client(source, api, http, self._pace(source, api), self._settings, self._clock)

    def _pace(self, source: str, api: ApiBlock) -> Pace:
        """Another address or speed in the mapping begins anew."""
        pace = Pace(AsyncLimiter(1, 1 / api.requests_per_second))
        return self._paces.setdefault((source, api.base_url, api.requests_per_second), pace)


def _authorization(api: ApiBlock) -> dict[str, str]:
    if api.token_file is None:
        return {}
    file = paths.home() / api.token_file
    try:
        token = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise PermanentError("no_token", f"the token_file {file} cannot be read: {error}") from None
    if not token or not token.isprintable():
        raise PermanentError("no_token", f"the token_file {file} must hold one line with the token")
    return {"authorization": f"Bearer {token}"}
