"""The oracle: every check, over all files and batches."""

import asyncio
from collections.abc import Callable, Collection

from okr_cli.reach import Reach
from okr_cli.verify import api, applied, entities, files, letters, predictions, published, raw, told, topics
from okr_cli.verify.evidence import evidence
from okr_cli.verify.finding import Check, Report

Progress = Callable[[str], None]


STORED = (
    ("raw rows", raw.check),
    ("the files' bytes", files.check),
    ("API requests", api.check),
    ("batches applied", applied.check),
    ("entities", entities.check),
    ("predictions", predictions.check),
)
TOLD = (
    ("what was published", published.check),
    ("raw records", api.told),
    ("published predictions", told.check),
    ("dead letters", letters.check),
)
OF_THE_TRAINER = frozenset({"predictions", "published predictions"})
"""What cannot add up where no trainer runs."""


async def look(reach: Reach, progress: Progress = lambda _: None, *, without: Collection[str] = frozenset()) -> Report:
    """Looks at everything once. `progress` is told what is looked at; `without` names what is not to be.

    The databases are seen first and the topics after them, so that what is published meanwhile is not missing.
    """
    checks: list[Check] = []
    async with evidence(reach) as of:
        for name, stored in STORED:
            if name not in without:
                progress(name)
                checks += await stored(of)
        progress("the topics")
        logs = await asyncio.to_thread(topics.read, of.bootstrap)
        for name, against in TOLD:
            if name not in without:
                progress(name)
                checks += await against(of, logs)
    return Report(tuple(checks))
