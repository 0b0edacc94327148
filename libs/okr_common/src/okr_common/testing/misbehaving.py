"""A real HTTP server with a paged check-in API that misbehaves on request. For tests: loopback only, bounded.

`python -m okr_common.testing.misbehaving --token-file FILE` prints one line of JSON with its port, then serves

    GET /v1/checkins?cursor=&limit=    pages of check-ins, behind the bearer token in FILE
    GET /recorded/NAME?...             a recorded answer of API NAME: the one whose cursor is among the parameters
    PUT /control/recorded              {"NAME": {"": its first answer, "cursor": the one it leads to}}
    PUT, POST /control/check_ins       replaces the check-ins, adds to them (one with a known id replaces that one)
    PUT /control/script                {"3": {"do": "cut"}}: what goes wrong at the third page request from now
    GET /control/log                   the page requests since then, and what each got
"""

import argparse
import asyncio
import json
import socket
import sys
import threading
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
import uvicorn
from fastapi import FastAPI, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from okr_common.testing.check_ins import check_ins

HOST = "127.0.0.1"
MOST_CHECK_INS = 50_000
LIFETIME_SECONDS = 900.0
"""It never outlives a forgotten test by more."""


class Misdeed(BaseModel):
    """What goes wrong: an error status, a late answer, a body cut in the middle, a page that names itself as next."""

    model_config = ConfigDict(extra="forbid")
    do: Literal["status", "slow", "cut", "loop"]
    status: int = Field(500, ge=400, le=599)
    retry_after: str | None = Field(None, description="the header as it is sent: seconds or a date")
    seconds: float = Field(5.0, gt=0, le=60)


@dataclass(frozen=True, slots=True)
class Asked:
    """A page request: its number since the last script, when it came (monotonic), and what it got."""

    number: int
    at: float
    cursor: str | None
    got: str


@dataclass
class Api:
    """All the server knows."""

    token: str
    check_ins: dict[str, dict[str, Any]] = field(default_factory=dict)
    recorded: dict[str, dict[str, Any]] = field(default_factory=dict)
    script: dict[int, Misdeed] = field(default_factory=dict)
    log: list[Asked] = field(default_factory=list)

    def add(self, check_ins: list[dict[str, Any]]) -> int:
        """New ones at the end, known ones in their place; beyond the bound, none."""
        merged = self.check_ins | {str(one["id"]): one for one in check_ins}
        if len(merged) <= MOST_CHECK_INS:
            self.check_ins = merged
        return len(self.check_ins)

    def note(self, cursor: str | None, got: str | None) -> Misdeed | None:
        """Writes a request down and says what goes wrong with it."""
        number = len(self.log) + 1
        misdeed = self.script.get(number) if got is None else None
        said = got or (misdeed.do if misdeed else "page")
        self.log.append(Asked(number, time.monotonic(), cursor, said))
        return misdeed

    def page(self, cursor: str | None, limit: int, *, loop: bool = False) -> bytes:
        """The body of a page. Raises ValueError where the cursor is none of ours."""
        start = 0 if cursor is None else int(urlsafe_b64decode(cursor))
        records = list(self.check_ins.values())[start : start + limit]
        more = start + limit < len(self.check_ins)
        following = urlsafe_b64encode(str(start + limit).encode()).decode() if more else None
        return orjson.dumps({"data": records, "meta": {"next_cursor": cursor if loop else following}})


def application(api: Api) -> FastAPI:
    """The app over this state."""
    app = FastAPI(openapi_url=None)
    _recorded(app, api)

    @app.get("/v1/checkins")
    async def page(
        cursor: str | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 10,
        authorization: Annotated[str, Header()] = "",
    ) -> Response:
        if authorization != f"Bearer {api.token}":
            api.note(cursor, "unauthorised")
            return Response(b'{"error":"unauthorised"}', 401)
        misdeed = api.note(cursor, None)
        try:
            body = api.page(cursor, limit, loop=misdeed is not None and misdeed.do == "loop")
        except ValueError:
            return Response(b'{"error":"unknown cursor"}', 400)
        return await _answer(body, misdeed)

    @app.put("/control/check_ins")
    async def replace(given: list[dict[str, Any]]) -> int:
        api.check_ins = {}
        return api.add(given)

    @app.post("/control/check_ins")
    async def add(given: list[dict[str, Any]]) -> int:
        return api.add(given)

    @app.put("/control/script")
    async def script(given: dict[int, Misdeed]) -> int:
        api.script, api.log = given, []
        return len(given)

    @app.get("/control/log")
    async def log() -> list[dict[str, Any]]:
        return [asdict(asked) for asked in api.log]

    return app


def _recorded(app: FastAPI, api: Api) -> None:
    @app.get("/recorded/{name}")
    async def answer(name: str, request: Request, authorization: Annotated[str, Header()] = "") -> Response:
        answers = api.recorded.get(name)
        if authorization != f"Bearer {api.token}" or answers is None:
            return Response(b'{"error":"nothing for you"}', 401 if answers else 404)
        asked = next((word for word in request.query_params.values() if word in answers), "")
        return Response(orjson.dumps(answers[asked]), media_type="application/json")

    @app.put("/control/recorded")
    async def record(given: dict[str, dict[str, Any]]) -> int:
        api.recorded = given
        return len(given)


async def _answer(body: bytes, misdeed: Misdeed | None) -> Response:
    match misdeed:
        case Misdeed(do="status"):
            headers = {"retry-after": misdeed.retry_after} if misdeed.retry_after else {}
            return Response(b'{"error":"as scripted"}', misdeed.status, headers)
        case Misdeed(do="cut"):
            return StreamingResponse(_half(body), headers={"content-length": str(len(body))})
        case Misdeed(do="slow"):
            await asyncio.sleep(misdeed.seconds)
    return Response(body, media_type="application/json")


async def _half(body: bytes) -> AsyncIterator[bytes]:
    """Ends too early, upon which uvicorn closes the connection."""
    yield body[: len(body) // 2]


def main() -> None:
    """Serves until its time is over, or with --tied until its standard input ends."""
    options = _options()
    api = Api(options.token_file.read_text().strip())
    api.add(check_ins(options.outcomes, options.weeks))
    listening = socket.create_server((HOST, options.port))
    server = uvicorn.Server(uvicorn.Config(application(api), log_level="critical", access_log=False))
    end = threading.Timer(options.lifetime_seconds, _stop, [server])
    end.daemon = True
    end.start()
    if options.tied:
        threading.Thread(target=_until_input_ends, args=[server], daemon=True).start()
    print(json.dumps({"port": listening.getsockname()[1]}), flush=True)  # noqa: T201 - its one line of output
    server.run(sockets=[listening])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--token-file", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--outcomes", type=int, default=0, help="begin with check-ins of so many outcomes")
    parser.add_argument("--weeks", type=int, default=12, help="and so many weeks")
    parser.add_argument("--lifetime-seconds", type=float, default=LIFETIME_SECONDS)
    parser.add_argument("--tied", action="store_true", help="end with the standard input")
    return parser.parse_args()


def _until_input_ends(server: uvicorn.Server) -> None:
    sys.stdin.read()
    _stop(server)


def _stop(server: uvicorn.Server) -> None:
    server.should_exit = True
    server.force_exit = True


if __name__ == "__main__":
    main()
