"""Work items in okr_ops: a run asks for a source, whoever applies the source's batches says when it is done."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import asyncpg

from okr_common.postgres import work_items
from okr_common.topology import STAGES

PIPELINE = STAGES["etl"].service
APPLY = "apply"
"""The kind of item: every batch of the source that is released now is to be applied."""


class Items:
    """The open items, as they were last looked at."""

    def __init__(self, ops: asyncpg.Pool) -> None:
        self._ops = ops
        self._open: dict[str, list[work_items.WorkItem]] = {}

    async def look(self) -> Iterable[str]:
        """The sources that runs ask for."""
        self._open = {}
        for item in await work_items.open_items(self._ops, PIPELINE):
            if item.kind == APPLY:
                self._open.setdefault(item.subject, []).append(item)
        return list(self._open)

    async def settle(self, source: str, result: Mapping[str, Any], state: Literal["done", "failed"] = "done") -> None:
        """Nothing of this source is left to apply, or it cannot be applied."""
        for item in self._open.pop(source, []):
            await work_items.close(self._ops, item, result, state)
