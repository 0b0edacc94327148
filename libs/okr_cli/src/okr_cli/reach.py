"""Where the stack is that a command speaks to: the addresses of `okr env`, and what to say when nobody is there."""

import os
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import asyncpg
import httpx2
import typer

from okr_cli.context import stack_of
from okr_common.errors import OkrError
from okr_stack.stack import Stack

NO_HEADERS: Mapping[str, str] = MappingProxyType({})
CONNECT_SECONDS = 5.0
REST_SECONDS = 30.0
WORK_SECONDS = 900.0
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Where a service is asked without TLS: to load all certificates there are takes a command 30 ms."""


class NotUpError(OkrError):
    """There is no stack to speak to; the message says how to start it."""


class RefusedError(OkrError):
    """A service refuses; `status` is HTTP's, `detail` in its own words."""

    def __init__(self, asked: str, status: int, detail: str) -> None:
        super().__init__(f"{asked}: {detail}")
        self.status = status
        self.detail = detail


@dataclass(frozen=True)
class Reach:
    """The addresses of one stack; `state` is its folder."""

    env: Mapping[str, str]
    state: Path

    @classmethod
    def of(cls, stack: Stack) -> "Reach":
        """This stack. Raises OkrError where it was never up."""
        return cls(stack.env(), stack.state.folder)

    @property
    def bootstrap(self) -> str:
        """Kafka."""
        return self.env["OKR_KAFKA_BOOTSTRAP"]

    async def connect(self, database: str) -> asyncpg.Connection:
        """A connection under the read-only role. Raises NotUpError where nobody answers."""
        try:
            return await asyncpg.connect(
                self.env[f"OKR_POSTGRES_DSN_{database.upper()}"],
                timeout=CONNECT_SECONDS,
                server_settings={"application_name": "okr-cli", "timezone": "UTC"},
            )
        except (OSError, TimeoutError, asyncpg.CannotConnectNowError) as error:
            raise NotUpError(f"PostgreSQL of {self.state} does not answer ({_cause(error)}): {self._cure()}") from error

    @asynccontextmanager
    async def database(self, name: str) -> AsyncIterator[asyncpg.Connection]:
        """A connection for one command."""
        connection = await self.connect(name)
        try:
            yield connection
        finally:
            await connection.close()

    def get(self, service: str, path: str, **parameters: str | float | bool) -> httpx2.Response:
        """Asks a service; see `_answered`."""
        return self._answered("GET", service, path, params=parameters)

    def work_out(self, service: str, path: str, **parameters: str | float | bool) -> httpx2.Response:
        """Asks a service for what it has to compute over all it has stored, which may take minutes; see `_answered`."""
        timeout = httpx2.Timeout(REST_SECONDS, read=WORK_SECONDS)
        return self._answered("GET", service, path, params=parameters, timeout=timeout)

    def post(self, service: str, path: str, body: object, headers: Mapping[str, str] = NO_HEADERS) -> httpx2.Response:
        """Tells a service; see `_answered`."""
        return self._answered("POST", service, path, json=body, headers=headers)

    def api_key(self) -> dict[str, str]:
        """The header of requests that change something: the key that the environment sets, else the stack's own."""
        key = os.environ.get("OKR_REST__API_KEY")
        file = Path(os.environ.get("OKR_REST__API_KEY_FILE", self.state / "api_key"))
        if key is None and file.is_file():
            key = file.read_text().strip()
        return {"X-API-Key": key} if key else {}

    def upload(
        self, service: str, path: str, body: Iterator[bytes], length: int | None, **parameters: str
    ) -> httpx2.Response:
        """Sends bytes, as many as there are; the answer may take as long as reading them through; see `_answered`."""
        headers = {} if length is None else {"Content-Length": str(length)}
        timeout = httpx2.Timeout(REST_SECONDS, read=None)
        return self._answered("POST", service, path, params=parameters, content=body, headers=headers, timeout=timeout)

    def _answered(self, method: str, service: str, path: str, **more: object) -> httpx2.Response:
        """The answer. Raises NotUpError where nobody listens, RefusedError in the service's words where it refuses."""
        url = self.env[f"OKR_{service.replace('-', '_').upper()}_URL"] + path
        try:
            more = {"timeout": REST_SECONDS, "verify": PLAIN if url.startswith("http:") else True, **more}
            response = httpx2.request(method, url, **more)  # type: ignore[arg-type]
        except httpx2.TransportError as error:
            raise NotUpError(f"{service} does not answer at {url} ({_cause(error)}): {self._cure()}") from error
        if response.is_error:
            asked = f"{service} answered {response.status_code} to {method} {path}"
            raise RefusedError(asked, response.status_code, _detail(response))
        return response

    def _cure(self) -> str:
        return "run `okr up`, or name another stack with --state; `okr status` says what runs"


def reach_of(context: typer.Context) -> Reach:
    """The stack that `okr --state` names."""
    return Reach.of(stack_of(context))


def _detail(response: httpx2.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return response.text[:500]


def _cause(error: Exception) -> str:
    """What an exception says; one that says nothing, as of a time that is over, by its name.

    >>> _cause(TimeoutError()), _cause(OSError("no route"))
    ('TimeoutError', 'no route')
    """
    return str(error) or type(error).__name__
