"""What a person asks of a model's owner: work items, and the answer once the owner has done them."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from okr_common import polling
from okr_common.errors import PermanentError
from okr_trainer.store import SQL, Pool

PATIENCE_SECONDS = 20.0
"""A change waits for the training that is under way, if there is one; after this time it goes on without the asker."""


class Asking:
    """Asks by okr_ops, so any replica may. `wake` has the owner in this process look at once; another looks soon."""

    def __init__(self, ops: Pool, wake: Callable[[], None]) -> None:
        self._ops = ops
        self._wake = wake

    async def have(self, kind: str, model: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """What the owner did. Raises PermanentError in its words where it refused, and `under_way` for a second one."""
        item = await self.ask(kind, model, parameters)

        async def closed() -> dict[str, Any]:
            row = await self._ops.fetchrow(SQL["change_done"], item)
            assert row is not None  # noqa: S101 - it was just written
            return {} if row["state"] == "open" else {"state": row["state"], **orjson.loads(row["result"])}

        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                done = await polling.until(closed)
        except TimeoutError:
            return {"state": "open", "item": item}
        if done["state"] == "failed":
            raise PermanentError(done.get("reason", "work_failed"), done.get("error", "no detail"))
        return done

    async def ask(self, kind: str, model: str, parameters: Mapping[str, Any]) -> int:
        """The item's number. Raises PermanentError("under_way") where one of its kind is open."""
        item: int | None = await self._ops.fetchval(
            SQL["ask_for_change"], kind, model, orjson.dumps(parameters).decode()
        )
        if item is None:
            raise PermanentError("under_way", f"a {kind} of {model} is under way; ask again when it has ended")
        self._wake()
        return item
