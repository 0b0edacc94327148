"""What /predict takes while questions come at a steady rate, whether or not those before are answered.

They are asked over bare sockets: an HTTP client took more of the machine than the trainer's answer.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

PER_SECOND, SECONDS = 200, 10.0
LINES = 64
"""Connections, more than questions are ever under way."""
HEAD = b"POST /predict HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


async def serving(url: str, key_results: Sequence[str]) -> dict[str, Any]:
    """Milliseconds from when a question was due to its answer, at PER_SECOND of them."""
    drawn = random.Random(1)  # noqa: S311 - no secret
    free: asyncio.LifoQueue[_Line] = asyncio.LifoQueue()
    for _ in range(LINES):
        free.put_nowait(await _Line.to(url))
    await _ask(free, key_results[0], time.monotonic())
    began, asked = time.monotonic(), []
    for number in range(int(PER_SECOND * SECONDS)):
        due = began + number / PER_SECOND
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        asked.append(asyncio.create_task(_ask(free, drawn.choice(key_results), due)))
    ordered = sorted(await asyncio.gather(*asked))
    seconds = time.monotonic() - began
    for _ in range(LINES):
        free.get_nowait().close()
    return {
        "questions": len(ordered),
        "per_second": len(ordered) / seconds,
        **{f"p{share}_ms": 1000 * ordered[int(len(ordered) * share / 100)] for share in (50, 99)},
    }


async def _ask(free: "asyncio.LifoQueue[_Line]", key_result: str, due: float) -> float:
    """Seconds since it was due."""
    line = await free.get()
    await line.ask(b'{"key_result_id":"%s"}' % key_result.encode())
    taken = time.monotonic() - due
    free.put_nowait(line)
    return taken


class _Line:
    """One connection, for one question after the other."""

    def __init__(self, host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._to = host, port
        self._reader, self._writer = reader, writer

    @classmethod
    async def to(cls, url: str) -> "_Line":
        host, port = urlsplit(url).hostname or "", urlsplit(url).port or 0
        return cls(host, port, *await asyncio.open_connection(host, port))

    async def ask(self, body: bytes) -> None:
        """Returns when the answer is there. Raises where it is none."""
        if self._reader.at_eof():  # the server ends a connection that nobody used for some seconds
            self._reader, self._writer = await asyncio.open_connection(*self._to)
        self._writer.write(HEAD % len(body) + body)
        head = await self._reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"/predict says {head!r}")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        await self._reader.readexactly(int(length))

    def close(self) -> None:
        self._writer.close()
