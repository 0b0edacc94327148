"""What /predict takes while questions come at a steady rate, whether or not those before are answered."""

import asyncio
import random
import time
from collections.abc import Sequence
from typing import Any

import httpx2

PER_SECOND, SECONDS = 200, 10.0


async def serving(url: str, key_results: Sequence[str]) -> dict[str, Any]:
    """Milliseconds from when a question was due to its answer, at PER_SECOND of them."""
    drawn = random.Random(1)  # noqa: S311 - no secret
    taken: list[float] = []
    async with httpx2.AsyncClient(base_url=url, timeout=60, limits=httpx2.Limits(max_connections=64)) as client:
        await _ask(client, key_results[0], time.monotonic(), [])
        began, asked = time.monotonic(), []
        for number in range(int(PER_SECOND * SECONDS)):
            due = began + number / PER_SECOND
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            asked.append(asyncio.create_task(_ask(client, drawn.choice(key_results), due, taken)))
        await asyncio.gather(*asked)
    ordered = sorted(taken)
    return {
        "questions": len(ordered),
        "per_second": len(ordered) / (time.monotonic() - began),
        **{f"p{share}_ms": 1000 * ordered[int(len(ordered) * share / 100)] for share in (50, 99)},
    }


async def _ask(client: httpx2.AsyncClient, key_result: str, due: float, taken: list[float]) -> None:
    answer = await client.post("/predict", json={"key_result_id": key_result})
    answer.raise_for_status()
    taken.append(time.monotonic() - due)
